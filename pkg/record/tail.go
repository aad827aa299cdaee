package record

import (
	"errors"
	"fmt"
	"io"
)

// Tail reads a recording that is still being written, as bytes of whole frames: what a writer has only half written is left
// for the next time. It checks the frames' headers, and leaves the chain to who reads the bytes.
type Tail struct {
	src    io.Reader
	buf    []byte
	begun  bool // the file header was given out
	sealed bool
}

// NewTail reads from the beginning of a file. Its Read must answer io.EOF at the end, and go on there once there is more.
func NewTail(r io.Reader) *Tail { return &Tail{src: r} }

// tailStep is how much is read at once, in bytes.
const tailStep = 256 << 10

// Next is what came since the last call, in whole frames; empty means nothing, for now. It is valid until the next call.
// io.EOF says that the seal was given out before, a *DamageError that what follows is no recording.
func (t *Tail) Next() ([]byte, error) {
	if t.sealed {
		return nil, io.EOF
	}
	for {
		whole, err := t.whole()
		if err != nil || whole > 0 {
			return t.take(whole), err
		}
		have := len(t.buf)
		if cap(t.buf) < have+tailStep {
			t.buf = append(make([]byte, 0, 2*have+tailStep), t.buf...)
		}
		n, err := t.src.Read(t.buf[have : have+tailStep])
		t.buf = t.buf[:have+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read recording: %w", err)
		}
		if n == 0 {
			return nil, nil
		}
	}
}

// whole is how many of the bytes that were read are whole frames.
func (t *Tail) whole() (int, error) {
	end := 0
	if !t.begun {
		if len(t.buf) < len(fileHeader) {
			return 0, nil
		}
		if string(t.buf[:len(fileHeader)]) != fileHeader {
			return 0, &DamageError{Why: "the file header is not that of a recording of version 1"}
		}
		end, t.begun = len(fileHeader), true
	}
	for len(t.buf)-end >= headerSize && !t.sealed {
		var h frameHeader
		if !h.get(t.buf[end:]) || h.length > MaxBody {
			if end > 0 {
				break // what is good goes first
			}
			return 0, &DamageError{Frame: h.seq, Why: "the checksum of its header does not fit"}
		}
		frame := headerSize + int(h.length) + hashSize
		if len(t.buf)-end < frame {
			break
		}
		end += frame
		t.sealed = h.typ == TypeSeal
	}
	return end, nil
}

// take gives out the first n bytes, and keeps the rest for the next call.
func (t *Tail) take(n int) []byte {
	out := t.buf[:n:n]
	t.buf = append([]byte(nil), t.buf[n:]...)
	return out
}
