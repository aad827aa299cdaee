// Package wire frames PostgreSQL's protocol 3.0 from a peer that may be hostile: type and length are checked against a
// table before anything is allocated, and messages are handed out in place.
// The source is PostgreSQL's documentation, chapter "Frontend/Backend Protocol", section "Message Formats".
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Side is who sends the messages that a Reader frames.
type Side uint8

// The sides.
const (
	FromClient Side = iota
	FromServer
)

// ErrProtocol is wrapped by every violation of the protocol. The connection can't go on after one.
var ErrProtocol = errors.New("protocol violation")

const (
	headerLen = 5
	// startSize is the buffer of a quiet connection, in bytes; it holds any short message.
	startSize = 16 << 10
	// bulkSize is the buffer once a peer fills it.
	bulkSize = 128 << 10
)

// Message is one message, or a piece of a streamed one (CopyData, DataRow). Raw is valid until the next Fill.
type Message struct {
	Type  byte
	Raw   []byte // with the five header bytes, where First
	First bool
	Last  bool
}

// Size is the length in bytes of the message as a whole, with its header. Only where First.
func (m Message) Size() int { return int(binary.BigEndian.Uint32(m.Raw[1:headerLen])) + 1 }

// Body is the message without its header. Only for whole messages.
func (m Message) Body() []byte { return m.Raw[headerLen:] }

// Reader frames one direction of a connection.
type Reader struct {
	src    io.Reader
	limits *[256]limit
	shared *Buffers // nil: its own alone
	buf    []byte   // nil while nothing is in it
	r, w   int
	// left counts the bytes still to come of a message that is being handed out in pieces, of type in.
	left int
	in   byte
}

// NewReader frames what side sends on src.
func NewReader(src io.Reader, side Side) *Reader {
	limits := &clientLimits
	if side == FromServer {
		limits = &serverLimits
	}
	return &Reader{src: src, limits: limits}
}

// Buffered is the number of bytes that were read and not yet handed out.
func (r *Reader) Buffered() int { return r.w - r.r }

// Next hands out the next message that is wholly buffered, or a piece of a streamed one. It answers false when Fill must
// be called first, and an error that wraps ErrProtocol when the peer breaks the protocol.
func (r *Reader) Next() (Message, bool, error) {
	have := r.buf[r.r:r.w]
	if r.left > 0 {
		n := min(r.left, len(have))
		if n == 0 {
			return Message{}, false, nil
		}
		r.r += n
		r.left -= n
		return Message{Type: r.in, Raw: have[:n], Last: r.left == 0}, true, nil
	}
	if len(have) < headerLen {
		return Message{}, false, nil
	}
	size, err := r.size(have)
	if err != nil {
		return Message{}, false, err
	}
	if len(have) >= size {
		r.r += size
		return Message{Type: have[0], Raw: have[:size], First: true, Last: true}, true, nil
	}
	if !r.limits[have[0]].streamed || size <= bulkSize/2 {
		return Message{}, false, nil
	}
	r.in, r.left = have[0], size-len(have)
	r.r = r.w
	return Message{Type: r.in, Raw: have, First: true}, true, nil
}

// Back takes the message that Next handed out last back: it is the next again.
func (r *Reader) Back(m Message) {
	r.r -= len(m.Raw)
	switch {
	case m.First:
		r.left = 0
	default:
		r.left += len(m.Raw)
	}
}

// size is the length of the message that head begins, header included, once type and length are allowed.
func (r *Reader) size(head []byte) (int, error) {
	l := r.limits[head[0]]
	if l.max == 0 {
		return 0, fmt.Errorf("%w: message type %q is not one that may be sent here", ErrProtocol, head[0])
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < uint32(l.min) || n > uint32(l.max) {
		return 0, fmt.Errorf("%w: message %q announces %d bytes, %d to %d are allowed", ErrProtocol, head[0], n, l.min, l.max)
	}
	return int(n) + 1, nil
}

// Fill reads once from the peer. Where nothing comes, in a loop or at the end, and nothing is left, the buffer rests with
// others. It makes room first: by moving what is left to the front, and by growing the buffer only
// as far as a message that was checked needs it.
func (r *Reader) Fill() error {
	if r.r == r.w {
		r.r, r.w = 0, 0
		if len(r.buf) > bulkSize {
			r.buf = nil // few messages are so large
		}
	}
	if err := r.room(); err != nil {
		return err
	}
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	r.rest()
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

func (r *Reader) room() error {
	if r.buf == nil {
		r.buf = r.shared.lent(startSize)
	}
	need := headerLen
	if have := r.buf[r.r:r.w]; len(have) >= headerLen && r.left == 0 {
		size, err := r.size(have)
		if err != nil {
			return err
		}
		need = size
		if r.limits[have[0]].streamed {
			need = min(size, bulkSize)
		}
	}
	full := r.w == len(r.buf) && r.r == 0
	switch {
	case full && len(r.buf) < bulkSize:
		need = max(need, bulkSize)
	case r.r+need <= len(r.buf) && r.w < len(r.buf):
		return nil
	}
	if need <= len(r.buf) {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
		return nil
	}
	// Grown by doubling as bytes come, so that an announced length alone allocates nothing.
	next := r.shared.lent(min(need, max(2*len(r.buf), bulkSize)))
	r.w = copy(next, r.buf[r.r:r.w])
	r.shared.giveBack(r.buf)
	r.r, r.buf = 0, next
	return nil
}

// Prefetch reads once more from the peer while a message that was handed out is still in use: it never moves or
// overwrites what Next answered. It reads nothing once limit bytes are waiting, and answers false then.
func (r *Reader) Prefetch(limit int) (bool, error) {
	if r.Buffered() >= limit {
		return false, nil
	}
	if r.w == len(r.buf) {
		next := make([]byte, max(2*r.Buffered(), startSize))
		r.w = copy(next, r.buf[r.r:r.w])
		r.buf, r.r = next, 0
	}
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		err = nil
	}
	return true, err
}

// Waiting answers whether a whole message of type t is among what was read and not handed out.
func (r *Reader) Waiting(t byte) bool {
	have := r.buf[r.r:r.w]
	have = have[min(r.left, len(have)):]
	for len(have) >= headerLen {
		if have[0] == t {
			return true
		}
		size, err := r.size(have)
		if err != nil || size > len(have) {
			return false
		}
		have = have[size:]
	}
	return false
}
