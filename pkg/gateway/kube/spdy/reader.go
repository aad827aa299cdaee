package spdy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Reader reads frames. It is not safe for concurrent use.
type Reader struct {
	r    *bufio.Reader
	room [PieceSize]byte
	left int   // of the data frame at hand
	data Frame // of which pieces are still to come
	unpacker
}

// NewReader reads frames from r, which it may read ahead of.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 4<<10)} }

// Next answers the next frame, or the next piece of a data frame, of which the last one alone says Fin. io.EOF says that
// the peer ended behind a whole frame, *Error that what it sent is none; nothing may be read after an error.
func (r *Reader) Next() (Frame, error) {
	if r.left > 0 {
		return r.piece()
	}
	head := r.room[:8]
	if _, err := io.ReadFull(r.r, head); err != nil {
		return Frame{}, err
	}
	first, flags, length := binary.BigEndian.Uint32(head), head[4], int(binary.BigEndian.Uint32(head[4:])&0xffffff)
	if first>>31 == 0 {
		return r.beginData(first, flags, length)
	}
	if v := first >> 16 & 0x7fff; v != version {
		return Frame{}, malformed("a frame is of version %d", v)
	}
	if length > maxControl {
		return Frame{}, malformed("a control frame has %d bytes", length)
	}
	body := r.room[:length]
	if err := r.whole(body); err != nil {
		return Frame{}, err
	}
	return r.control(first&0xffff, flags, body)
}

// whole fills b, whose end may not be missing.
func (r *Reader) whole(b []byte) error {
	_, err := io.ReadFull(r.r, b)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (r *Reader) beginData(stream uint32, flags byte, length int) (Frame, error) {
	if stream == 0 || flags&^flagFin != 0 {
		return Frame{}, malformed("data with flags %#x for stream %d", flags, stream)
	}
	r.data, r.left = Frame{Type: Data, Stream: stream, Fin: flags&flagFin != 0}, length
	return r.piece()
}

// piece answers as much of the data frame at hand as there is, without waiting for more than a byte.
func (r *Reader) piece() (Frame, error) {
	f := r.data
	if r.left > 0 {
		n, err := r.r.Read(r.room[:min(r.left, PieceSize)])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && n == 0 {
			return Frame{}, err
		}
		r.left -= n
		f.Data = r.room[:n]
	}
	f.Fin = f.Fin && r.left == 0
	return f, nil
}

// control understands a control frame.
func (r *Reader) control(kind uint32, flags byte, b []byte) (Frame, error) {
	allowed, least, exactly := byte(0), 8, true
	switch kind {
	case wireSynStream:
		allowed, least, exactly = flagFin|flagUnidirectional, 10, false
	case wireSynReply, wireHeaders:
		allowed, least, exactly = flagFin, 4, false
	case wireSettings:
		allowed, least, exactly = flagClearSettings, 4, false
	case wirePing:
		least = 4
	case wireReset, wireGoAway, wireWindow:
	default:
		return Frame{}, malformed("a control frame is of type %d", kind)
	}
	if flags&^allowed != 0 {
		return Frame{}, malformed("a control frame of type %d has flags %#x", kind, flags)
	}
	if len(b) < least || exactly && len(b) != least {
		return Frame{}, malformed("a control frame of type %d has %d bytes", kind, len(b))
	}
	switch kind {
	case wireSynStream, wireSynReply, wireHeaders:
		return r.headed(kind, flags, b)
	case wireSettings:
		return settings(b)
	default:
		return plain(kind, b)
	}
}

// headed understands a frame with a header block.
func (r *Reader) headed(kind uint32, flags byte, b []byte) (f Frame, err error) {
	f = Frame{Type: SynStream, Stream: binary.BigEndian.Uint32(b), Fin: flags&flagFin != 0, Unidirectional: flags&flagUnidirectional != 0}
	block := b[4:]
	switch kind {
	case wireSynStream: // the stream it belongs to, a priority and a slot mean nothing here
		block = b[10:]
	case wireSynReply:
		f.Type = SynReply
	case wireHeaders:
		f.Type = Headers
	}
	if f.Stream == 0 || f.Stream > MaxStream {
		return Frame{}, malformed("%s for stream %d", f.Type, f.Stream)
	}
	if block, err = r.unpack(block); err != nil {
		return Frame{}, err
	}
	f.Headers, err = parseHeaders(block)
	return f, err
}

// settings checks entries of eight bytes behind their count.
func settings(b []byte) (Frame, error) {
	if count := binary.BigEndian.Uint32(b); uint64(len(b)) != 4+8*uint64(count) {
		return Frame{}, malformed("SETTINGS of %d bytes with %d entries", len(b), count)
	}
	return Frame{Type: Settings}, nil
}

// plain understands a frame of one or two numbers.
func plain(kind uint32, b []byte) (Frame, error) {
	first, second := binary.BigEndian.Uint32(b), uint32(0)
	if len(b) == 8 {
		second = binary.BigEndian.Uint32(b[4:])
	}
	f, ok := Frame{}, first <= MaxStream
	switch kind {
	case wirePing:
		f, ok = Frame{Type: Ping, ID: first}, first != 0
	case wireGoAway:
		f = Frame{Type: GoAway, Stream: first, Status: second}
	case wireReset:
		f, ok = Frame{Type: Reset, Stream: first, Status: second}, ok && first != 0 && second != 0
	case wireWindow: // of stream 0 it is that of the connection
		f, ok = Frame{Type: Window, Stream: first, Delta: second}, ok && second != 0 && second <= MaxStream
	}
	if !ok {
		return Frame{}, malformed("%s of %d and %d", f.Type, first, second)
	}
	return f, nil
}
