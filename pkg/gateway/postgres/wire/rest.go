package wire

import (
	"io"
	"sync"
)

// Buffers are shared by the Readers that it makes: a Reader has one only while something is in it, and of many connections
// few are read at a time. Who takes one out overwrites what is in it before reading it. The zero value is ready.
type Buffers struct {
	quiet sync.Pool // of *[startSize]byte
	busy  sync.Pool // of *[bulkSize]byte
}

// NewReader frames what side sends on src.
func (b *Buffers) NewReader(src io.Reader, side Side) *Reader {
	r := NewReader(src, side)
	r.shared = b
	return r
}

// lent is a buffer of one of the two usual sizes.
func (b *Buffers) lent(size int) []byte {
	if b != nil && size == startSize {
		if known, ok := b.quiet.Get().(*[startSize]byte); ok {
			return known[:]
		}
	}
	if b != nil && size == bulkSize {
		if known, ok := b.busy.Get().(*[bulkSize]byte); ok {
			return known[:]
		}
	}
	return make([]byte, size)
}

func (b *Buffers) giveBack(buf []byte) {
	switch {
	case b == nil:
	case len(buf) == startSize:
		b.quiet.Put((*[startSize]byte)(buf))
	case len(buf) == bulkSize:
		b.busy.Put((*[bulkSize]byte)(buf))
	}
}

// rest gives the buffer back when nothing in it is still to be handed out.
func (r *Reader) rest() {
	if r.r == r.w {
		r.shared.giveBack(r.buf)
		r.buf, r.r, r.w = nil, 0, 0
	}
}
