package spdy

import (
	"encoding/binary"
	"io"
	"sync"
)

// Writer writes frames, each with one write. It is safe for concurrent use.
type Writer struct {
	w     io.Writer
	mu    sync.Mutex
	room  []byte
	begun bool // the stream of header blocks
}

// NewWriter writes frames to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// SynStream opens a stream.
func (w *Writer) SynStream(stream uint32, fin bool, headers ...Header) error {
	return w.headed(wireSynStream, fin, headers, stream, 6)
}

// SynReply accepts a stream that the peer opened.
func (w *Writer) SynReply(stream uint32, fin bool, headers ...Header) error {
	return w.headed(wireSynReply, fin, headers, stream, 0)
}

// Reset ends a stream for both sides.
func (w *Writer) Reset(stream, status uint32) error { return w.plain(wireReset, stream, status) }

// Ping asks for the same frame, or answers one.
func (w *Writer) Ping(id uint32) error { return w.plain(wirePing, id) }

// GoAway says that no stream behind last will be served.
func (w *Writer) GoAway(last, status uint32) error { return w.plain(wireGoAway, last, status) }

// Data sends data of a stream, in frames of 32 KiB at most, the last of which says fin. Without either it sends nothing.
func (w *Writer) Data(stream uint32, data []byte, fin bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(data) > 0 || fin {
		piece := data[:min(len(data), PieceSize)]
		data = data[len(piece):]
		last := fin && len(data) == 0
		b := binary.BigEndian.AppendUint32(w.room[:0], stream)
		b = binary.BigEndian.AppendUint32(b, flags(last)|uint32(len(piece)))
		if w.room = append(b, piece...); last {
			fin = false
		}
		if _, err := w.w.Write(w.room); err != nil {
			return err
		}
	}
	return nil
}

func flags(fin bool) uint32 {
	if fin {
		return flagFin << 24
	}
	return 0
}

// headed sends a frame with a header block behind a stream's number and skip zeros.
func (w *Writer) headed(kind uint32, fin bool, headers []Header, stream uint32, skip int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := binary.BigEndian.AppendUint32(w.room[:0], 1<<31|version<<16|kind)
	b = binary.BigEndian.AppendUint32(b, 0) // the length, which is not known yet
	b = binary.BigEndian.AppendUint32(b, stream)
	b = append(b, make([]byte, skip)...)
	w.room = appendHeaders(b, !w.begun, headers)
	w.begun = true
	binary.BigEndian.PutUint32(w.room[4:], flags(fin)|uint32(len(w.room)-8))
	_, err := w.w.Write(w.room)
	return err
}

func (w *Writer) plain(kind uint32, numbers ...uint32) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := binary.BigEndian.AppendUint32(w.room[:0], 1<<31|version<<16|kind)
	b = binary.BigEndian.AppendUint32(b, uint32(4*len(numbers)))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	w.room = b
	_, err := w.w.Write(b)
	return err
}
