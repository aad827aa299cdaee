package record_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// mapped begins a recording that is written into memory.
func mapped(t testing.TB, s *record.Signer, window int) (*record.Writer, record.File, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.hrec")
	f := record.Mapped(t, name, window)
	return must(record.CreateOn(f, header(), record.Options{Signer: s, CheckpointEvery: time.Hour})), f, name
}

func TestALiveRecordingIsWholeAndASealedOneExact(t *testing.T) {
	s := signer(t)
	w, f, name := mapped(t, s, 8<<10)
	for n := range 300 { // over many windows, at every place in them
		must(w.Append(record.TypeNotice, note(strings.Repeat("x", n))))
		if n%50 == 7 {
			if err := w.AppendBatch(1, rows(3000)); err != nil { // too large for a window
				t.Fatal(err)
			}
		}
	}
	if !record.IsMapped(f) {
		t.Fatal("nothing is mapped")
	}
	live := must(os.ReadFile(name))
	report := verify(t, live, s.Keys())
	if report.State != record.Whole || report.BadFrame != 0 || report.Head.Seq != w.Head().Seq {
		t.Fatalf("alive: %+v, head %d", report, w.Head().Seq)
	}
	if !bytes.HasSuffix(live, make([]byte, 100)) {
		t.Fatal("there is no room behind a living recording")
	}
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	data := must(os.ReadFile(name))
	if report := verify(t, data, s.Keys(), w.Head()); report.State != record.Sealed {
		t.Fatalf("sealed: %+v", report)
	}
	if report := verify(t, append(data, 0), s.Keys()); report.State != record.Damaged {
		t.Errorf("a zero behind the seal: %+v", report)
	}
	if report := verify(t, append(data, make([]byte, 5000)...), s.Keys()); report.State != record.Damaged {
		t.Errorf("zeros behind the seal: %+v", report)
	}
}

func TestAFrameThatWasNotPublishedIsCut(t *testing.T) {
	s := signer(t)
	w, _, name := mapped(t, s, 64<<10)
	must(w.Append(record.TypeNotice, note("one")))
	must(w.Append(record.TypeNotice, note("two")))
	data := must(os.ReadFile(name))
	parts := wholeFrames(data)
	parts = parts[:slices.IndexFunc(parts, func(p []byte) bool { return binary.LittleEndian.Uint32(p) == 0 })]
	last := 0
	for _, p := range parts[:len(parts)-1] {
		last += len(p)
	}
	for cut := 8; cut < len(parts[len(parts)-1]); cut += 7 { // killed in the middle of the copy
		torn := bytes.Clone(data)
		clear(torn[last : last+8])
		clear(torn[last+cut:])
		report := verify(t, torn, s.Keys())
		if report.State != record.Whole || report.Frames != 3 {
			t.Fatalf("cut at %d: %+v", cut, report)
		}
		file := filepath.Join(t.TempDir(), "torn.hrec")
		if err := os.WriteFile(file, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		head := must(record.Recover(file, s, record.Options{}))
		if report := verify(t, must(os.ReadFile(file)), s.Keys(), head); report.State != record.Sealed || report.Sealed != "crashed" || report.Frames != 4 {
			t.Fatalf("recovered from %d: %+v", cut, report)
		}
	}
}

func TestALengthThatWasWipedIsDamage(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	at := 0
	for i, p := range frames(data) {
		if i > 0 {
			wiped := bytes.Clone(data)
			clear(wiped[at : at+4])
			report := verify(t, wiped, s.Keys())
			last := at+len(p) == len(data)
			if !last && (report.State != record.Damaged || report.BadFrame != uint64(i)) || last && report.State == record.Sealed {
				t.Errorf("frame %d: %+v", i, report)
			}
		}
		at += len(p)
	}
}

func TestAFaultOfTheDiskBelowFailsTheRecording(t *testing.T) {
	s := signer(t)
	w, f, name := mapped(t, s, 64<<10)
	must(w.Append(record.TypeNotice, note("one")))
	if !record.IsMapped(f) {
		t.Fatal("nothing is mapped")
	}
	if err := os.Truncate(name, 100); err != nil { // what is mapped beyond has no disk any more
		t.Fatal(err)
	}
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		_, err = w.Append(record.TypeNotice, note(strings.Repeat("x", 1000)))
	}
	if !errors.Is(err, record.ErrFailed) {
		t.Fatalf("got %v", err)
	}
	if err := w.Seal("closed"); !errors.Is(err, record.ErrFailed) {
		t.Fatal(err)
	}
}

// BenchmarkKept is an event of a short command, staged and committed, with system calls and without.
func BenchmarkKept(b *testing.B) {
	body := must(record.Encode(record.Command{Command: 1, Text: "SELECT abalance FROM pgbench_accounts WHERE aid = 4711", SQL: "select", Accesses: []record.Access{{Effect: "read", Object: "public.pgbench_accounts"}}}))
	for name, file := range map[string]func(testing.TB, string) record.File{
		"written": record.OnDisk,
		"mapped":  func(t testing.TB, name string) record.File { return record.Mapped(t, name, 64<<10) },
	} {
		b.Run(name, func(b *testing.B) {
			w := must(record.CreateOn(file(b, filepath.Join(b.TempDir(), "a.hrec")), header(), record.Options{Signer: signer(b)}))
			for b.Loop() {
				must(w.Stage(record.TypeCommand, body))
				if err := w.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
