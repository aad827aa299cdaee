package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

func note(text string) []byte { return must(record.Encode(record.Notice{Message: text})) }

func TestARecordingIsPrivateAndNewAndNoLinkIsFollowed(t *testing.T) {
	s := signer(t)
	_, name := create(t, record.Options{Signer: s})
	if info := must(os.Stat(name)); info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %o", info.Mode().Perm())
	}
	if info := must(os.Stat(filepath.Dir(name))); info.Mode().Perm() != 0o700 {
		t.Errorf("folder mode %o", info.Mode().Perm())
	}
	if _, err := record.Create(name, header(), record.Options{Signer: s}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second recording of that name: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link.hrec")
	if err := os.Symlink(filepath.Join(t.TempDir(), "target"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Create(link, header(), record.Options{Signer: s}); err == nil {
		t.Error("a link was followed")
	}
	if _, err := record.Create(filepath.Join(t.TempDir(), "x"), header(), record.Options{}); err == nil {
		t.Error("a recording without a signer was begun")
	}
}

func TestARecordingThatWasJustBegunIsWholeToItsFirstCheckpoint(t *testing.T) {
	s := signer(t)
	var told []record.Head
	w, name := create(t, record.Options{Signer: s, OnCheckpoint: func(h record.Head) { told = append(told, h) }})
	report := verify(t, must(os.ReadFile(name)), s.Keys(), told...)
	if report.State != record.Whole || report.LastCheckpoint != 2 || len(told) != 1 || told[0] != w.Head() {
		t.Fatalf("%+v, told %v", report, told)
	}
}

func TestWhatAppendReturnedForIsInTheFile(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s})
	for i := range 10 {
		seq := must(w.Append(record.TypeNotice, note(fmt.Sprint(i))))
		data := must(os.ReadFile(name))
		if report := verify(t, data, s.Keys()); report.Frames != seq || seq != uint64(i+3) {
			t.Fatalf("frame %d was acknowledged, %d are there", seq, report.Frames)
		}
	}
}

func TestCheckpointsFollowNewFramesWithinFiveSeconds(t *testing.T) {
	s := signer(t)
	name := filepath.Join(t.TempDir(), "a.hrec")
	f := record.OnDisk(t, name)
	synctest.Test(t, func(t *testing.T) {
		var told []uint64
		var mu sync.Mutex
		w := must(record.CreateOn(f, header(), record.Options{Signer: s, OnCheckpoint: func(h record.Head) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, h.Seq)
		}}))
		expect := func(want ...uint64) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) {
				t.Errorf("checkpoints %v, want %v", told, want)
			}
		}
		time.Sleep(time.Minute)
		expect()
		must(w.Append(record.TypeNotice, note("a")))
		time.Sleep(4 * time.Second)
		must(w.Append(record.TypeNotice, note("b")))
		expect()
		time.Sleep(time.Second)
		expect(5)
		time.Sleep(time.Minute)
		expect(5)
		must(w.Append(record.TypeNotice, note("c")))
		if err := w.Seal("closed"); err != nil {
			t.Error(err)
		}
		expect(5, 7)
	})
	if report := verify(t, must(os.ReadFile(name)), s.Keys()); report.State != record.Sealed {
		t.Fatalf("%+v", report)
	}
}

func TestASealedRecordingTakesNothingMore(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s})
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	_, a := w.Append(record.TypeNotice, note("a"))
	_, b := w.AppendSync(record.TypeNotice, note("b"))
	_, c := w.Checkpoint()
	for i, err := range []error{a, b, c, w.AppendBatch(1, rows(1)), w.AppendBatch(1, rows(1000)), w.Seal("again")} {
		if !errors.Is(err, record.ErrSealed) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if report := verify(t, must(os.ReadFile(name)), s.Keys()); report.State != record.Sealed || report.Sealed != "closed" {
		t.Fatalf("%+v", report)
	}
}

func TestOnlyEventsAreAppended(t *testing.T) {
	w, _ := create(t, record.Options{Signer: signer(t)})
	for _, typ := range []record.Type{0, record.TypeHeader, record.TypeCheckpoint, record.TypeSeal, record.TypeRows} {
		if _, err := w.Append(typ, []byte("{}")); err == nil {
			t.Errorf("type %s was appended", typ)
		}
	}
}

func TestAnEventThatIsTooLargeIsRefusedAndHarmsNothing(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s})
	if _, err := w.Append(record.TypeNotice, make([]byte, record.MaxBody+1)); !errors.Is(err, record.ErrTooLarge) || errors.Is(err, record.ErrFailed) {
		t.Fatal(err)
	}
	must(w.Append(record.TypeNotice, make([]byte, record.MaxBody)))
	must(w.AppendSync(record.TypeNotice, note("after")))
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	f := must(os.Open(name))
	defer f.Close()
	if report := must(record.Verify(f, s.Keys())); report.State != record.Sealed || report.Frames != 5 {
		t.Fatalf("%+v", report)
	}
}

func TestARecordingEndsAtItsMaximumSize(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s, MaxBytes: 4096})
	var err error
	for err == nil {
		_, err = w.Append(record.TypeNotice, note(strings.Repeat("x", 100)))
	}
	if !errors.Is(err, record.ErrFull) || !errors.Is(err, record.ErrFailed) {
		t.Fatal(err)
	}
	if info := must(os.Stat(name)); info.Size() > 4096 || info.Size() < 3500 {
		t.Fatalf("%d bytes", info.Size())
	}
}

func TestBatchesStandBeforeTheEventsThatFollowThem(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s})
	var want, got bytes.Buffer
	for command := range uint64(20) {
		for i := range 4 {
			piece := rows(1 + int(command)*200*i)
			want.Write(piece)
			if err := w.AppendBatch(command, piece); err != nil {
				t.Fatal(err)
			}
			clear(piece) // the caller may use it again
		}
		must(w.AppendEvent(record.Outcome{Command: command}))
	}
	big := bytes.Repeat([]byte("0123456789"), 300_000)
	want.Write(big)
	if err := w.AppendBatch(20, big); err != nil {
		t.Fatal(err)
	}
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	data := must(os.ReadFile(name))
	if report := verify(t, data, s.Keys()); report.State != record.Sealed {
		t.Fatalf("%+v", report)
	}
	if len(data) > want.Len()/4 {
		t.Errorf("%d bytes of rows take %d in the file", want.Len(), len(data))
	}
	r := must(record.NewReader(bytes.NewReader(data)))
	var at uint64
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		switch e.Type {
		case record.TypeRows:
			b := must(record.DecodeBatch(e.Body, nil))
			if b.Command != at {
				t.Fatalf("rows of command %d, where %d is due", b.Command, at)
			}
			got.Write(b.Raw)
		case record.TypeOutcome:
			if o := must(record.Decode(e)).(record.Outcome); o.Command != at {
				t.Fatalf("outcome of %d, where %d is due", o.Command, at)
			}
			at++
		}
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Fatal("the rows are other ones")
	}
}

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
		d.write = func() error { return cmp(fault, errors.New("short")) }
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
		report := verify(t, must(os.ReadFile(name)), s.Keys())
		if report.State != record.Whole || report.Frames != 3 || report.BadFrame != 0 {
			t.Fatalf("%v: %+v", fault, report)
		}
	}
}

func cmp(first, second error) error {
	if first != nil {
		return first
	}
	return second
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
	w, d, _ := onDisk(t, record.Options{Signer: signer(t)})
	started, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.sync = func() error {
		once.Do(func() { close(started); <-release })
		return nil
	}
	var waiters sync.WaitGroup
	waiters.Go(func() { must(w.AppendSync(record.TypeNotice, note("first"))) })
	<-started
	const many = 20
	for i := range many {
		waiters.Go(func() { must(w.AppendSync(record.TypeNotice, note(fmt.Sprint(i)))) })
	}
	for w.Head().Seq < 3+many { // all have written, and wait
		time.Sleep(time.Millisecond)
	}
	close(release)
	waiters.Wait()
	if d.syncs != 3 { // that of the header, the first, and one for all others
		t.Fatalf("%d syncs", d.syncs)
	}
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
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

func TestManyWritersMakeOneChain(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s, CheckpointEvery: time.Millisecond})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 50 {
				switch i % 4 {
				case 0:
					must(w.AppendSync(record.TypeNotice, note("sync")))
				case 1:
					if err := w.AppendBatch(uint64(g), rows(1000)); err != nil {
						t.Error(err)
					}
				case 2:
					if err := w.AppendBatch(uint64(g), rows(1)); err != nil {
						t.Error(err)
					}
				default:
					must(w.Append(record.TypeNotice, note("plain")))
				}
			}
		})
	}
	all.Wait()
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, must(os.ReadFile(name)), s.Keys()); report.State != record.Sealed || report.Frames < 403 {
		t.Fatalf("%+v", report)
	}
}

func TestASealDuringAppendsLosesNoneThatWasAcknowledged(t *testing.T) {
	s := signer(t)
	for range 20 {
		w, name := create(t, record.Options{Signer: s, CheckpointEvery: time.Millisecond})
		var acknowledged, batches int64
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for {
					_, a := w.Append(record.TypeNotice, note("a"))
					b := w.AppendBatch(1, rows(500))
					mu.Lock()
					if a == nil {
						acknowledged++
					}
					if b == nil {
						batches++
					}
					mu.Unlock()
					if a != nil || b != nil {
						return
					}
				}
			})
		}
		if err := w.Seal("closed"); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		data := must(os.ReadFile(name))
		if report := verify(t, data, s.Keys()); report.State != record.Sealed {
			t.Fatalf("%+v", report)
		}
		r := must(record.NewReader(bytes.NewReader(data)))
		for e, err := r.Next(); err == nil; e, err = r.Next() {
			switch e.Type {
			case record.TypeNotice:
				acknowledged--
			case record.TypeRows:
				batches--
			}
		}
		if acknowledged != 0 || batches != 0 {
			t.Fatalf("%d events and %d batches were acknowledged and are not there", acknowledged, batches)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	w, _ := create(b, record.Options{Signer: signer(b)})
	body := must(record.Encode(record.Command{Command: 1, Text: "SELECT abalance FROM pgbench_accounts WHERE aid = 4711", SQL: "select", Accesses: []record.Access{{Effect: "read", Object: "public.pgbench_accounts"}}}))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Append(record.TypeCommand, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSync(b *testing.B) {
	w, _ := create(b, record.Options{Signer: signer(b)})
	body := note("x")
	for b.Loop() {
		if _, err := w.AppendSync(record.TypeNotice, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendBatch(b *testing.B) {
	for _, n := range []int{1, 3000} {
		b.Run(fmt.Sprint(n, "rows"), func(b *testing.B) {
			w, _ := create(b, record.Options{Signer: signer(b)})
			batch := rows(n)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if err := w.AppendBatch(1, batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
