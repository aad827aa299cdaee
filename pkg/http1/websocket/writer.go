package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Writer writes what one side sends. It may be used by several goroutines: a pong goes between the fragments of a message.
type Writer struct {
	mu    sync.Mutex
	w     io.Writer
	as    Side
	order order
	buf   []byte
	err   error
}

// NewWriter writes frames as a side.
func NewWriter(w io.Writer, as Side) *Writer { return &Writer{w: w, as: as} }

// Write writes one frame at once, masked if the side is the client's. A frame that a reader would refuse is refused here, with *Error,
// and it is as if it had not been given: Close may follow. The payload stays as it is. Behind an error of w every further call fails.
func (w *Writer) Write(f Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if w.as != Client && w.as != Server {
		return errors.New("frames are written as the client or as the server")
	}
	if err := w.order.head(f.Opcode, f.Fin, uint64(len(f.Payload))); err != nil {
		return err
	}
	before := w.order
	if err := w.order.take(f); err != nil {
		w.order = before
		return err
	}
	w.buf = appendFrame(w.buf[:0], f, w.as == Client)
	_, w.err = w.w.Write(w.buf)
	w.buf = spare(w.buf)
	return w.err
}

// Message writes a whole message, or a control frame.
func (w *Writer) Message(op Opcode, payload []byte) error {
	return w.Write(Frame{Opcode: op, Fin: true, Payload: payload})
}

// Close writes a Close frame, as AppendClose makes it. No frame may follow.
func (w *Writer) Close(code int, reason string) error {
	return w.Message(Close, AppendClose(nil, code, reason))
}

func appendFrame(dst []byte, f Frame, masked bool) []byte {
	first := byte(f.Opcode)
	if f.Fin {
		first |= 0x80
	}
	var bit byte
	if masked {
		bit = 0x80
	}
	switch n := len(f.Payload); {
	case n < 126:
		dst = append(dst, first, bit|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, bit|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, bit|127), uint64(n))
	}
	if !masked {
		return append(dst, f.Payload...)
	}
	var key [4]byte
	_, _ = rand.Read(key[:]) // it ends the program where there is no randomness, and never fails
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, f.Payload...)
	mask(dst[start:], key)
	return dst
}
