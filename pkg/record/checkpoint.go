package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// signatureSize is the fixed part of a checkpoint's and a seal's body: key id and signature.
const signatureSize = 8 + 64

// Seal is what a seal frame says besides its signature.
type Seal struct {
	Reason string `json:"reason"` // "closed", "crashed", …
}

// signedMessage is what a checkpoint's or seal's signature is over: the chain before it, the frame's own header and
// the rest of its body.
func signedMessage(before [32]byte, h frameHeader, rest []byte) []byte {
	const domain = "hoop recording v1\x00"
	m := append(make([]byte, 0, 256), domain...)
	m = append(m, before[:]...)
	m = m[:len(m)+headerSize]
	h.put(m[len(m)-headerSize:])
	return append(m, rest...)
}

// arm sees to it that a checkpoint follows within CheckpointEvery. mu is held.
func (w *Writer) arm() {
	if w.armed || w.sealed {
		return
	}
	w.armed = true
	w.checkpoints.Add(1)
	if w.timer == nil {
		w.timer = time.AfterFunc(w.o.CheckpointEvery, w.onTimer)
		return
	}
	w.timer.Reset(w.o.CheckpointEvery)
}

// disarm stops a timer that has not fired. mu is held.
func (w *Writer) disarm() {
	if w.armed && w.timer.Stop() {
		w.armed = false
		w.checkpoints.Done()
	}
}

// onTimer makes a checkpoint of what was appended since the last one. A failure is kept in the Writer and met by the
// next call.
func (w *Writer) onTimer() {
	defer w.checkpoints.Done()
	w.mu.Lock()
	w.armed = false
	if w.sealed || w.err != nil || w.signed == w.seq {
		w.mu.Unlock()
		return
	}
	head, err := w.checkpoint(TypeCheckpoint, nil)
	w.mu.Unlock()
	if err == nil {
		w.tell(head)
	}
}

// checkpoint signs the chain, and waits until the signature is on the disk. mu is held, and given up during the sync.
func (w *Writer) checkpoint(t Type, rest []byte) (Head, error) {
	if err := w.sign(t, rest); err != nil {
		return Head{}, err
	}
	head := w.head()
	return head, w.sync(head.Seq)
}

// tell calls OnCheckpoint, for one checkpoint at a time.
func (w *Writer) tell(h Head) {
	if w.o.OnCheckpoint == nil {
		return
	}
	w.telling <- struct{}{}
	defer func() { <-w.telling }()
	w.o.OnCheckpoint(h)
}

// Checkpoint signs what was appended so far without waiting for the timer.
func (w *Writer) Checkpoint() (Head, error) {
	if err := w.drain(); err != nil {
		return Head{}, err
	}
	w.mu.Lock()
	err := w.usable()
	var head Head
	if err == nil {
		head, err = w.checkpoint(TypeCheckpoint, nil)
	}
	w.mu.Unlock()
	if err == nil {
		w.tell(head)
	}
	return head, err
}

// Seal ends the recording: queued batches, then a signed seal with the reason, are on the disk when it returns nil.
// It frees what the Writer holds in any case; on an error the file stays unsealed, for Recover.
func (w *Writer) Seal(reason string) error {
	rest, err := json.Marshal(Seal{Reason: reason})
	if err != nil {
		return fmt.Errorf("encode seal: %w", err)
	}
	if err := w.close(); err != nil {
		return err
	}
	w.mu.Lock()
	w.disarm()
	w.sealed = true
	w.over.Store(true)
	head, err := w.checkpoint(TypeSeal, rest)
	w.mu.Unlock()
	w.worker.Wait()
	w.checkpoints.Wait()
	if err != nil {
		return errors.Join(err, w.f.Close())
	}
	if err := w.f.Close(); err != nil {
		return fmt.Errorf("close recording: %w", err)
	}
	w.tell(head)
	return nil
}

// close takes no more batches and waits for those that were taken.
func (w *Writer) close() error {
	w.queueing.Lock()
	defer w.queueing.Unlock()
	if w.closing {
		return w.ended()
	}
	w.closing = true
	for w.written < w.queued {
		w.drained.Wait()
	}
	if w.queue != nil {
		close(w.queue)
	}
	return nil
}
