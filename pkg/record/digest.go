package record

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"runtime"
	"sync"
)

// Digest is the SHA-256 of a stream of which nothing is kept: what lies beyond a cap, the data that a command was sent. A
// short stream is hashed as it comes. One that goes on is copied, which costs a twentieth of hashing it, and hashed beside
// whoever writes it, a buffer at a time: while one is hashed the other is filled, and who is faster than the hash waits for
// it. Each buffer has a goroutine of its own, which ends with it, so that a Digest holds nothing that would have to be
// closed and may be dropped at any time.
//
// The zero value is ready. It is not safe for concurrent use.
type Digest struct {
	sum     hash.Hash // nil: nothing was written. The goroutine's while one is at work
	direct  int       // bytes that were hashed as they came
	filled  []byte    // what is not hashed yet
	spare   []byte    // the other buffer, which the goroutine reads
	hashing sync.WaitGroup
}

const (
	// directly is how much of a stream is hashed as it comes, in bytes: most are over by then.
	directly = 256 << 10
	// digestRoom is how much is hashed at once beside the writer, in bytes. To wake a goroutine costs as much as hashing a few
	// kibibytes.
	digestRoom = 128 << 10
)

// Write adds p, which it does not keep.
func (d *Digest) Write(p []byte) {
	if d.sum == nil {
		d.sum = sha256.New()
	}
	if d.filled == nil {
		if d.direct+len(p) <= directly || runtime.GOMAXPROCS(0) == 1 { // with one processor nothing is beside anything
			d.direct += len(p)
			d.sum.Write(p)
			return
		}
		d.filled = make([]byte, 0, digestRoom)
	}
	for len(p) > 0 {
		n := min(len(p), digestRoom-len(d.filled))
		if d.filled, p = append(d.filled, p[:n]...), p[n:]; len(d.filled) == digestRoom {
			d.hand()
		}
	}
}

// hand has the buffer hashed that is full, once the one before it was, and goes on with the other.
func (d *Digest) hand() {
	d.hashing.Wait()
	full := d.filled
	if d.spare == nil {
		d.spare = make([]byte, 0, digestRoom)
	}
	d.filled, d.spare = d.spare[:0], full
	d.hashing.Go(func() { d.sum.Write(full) })
}

// Hex is the digest of all that was written, as recordings have it. More may be written behind it.
func (d *Digest) Hex() string {
	d.hashing.Wait()
	if d.sum == nil {
		d.sum = sha256.New()
	}
	d.sum.Write(d.filled)
	d.filled = d.filled[:0]
	return hex.EncodeToString(d.sum.Sum(nil))
}
