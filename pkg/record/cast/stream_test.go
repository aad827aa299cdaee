package cast_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func header() record.Header {
	return record.Header{Session: "se_1", Grant: "gr_1", Connection: "web-1", Kind: "ssh", Version: "1.2.3",
		Identity: record.Identity{Issuer: "https://idp.test", Subject: "1", User: "dev", Type: "human"}}
}

// writer begins a recording; sealed ends it and answers the file.
func writer(t testing.TB, o record.Options) (w *record.Writer, sealed func() []byte) {
	t.Helper()
	if o.Signer == nil {
		o.Signer = must(record.NewSigner())
	}
	name := filepath.Join(t.TempDir(), "a.hrec")
	w = must(record.Create(name, header(), o))
	return w, func() []byte {
		if err := w.Seal("closed"); err != nil {
			t.Fatal(err)
		}
		data := must(os.ReadFile(name))
		if report := must(record.Verify(bytes.NewReader(data), o.Signer.Keys())); report.State != record.Sealed {
			t.Fatalf("the recording does not verify: %+v", report)
		}
		return data
	}
}

// seen is what a recording holds of one kind of chunks, and when each of them came.
func seen(t testing.TB, data []byte, kind record.ChunkKind) (text string, at []time.Duration, exit record.Exit) {
	t.Helper()
	r, streams := must(record.NewReader(bytes.NewReader(data))), record.NewStreams()
	each := func(_ record.Terminal, c record.Chunk) error {
		if c.Kind == kind {
			text, at = text+string(c.Data), append(at, c.At)
		}
		return nil
	}
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		if e.Type == record.TypeRows {
			if taken, err := streams.Rows(e, each); err != nil || !taken {
				t.Fatalf("frame %d: %v, %v", e.Seq, taken, err)
			}
			continue
		}
		b, _ := record.Decode(e)
		switch b := b.(type) {
		case record.Terminal:
			streams.Terminal(e, b)
		case record.Exit:
			exit = b
			if err := streams.Exit(e, b, each); err != nil {
				t.Fatal(err)
			}
		}
	}
	return text, at, exit
}

func TestWhatComesOutIsRecordedWholeAndInOrder(t *testing.T) {
	w, sealed := writer(t, record.Options{})
	s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "exec"}}))
	var want, wantErrors strings.Builder
	for i := range 4000 {
		piece := strings.Repeat(string(rune('a'+i%26)), i%97) + "é\n"
		if i == 2000 {
			piece = strings.Repeat("0123456789", 200_000) // more than may wait
		}
		want.WriteString(piece)
		if err := s.Output([]byte(piece)); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			wantErrors.WriteString(piece)
			if err := s.Errors([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
	}
	status := uint32(3)
	if err := s.Close(record.Exit{Status: &status}); err != nil {
		t.Fatal(err)
	}
	data := sealed()
	got, _, exit := seen(t, data, record.ChunkOutput)
	if got != want.String() {
		t.Errorf("%d bytes of output are %d in the recording", want.Len(), len(got))
	}
	if got, _, _ := seen(t, data, record.ChunkErrors); got != wantErrors.String() {
		t.Errorf("%d bytes of errors are %d in the recording", wantErrors.Len(), len(got))
	}
	if exit.Command != 1 || *exit.Status != 3 || exit.OutputBytes != int64(want.Len()) || exit.ErrorBytes != int64(wantErrors.Len()) || exit.TruncatedBytes != 0 {
		t.Errorf("%+v", exit)
	}
}

func TestSmallChunksAreGivenTogetherWithTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, sealed := writer(t, record.Options{})
		began := time.Now()
		s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "shell", PTY: true}}))
		before := w.Head().Seq
		for range 4 {
			time.Sleep(time.Millisecond)
			must(0, s.Output([]byte("x")))
		}
		time.Sleep(6 * time.Millisecond)
		must(0, s.Output([]byte("y")))
		time.Sleep(30 * time.Millisecond)
		synctest.Wait()
		if frames := w.Head().Seq - before; frames != 1 {
			t.Errorf("five small pieces within 20 ms are %d frames, want 1", frames)
		}
		must(0, s.Close(record.Exit{}))
		text, at, _ := seen(t, sealed(), record.ChunkOutput)
		if text != "xxxxy" || len(at) != 2 || at[0] != time.Millisecond || at[1] != 10*time.Millisecond {
			t.Errorf("%q at %v since %v, want two chunks, at 1 ms and at 10 ms", text, at, began)
		}
	})
}

// taker is a recorder that counts what it takes.
type taker struct {
	*record.Writer
	bytes atomic.Int64
}

func (r *taker) AppendBatch(command uint64, raw []byte) error {
	r.bytes.Add(int64(len(raw)))
	return r.Writer.AppendBatch(command, raw)
}

func TestTheLastOutputIsWithTheRecorderAtOnce(t *testing.T) {
	for _, size := range []int{1, 32<<10 - 1, 32 << 10, 600 << 10} {
		w, sealed := writer(t, record.Options{})
		taken := &taker{Writer: w}
		s := must(cast.Open(cast.Options{Recorder: taken, Terminal: record.Terminal{Command: 1, What: "exec"}, FlushEvery: time.Hour}))
		must(0, s.Output([]byte("first,")))
		last := strings.Repeat("z", size)
		must(0, s.Last([]byte(last)))
		if n := taken.bytes.Load(); n < int64(size) {
			t.Errorf("%d bytes: the recorder has %d", size, n)
		}
		must(0, s.Close(record.Exit{}))
		if text, _, exit := seen(t, sealed(), record.ChunkOutput); text != "first,"+last || exit.OutputBytes != int64(len(text)) {
			t.Errorf("%d bytes: %d are in the recording, and its end tells of %d", size, len(text), exit.OutputBytes)
		}
	}
}

// gate is a recorder whose AppendBatch waits, or fails.
type gate struct {
	*record.Writer
	open chan struct{}
	mu   sync.Mutex
	err  error
}

func (g *gate) AppendBatch(command uint64, raw []byte) error {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	return g.Writer.AppendBatch(command, raw)
}

// M11: a recorder that falls behind holds the session up, and nothing is dropped.
func TestASlowRecorderHoldsTheOutputUpAndDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, sealed := writer(t, record.Options{})
		g := &gate{Writer: w, open: make(chan struct{})}
		s := must(cast.Open(cast.Options{Recorder: g, Terminal: record.Terminal{Command: 1, What: "exec"}}))
		var given int
		done := make(chan error)
		go func() {
			for range 100 {
				if err := s.Output(make([]byte, 10<<10)); err != nil {
					done <- err
					return
				}
				given++
			}
			done <- nil
		}()
		synctest.Wait()
		if given == 0 || given > 60 {
			t.Errorf("%d KiB were taken while the recorder took none", given*10)
		}
		close(g.open)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		must(0, s.Close(record.Exit{}))
		if text, _, _ := seen(t, sealed(), record.ChunkOutput); len(text) != 1000<<10 {
			t.Errorf("%d bytes are recorded, want %d", len(text), 1000<<10)
		}
	})
}

// M1: what can't be recorded goes on to nobody.
func TestAFailedRecorderFailsEveryLaterCallAndWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := writer(t, record.Options{})
		full := errors.New("disk full")
		g := &gate{Writer: w, open: make(chan struct{}), err: full}
		s := must(cast.Open(cast.Options{Recorder: g, Terminal: record.Terminal{Command: 1, What: "exec"}}))
		waits := make(chan error)
		go func() { waits <- s.Output(make([]byte, 1<<20)) }()
		synctest.Wait()
		close(g.open)
		if err := <-waits; !errors.Is(err, full) {
			t.Errorf("who waited got %v", err)
		}
		for what, err := range map[string]error{
			"output": s.Output([]byte("x")), "errors": s.Errors([]byte("x")), "input": s.Input([]byte("x")), "resize": s.Resize(1, 1),
			"event": s.Event(record.FileOperation{}), "flush": s.Flush(), "close": s.Close(record.Exit{}),
		} {
			if !errors.Is(err, full) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := s.Close(record.Exit{}); !errors.Is(err, cast.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
		must(0, w.Seal("failed"))
	})
}

func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	w, sealed := writer(t, record.Options{})
	s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "exec"}}))
	must(0, s.Close(record.Exit{Signal: "TERM"}))
	for what, err := range map[string]error{
		"output": s.Output([]byte("x")), "input": s.Input([]byte("x")), "resize": s.Resize(1, 1), "event": s.Event(record.FileOperation{}), "close": s.Close(record.Exit{}),
	} {
		if !errors.Is(err, cast.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if text, _, exit := seen(t, sealed(), record.ChunkOutput); text != "" || exit.Signal != "TERM" || exit.Status != nil {
		t.Errorf("%q, %+v", text, exit)
	}
}

func TestBeyondTheCapOutputIsCountedAndHashed(t *testing.T) {
	w, sealed := writer(t, record.Options{})
	s := must(cast.Open(cast.Options{Recorder: w, Cap: 10, Terminal: record.Terminal{Command: 1, What: "exec"}}))
	must(0, s.Output([]byte("01234567")))
	must(0, s.Errors([]byte("89beyond")))
	must(0, s.Output([]byte("more")))
	must(0, s.Close(record.Exit{}))
	data := sealed()
	text, _, exit := seen(t, data, record.ChunkOutput)
	beyond, _, _ := seen(t, data, record.ChunkErrors)
	sum := sha256.Sum256([]byte("beyondmore"))
	if text != "01234567" || beyond != "89" || exit.TruncatedBytes != 10 || exit.TruncatedHash != hex.EncodeToString(sum[:]) || exit.OutputBytes != 12 || exit.ErrorBytes != 8 {
		t.Errorf("%q %q %+v", text, beyond, exit)
	}
}

func TestEventsStandBehindWhatCameBeforeThem(t *testing.T) {
	w, sealed := writer(t, record.Options{})
	s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "shell", PTY: true, Columns: 80, Rows: 24}}))
	must(0, s.Output([]byte("before ")))
	must(0, s.Event(record.Forward{What: "direct-tcpip", Address: "db:5432", Sent: 1, Received: 2}))
	must(0, s.Resize(100, 30))
	must(0, s.Output([]byte("after")))
	must(0, s.Close(record.Exit{}))
	var order []string
	r := must(record.NewReader(bytes.NewReader(sealed())))
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		if e.Type != record.TypeCheckpoint {
			order = append(order, e.Type.String())
		}
	}
	if got := strings.Join(order, " "); got != "header terminal rows forward rows exit seal" {
		t.Error(got)
	}
}

func TestAStreamNeedsARecorderACommandAndAKnownInput(t *testing.T) {
	w, _ := writer(t, record.Options{})
	for what, o := range map[string]cast.Options{
		"no recorder": {Terminal: record.Terminal{Command: 1}}, "no command": {Recorder: w},
		"other input": {Recorder: w, Terminal: record.Terminal{Command: 1, Input: "all"}},
	} {
		if _, err := cast.Open(o); err == nil {
			t.Errorf("%s: it opens", what)
		}
	}
}

func BenchmarkOutput(b *testing.B) {
	w, _ := writer(b, record.Options{})
	s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "exec"}}))
	piece := bytes.Repeat([]byte("x"), 100)
	b.SetBytes(int64(len(piece)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Output(piece); err != nil {
			b.Fatal(err)
		}
	}
	must(0, s.Close(record.Exit{}))
}
