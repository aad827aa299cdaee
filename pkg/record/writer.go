package record

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// keepBuffer is the largest buffer that a Writer holds on to between frames.
const keepBuffer = 256 << 10

// Writer appends frames to one recording. It is safe for concurrent use. Every call after a failure returns ErrFailed:
// there is no way back for a file whose content is in doubt.
type Writer struct {
	f     file
	o     Options
	start time.Time

	// mu guards the chain and is held during a write.
	mu      sync.Mutex
	cond    sync.Cond // of mu: synced, syncing or err changed
	buf     []byte    // hash before, header, body, hash after: the frame as it is built
	staged  []byte    // whole frames that are not in the kernel yet
	staging bool      // the frame being built is to wait for Commit
	off     int64     // end of the last whole frame in the kernel
	kept    Head      // that frame
	seq     uint64
	hash    [32]byte
	last    time.Time // of the last frame
	err     error     // set once
	failed  atomic.Bool
	over    atomic.Bool // failed or sealed
	sealed  bool        // nothing is written any more
	prefix  [rowsPrefix]byte
	synced  uint64 // the last frame known to be on the disk
	syncing bool

	signed      uint64 // the last checkpoint
	timer       *time.Timer
	armed       bool
	checkpoints sync.WaitGroup
	telling     chan struct{} // holds a token while OnCheckpoint runs

	// queueing guards the batches on their way to the worker; who holds it waits for no disk. It is never taken while mu
	// is held.
	queueing        sync.Mutex
	drained         sync.Cond  // of queueing: written changed
	closing         bool       // Seal was called
	queue           chan batch // nil until the first large batch
	queued, written uint64     // batches
	worker          sync.WaitGroup

	waiting  atomic.Int64 // bytes staged
	writing  atomic.Int64 // when the frame being written was begun, Unix nanoseconds; 0: none
	handling atomic.Int64 // when the batch being handled was queued
}

// Append adds an event. When it returns, the frame is in the kernel: the death of this process loses nothing. Batches
// queued before it are written first, so frames stand in the file in the order of the calls.
func (w *Writer) Append(t Type, body []byte) (uint64, error) {
	if err := w.drain(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.append(t, body)
}

// Stage is Append without the system call: the frame is part of the chain, and is in the kernel once Commit, or any later
// call that writes, has returned. What must not be lost before something else happens is staged and committed.
func (w *Writer) Stage(t Type, body []byte) (uint64, error) {
	if err := w.drain(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staging = true
	defer func() { w.staging = false }()
	return w.append(t, body)
}

// Commit puts into the kernel what was staged. It costs nothing where nothing was. An error means that nothing more is
// recorded, also where nothing was staged.
func (w *Writer) Commit() error {
	if w.waiting.Load() == 0 && !w.over.Load() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	return w.flush()
}

// AppendSync is Append that also waits until the frame is on the disk. Waiters that arrive during a sync share the
// next one.
func (w *Writer) AppendSync(t Type, body []byte) (uint64, error) {
	if err := w.drain(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seq, err := w.append(t, body)
	if err != nil {
		return 0, err
	}
	if err := w.sync(seq); err != nil {
		return 0, err
	}
	return seq, nil
}

// AppendEvent encodes an event and adds it with Append.
func (w *Writer) AppendEvent(b Body) (uint64, error) {
	body, err := Encode(b)
	if err != nil {
		return 0, err
	}
	return w.Append(b.Type(), body)
}

// AppendEventSync encodes an event and adds it with AppendSync.
func (w *Writer) AppendEventSync(b Body) (uint64, error) {
	body, err := Encode(b)
	if err != nil {
		return 0, err
	}
	return w.AppendSync(b.Type(), body)
}

// Head is the end of the chain now.
func (w *Writer) Head() Head {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head()
}

// Err is the failure that ended this Writer, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Lag is how long the oldest data that is not in the kernel yet has been waiting; 0 when nothing waits. It never
// blocks, so that a watchdog can ask it of a Writer whose disk hangs.
func (w *Writer) Lag() time.Duration {
	now := w.o.Now().UnixNano()
	return max(since(now, w.writing.Load()), since(now, w.handling.Load()))
}

func since(now, then int64) time.Duration {
	if then == 0 {
		return 0
	}
	return max(0, time.Duration(now-then))
}

func (w *Writer) head() Head { return Head{Seq: w.seq, Hash: w.hash, Time: w.last.UTC()} }

// append writes one event and sees to its checkpoint. mu is held.
func (w *Writer) append(t Type, body []byte) (uint64, error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	if len(body) > MaxBody {
		return 0, fmt.Errorf("append %d bytes: %w", len(body), ErrTooLarge)
	}
	if t <= TypeSeal || t == TypeRows {
		return 0, fmt.Errorf("append frame of type %d: only events are appended", t)
	}
	if err := w.write(t, nil, body); err != nil {
		return 0, err
	}
	w.arm()
	return w.seq, nil
}

// Behind says whether batches are queued that are not written yet: the next event waits for them.
func (w *Writer) Behind() bool {
	w.queueing.Lock()
	defer w.queueing.Unlock()
	return w.written < w.queued
}

// drain waits until the batches that are queued now are written, or have failed the Writer. The worker always gets
// there: after a failure it only counts them.
func (w *Writer) drain() error {
	w.queueing.Lock()
	defer w.queueing.Unlock()
	if w.closing {
		return w.ended()
	}
	for target := w.queued; w.written < target; {
		w.drained.Wait()
	}
	return nil
}

// ended is what a call gets that comes after Seal.
func (w *Writer) ended() error {
	if w.failed.Load() {
		return w.Err()
	}
	return ErrSealed
}

// usable is asked under mu: between drain and now the Writer may have failed, or been sealed.
func (w *Writer) usable() error {
	if w.err == nil && w.sealed {
		return ErrSealed
	}
	return w.err
}

// write puts one frame (its body in two parts) at the end of the file with one system call. mu is held.
func (w *Writer) write(t Type, prefix, body []byte) error {
	if w.err != nil {
		return w.err
	}
	return w.writeAt(w.o.Now(), t, prefix, body)
}

func (w *Writer) writeAt(now time.Time, t Type, prefix, body []byte) error {
	w.writing.Store(now.UnixNano())
	defer w.writing.Store(0)
	w.build(t, now, prefix, body)
	hash := sha256.Sum256(w.buf)
	w.buf = append(w.buf, hash[:]...)
	frame := w.buf[hashSize:]
	if w.o.MaxBytes > 0 && t != TypeSeal && w.off+int64(len(w.staged)+len(frame)) > w.o.MaxBytes {
		return w.fail(ErrFull)
	}
	w.staged = append(w.staged, frame...)
	w.seq++
	w.hash = hash
	w.last = now
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	if w.staging && len(w.staged) < keepBuffer {
		w.waiting.Store(int64(len(w.staged)))
		return nil
	}
	return w.flush()
}

// flush writes what is staged with one system call. mu is held.
func (w *Writer) flush() error {
	if len(w.staged) == 0 {
		return nil
	}
	n, err := w.f.WriteAt(w.staged, w.off)
	if err != nil || n != len(w.staged) {
		return w.fail(fmt.Errorf("write up to frame %d: %w", w.seq, shortWrite(err)))
	}
	w.off += int64(n)
	w.kept = w.head()
	w.staged = w.staged[:0]
	w.waiting.Store(0)
	if cap(w.staged) > 2*keepBuffer {
		w.staged = nil
	}
	return nil
}

// build fills buf with the hash before, the header and the body of the next frame: what the chain hashes.
func (w *Writer) build(t Type, now time.Time, prefix, body []byte) {
	length := len(prefix) + len(body)
	w.buf = slices.Grow(w.buf[:0], 2*hashSize+headerSize+length)
	w.buf = append(w.buf, w.hash[:]...)
	w.buf = w.buf[:hashSize+headerSize]
	w.header(t, now, length).put(w.buf[hashSize:])
	w.buf = append(w.buf, prefix...)
	w.buf = append(w.buf, body...)
}

func (w *Writer) header(t Type, now time.Time, length int) frameHeader {
	return frameHeader{length: uint32(length), seq: w.seq + 1, elapsed: int64(now.Sub(w.start)), wall: now.UnixNano(), typ: t}
}

// sign writes a checkpoint or a seal, whose signature covers the chain before it, its own header and what rest says.
func (w *Writer) sign(t Type, rest []byte) error {
	if w.err != nil {
		return w.err
	}
	now := w.o.Now()
	header := w.header(t, now, signatureSize+len(rest))
	prefix := append(make([]byte, 0, signatureSize), w.o.Signer.id[:]...)
	prefix = append(prefix, ed25519.Sign(w.o.Signer.key, signedMessage(w.hash, header, rest))...)
	if err := w.writeAt(now, t, prefix, rest); err != nil {
		return err
	}
	w.signed = w.seq
	return nil
}

// fail ends the Writer for good, and cuts off what a failed write may have left of a frame. The chain ends where the file
// does: a head that a witness heard of and the file lacks would read as a recording that was cut. mu is held.
func (w *Writer) fail(cause error) error {
	if w.err != nil {
		return w.err
	}
	w.err = fmt.Errorf("%w: %w", ErrFailed, cause)
	w.failed.Store(true)
	w.over.Store(true)
	w.o.Logger.Error("recording failed", "error", cause, "frame", w.seq)
	if err := w.f.Truncate(w.off); err != nil {
		w.o.Logger.Error("torn tail of recording not cut", "error", err)
	}
	w.seq, w.hash, w.last = w.kept.Seq, w.kept.Hash, w.kept.Time
	w.cond.Broadcast()
	return w.err
}

// sync waits until the frame seq is on the disk. mu is held, and given up while waiting. A failed sync fails the
// Writer: the kernel may have dropped the pages, and a second sync would report success.
func (w *Writer) sync(seq uint64) error {
	for w.synced < seq {
		if w.err != nil {
			return w.err
		}
		if w.syncing {
			w.cond.Wait()
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
		w.syncing = true
		target := w.seq
		w.mu.Unlock()
		err := w.f.Sync()
		w.mu.Lock()
		w.syncing = false
		w.cond.Broadcast()
		if err != nil {
			return w.fail(fmt.Errorf("sync: %w", err))
		}
		w.synced = target
	}
	return nil
}

func shortWrite(err error) error {
	if err == nil {
		return io.ErrShortWrite
	}
	return err
}
