package record

import "sync"

// Buffers are what large batches are copied and compressed into, shared by all recordings of a process, so that a session
// which had a large result once does not keep them while it waits. Who takes one out overwrites what is in it. The zero value
// is ready, nil keeps none, and it is safe for concurrent use.
type Buffers struct{ raw, packed spareBuffers }

func (b *Buffers) forBatch() *spareBuffers {
	if b == nil {
		return nil
	}
	return &b.raw
}

func (b *Buffers) forPacking() *spareBuffers {
	if b == nil {
		return nil
	}
	return &b.packed
}

// spareBuffers are buffers of about the same size.
type spareBuffers struct{ pool sync.Pool } // of *[]byte

func (b *spareBuffers) take() []byte {
	if b == nil {
		return nil
	}
	known, ok := b.pool.Get().(*[]byte)
	if !ok {
		return nil
	}
	return (*known)[:0]
}

func (b *spareBuffers) giveBack(buf []byte) {
	if b != nil && buf != nil && cap(buf) <= 2*keepBuffer {
		b.pool.Put(&buf)
	}
}
