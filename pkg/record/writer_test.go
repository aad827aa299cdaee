package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	for round := range 40 {
		w, name := create(t, record.Options{Signer: s, CheckpointEvery: time.Millisecond})
		var acknowledged, batches atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for {
					if _, err := w.Append(record.TypeNotice, note("a")); err != nil {
						return
					}
					acknowledged.Add(1)
					if round%2 == 0 {
						continue
					}
					if err := w.AppendBatch(1, rows(500)); err != nil {
						return
					}
					batches.Add(1)
				}
			})
		}
		for acknowledged.Load() < 100 {
			runtime.Gosched()
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
				acknowledged.Add(-1)
			case record.TypeRows:
				batches.Add(-1)
			}
		}
		if acknowledged.Load() != 0 || batches.Load() != 0 {
			t.Fatalf("%d events and %d batches were acknowledged and are not there", acknowledged.Load(), batches.Load())
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

func TestWhatIsStagedIsInTheFileOnceItIsCommitted(t *testing.T) {
	w, name := create(t, record.Options{Signer: signer(t)})
	size := func() int64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	must(w.Stage(record.TypeNotice, []byte(`{"message":"one"}`)))
	if err := w.AppendBatch(1, record.AppendRow(nil, []byte{0, 0})); err != nil {
		t.Fatal(err)
	}
	if size() != before {
		t.Error("what is staged was written by itself")
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	committed := size()
	if committed == before {
		t.Error("Commit wrote nothing")
	}
	must(w.Stage(record.TypeNotice, []byte(`{"message":"two"}`)))
	must(w.Append(record.TypeNotice, []byte(`{"message":"three"}`)))
	if size() == committed {
		t.Error("Append wrote nothing")
	}
	must(w.Stage(record.TypeNotice, []byte(`{"message":"four"}`)))
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	text := export(t, must(os.ReadFile(name)), record.FormatNDJSON)
	at := 0
	for _, word := range []string{"one", `"rows"`, "two", "three", "four", "closed"} {
		i := strings.Index(text[at:], word)
		if i < 0 {
			t.Fatalf("%q is missing, or out of order: %s", word, text)
		}
		at += i
	}
}
