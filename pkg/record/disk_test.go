package record_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// disk is a file whose calls can be made to fail or to hang.
type disk struct {
	record.File
	write, sync func() error
	syncs       int
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	if d.write != nil {
		if err := d.write(); err != nil {
			n, _ := d.File.WriteAt(p[:len(p)/2], off) // a full disk takes part of it
			return n, err
		}
	}
	return d.File.WriteAt(p, off)
}

func (d *disk) Sync() error {
	d.syncs++
	if d.sync != nil {
		if err := d.sync(); err != nil {
			return err
		}
	}
	return d.File.Sync()
}

func onDisk(t *testing.T, o record.Options) (*record.Writer, *disk, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.hrec")
	d := &disk{File: record.OnDisk(t, name)}
	return must(record.CreateOn(d, header(), o)), d, name
}

func TestAFailedWriteFailsTheRecordingForGoodAndLeavesItWhole(t *testing.T) {
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS, nil} {
		s := signer(t)
		w, d, name := onDisk(t, record.Options{Signer: s})
		must(w.Append(record.TypeNotice, note("good")))
		d.write = func() error { return errors.Join(fault, errors.New("short")) }
		_, err := w.Append(record.TypeNotice, note("lost"))
		if !errors.Is(err, record.ErrFailed) || fault != nil && !errors.Is(err, fault) {
			t.Fatalf("append: %v", err)
		}
		d.write = nil
		_, a := w.Append(record.TypeNotice, note("again"))
		_, b := w.AppendSync(record.TypeNotice, note("again"))
		for i, err := range []error{a, b, w.AppendBatch(1, rows(1)), w.AppendBatch(1, rows(1000)), w.Err(), w.Seal("closed")} {
			if !errors.Is(err, record.ErrFailed) {
				t.Errorf("call %d after the failure: %v", i, err)
			}
		}
		report := verify(t, must(os.ReadFile(name)), s.Keys(), w.Head())
		if report.State != record.Whole || report.Frames != 3 || report.BadFrame != 0 {
			t.Fatalf("%v: %+v", fault, report)
		}
	}
}

func TestAFailedWriteOfABatchMeetsTheNextCall(t *testing.T) {
	w, d, _ := onDisk(t, record.Options{Signer: signer(t)})
	d.write = func() error { return syscall.ENOSPC }
	if err := w.AppendBatch(1, rows(10_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AppendEvent(record.Outcome{Command: 1}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := w.Seal("closed"); !errors.Is(err, record.ErrFailed) {
		t.Fatal(err)
	}
}

func TestAFailedSyncIsNotTriedAgain(t *testing.T) {
	w, d, _ := onDisk(t, record.Options{Signer: signer(t)})
	d.sync = func() error { return syscall.EIO }
	if _, err := w.AppendSync(record.TypeNotice, note("a")); !errors.Is(err, record.ErrFailed) || !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d.sync = nil
	syncs := d.syncs
	if _, err := w.AppendSync(record.TypeNotice, note("b")); !errors.Is(err, record.ErrFailed) {
		t.Fatal(err)
	}
	if err := w.Seal("closed"); !errors.Is(err, record.ErrFailed) || d.syncs != syncs {
		t.Fatalf("%v after %d more syncs", err, d.syncs-syncs)
	}
}

func TestARecordingThatCannotBeBegunIsAnError(t *testing.T) {
	d := &disk{File: record.OnDisk(t, filepath.Join(t.TempDir(), "a.hrec")), sync: func() error { return syscall.EIO }}
	if _, err := record.CreateOn(d, header(), record.Options{Signer: signer(t)}); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d = &disk{File: record.OnDisk(t, filepath.Join(t.TempDir(), "b.hrec")), write: func() error { return syscall.ENOSPC }}
	if _, err := record.CreateOn(d, header(), record.Options{Signer: signer(t)}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func TestThoseWhoWaitForASyncShareTheNextOne(t *testing.T) {
	s := signer(t)
	f := record.OnDisk(t, filepath.Join(t.TempDir(), "a.hrec"))
	synctest.Test(t, func(t *testing.T) {
		d := &disk{File: f}
		w := must(record.CreateOn(d, header(), record.Options{Signer: s}))
		release := make(chan struct{})
		var once sync.Once
		d.sync = func() error {
			once.Do(func() { <-release })
			return nil
		}
		var waiters sync.WaitGroup
		waiters.Go(func() { must(w.AppendSync(record.TypeNotice, note("first"))) })
		synctest.Wait()
		for i := range 20 {
			waiters.Go(func() { must(w.AppendSync(record.TypeNotice, note(fmt.Sprint(i)))) })
		}
		synctest.Wait() // all have written, and wait
		if seq := w.Head().Seq; seq != 23 {
			t.Errorf("%d frames are written", seq)
		}
		close(release)
		waiters.Wait()
		if d.syncs != 3 { // that of the header, the first, and one for all others
			t.Errorf("%d syncs", d.syncs)
		}
		if err := w.Seal("closed"); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowDiskHoldsTheCallerAndShowsInLag(t *testing.T) {
	s := signer(t)
	f := record.OnDisk(t, filepath.Join(t.TempDir(), "a.hrec"))
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &disk{File: f}
		w := must(record.CreateOn(d, header(), record.Options{Signer: s, CheckpointEvery: time.Hour}))
		if lag := w.Lag(); lag != 0 {
			t.Errorf("an idle recording lags %s", lag)
		}
		d.write = func() error { <-release; return nil }
		given := 0
		var mu sync.Mutex
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				if err := w.AppendBatch(1, rows(1000)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				given++
				mu.Unlock()
			}
		}()
		synctest.Wait()
		mu.Lock()
		if given > 16 {
			t.Errorf("%d batches were taken while the disk hung", given)
		}
		mu.Unlock()
		time.Sleep(11 * time.Second)
		if lag := w.Lag(); lag < 11*time.Second {
			t.Errorf("lag %s", lag)
		}
		close(release)
		<-done
		if err := w.Seal("closed"); err != nil {
			t.Error(err)
		}
		if lag := w.Lag(); lag != 0 {
			t.Errorf("a sealed recording lags %s", lag)
		}
	})
}

func TestAWitnessIsToldOnlyOfWhatIsOnTheDisk(t *testing.T) {
	d := &disk{File: record.OnDisk(t, filepath.Join(t.TempDir(), "a.hrec"))}
	var syncs []int
	w := must(record.CreateOn(d, header(), record.Options{Signer: signer(t), OnCheckpoint: func(record.Head) { syncs = append(syncs, d.syncs) }}))
	must(w.Append(record.TypeNotice, note("a")))
	must(w.Checkpoint())
	must(w.Append(record.TypeNotice, note("b")))
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(syncs) != "[2 3]" {
		t.Fatalf("told after these syncs: %v", syncs)
	}

	d = &disk{File: record.OnDisk(t, filepath.Join(t.TempDir(), "b.hrec"))}
	told := 0
	w = must(record.CreateOn(d, header(), record.Options{Signer: signer(t), OnCheckpoint: func(record.Head) { told++ }}))
	d.sync = func() error { return syscall.EIO }
	if _, err := w.Checkpoint(); !errors.Is(err, record.ErrFailed) || told != 0 {
		t.Fatalf("%v, told %d times", err, told)
	}
	if err := w.Seal("closed"); !errors.Is(err, record.ErrFailed) || told != 0 {
		t.Fatalf("%v, told %d times", err, told)
	}
}
