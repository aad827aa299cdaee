package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Recover ends a recording whose writer died: it cuts a torn tail and seals what is whole as "crashed". A sealed
// recording is left as it is. One that is damaged anywhere but in its last frame is left too, and one whose signatures
// or witnesses speak against it; a *DamageError says where. ErrInUse says that its writer lives.
func Recover(name string, s *Signer, o Options) (Head, error) {
	o.Signer = s
	if err := o.defaults(); err != nil {
		return Head{}, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|openNoFollow, 0)
	if err != nil {
		return Head{}, fmt.Errorf("recover recording: %w", err)
	}
	head, err := recoverFile(f, o)
	err = errors.Join(err, f.Close())
	if err != nil {
		return Head{}, fmt.Errorf("recover recording %s: %w", name, err)
	}
	if o.OnCheckpoint != nil {
		o.OnCheckpoint(head)
	}
	return head, nil
}

func recoverFile(f *os.File, o Options) (Head, error) {
	if err := lock(f); err != nil {
		return Head{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return Head{}, err
	}
	d, err := NewReader(f)
	if err != nil {
		return Head{}, err
	}
	v := verifier{keys: Keys{Keys: append(o.Signer.Keys().Keys, o.Known.Keys...)}, witnessed: o.Witnessed}
	last, err := walk(d, &v, func(problem error) bool { return torn(f, d, problem, info.Size()) })
	if err != nil {
		return Head{}, err
	}
	if v.sealed {
		if d.end != info.Size() {
			return Head{}, &DamageError{Frame: last.Seq + 1, Why: "there are bytes after the seal"}
		}
		return v.report.Head, nil
	}
	if err := f.Truncate(d.end); err != nil {
		return Head{}, fmt.Errorf("cut torn tail: %w", err)
	}
	return sealCrashed(f, d, last, o)
}

// walk reads all whole frames and checks what signs them: to seal what someone altered would bless it.
func walk(d *Reader, v *verifier, torn func(error) bool) (last Event, err error) {
	for {
		before := v.report.Head.Hash
		e, err := d.Next()
		if errors.Is(err, io.EOF) || err != nil && torn(err) {
			break
		}
		if err == nil {
			err = v.frame(e, before)
		}
		if err != nil {
			return Event{}, err
		}
		last = e
		last.Body = nil
	}
	v.witnesses()
	switch {
	case v.report.LastCheckpoint == 0:
		return Event{}, &DamageError{Frame: v.report.Frames + 1, Why: "it ends before its first signed checkpoint"}
	case v.report.Why != "":
		return Event{}, &DamageError{Frame: v.report.BadFrame, Why: v.report.Why}
	default:
		return last, nil
	}
}

// torn says whether what follows the last good frame is what a dying machine leaves: part of a frame, a last frame
// whose content did not reach the disk, or zeros.
func torn(f io.ReaderAt, d *Reader, problem error, size int64) bool {
	var t *TornError
	if errors.As(problem, &t) {
		return true
	}
	var damage *DamageError
	if !errors.As(problem, &damage) {
		return false
	}
	var head [headerSize]byte
	if _, err := f.ReadAt(head[:], d.end); err != nil {
		return false
	}
	var h frameHeader
	if h.get(head[:]) {
		return h.seq == d.seq+1 && d.end+headerSize+int64(h.length)+hashSize == size
	}
	return zeros(f, d.end, size)
}

// zeros says whether a file holds nothing else from an offset on.
func zeros(f io.ReaderAt, from, size int64) bool {
	buf := make([]byte, 64<<10)
	for from < size {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-from)], from)
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return false
		}
		for _, b := range buf[:n] {
			if b != 0 {
				return false
			}
		}
		from += int64(n)
	}
	return true
}

// sealCrashed continues the chain with a seal. Nobody knows when the writer died, so the monotonic time stands still.
func sealCrashed(f *os.File, d *Reader, last Event, o Options) (Head, error) {
	now := o.Now()
	w := &Writer{
		f: diskFile{f}, o: o, start: now.Add(-last.Elapsed), off: d.end, seq: d.seq, hash: d.hash, synced: d.seq,
		kept: Head{Seq: d.seq, Hash: d.hash},
	}
	w.o.Now = func() time.Time { return now }
	w.cond.L, w.drained.L = &w.mu, &w.queueing
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checkpoint(TypeSeal, []byte(`{"reason":"crashed"}`))
}
