package cast_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func transcript(t testing.TB, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := record.Export(&out, must(record.NewReader(bytes.NewReader(data))), record.FormatText); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReplayKeepsTheTimingAndCutsPauses(t *testing.T) {
	s := must(record.NewSigner())
	name := filepath.Join(t.TempDir(), "a.hrec")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w := must(record.Create(name, header(), record.Options{Signer: s, Now: func() time.Time { return now }}))
	for _, wait := range []time.Duration{500 * time.Millisecond, 10 * time.Second, time.Second} {
		now = now.Add(wait)
		must(w.AppendEvent(record.Notice{Message: wait.String()}))
	}
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	data := must(os.ReadFile(name))
	for speed, want := range map[float64]time.Duration{1: 3500 * time.Millisecond, 2: 2750 * time.Millisecond, 0.5: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			began := time.Now()
			if err := cast.Play(t.Context(), &out, must(record.NewReader(bytes.NewReader(data))), cast.PlayOptions{Timed: true, Speed: speed, IdleLimit: 2 * time.Second}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("at speed %v it took %s, want %s", speed, took, want)
			}
			if out.String() != transcript(t, data) {
				t.Errorf("replay shows another transcript:\n%s", out.String())
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cast.Play(ctx, &bytes.Buffer{}, must(record.NewReader(bytes.NewReader(data))), cast.PlayOptions{Timed: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, speed := range []float64{-1, math.Inf(1), math.NaN()} {
		if err := cast.Play(t.Context(), &bytes.Buffer{}, must(record.NewReader(bytes.NewReader(data))), cast.PlayOptions{Timed: true, Speed: speed, IdleLimit: 2 * time.Second}); err == nil {
			t.Errorf("speed %v was taken", speed)
		}
	}
}

func TestATerminalIsPlayedWithItsOwnTimesAndTheViewersIsPutBack(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w, sealed := writer(t, record.Options{Now: func() time.Time { return now }})
	s := must(cast.Open(cast.Options{Recorder: w, FlushEvery: time.Hour, Now: func() time.Time { return now },
		Terminal: record.Terminal{Command: 1, What: "shell", PTY: true, Columns: 80, Rows: 24}}))
	for _, out := range []string{"\x1b[?25l", "a", "\x1b]0;t\x07", "b"} { // in one frame, with a time for each
		must(0, s.Output([]byte(out)))
		now = now.Add(time.Second)
	}
	must(0, s.Close(record.Exit{}))
	data := sealed()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		began := time.Now()
		must(0, cast.Play(t.Context(), &out, must(record.NewReader(bytes.NewReader(data))), cast.PlayOptions{Timed: true, Speed: 2}))
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("four seconds at twice the speed took %s", took)
		}
		if !bytes.Contains(out.Bytes(), []byte("\x1b[?25lab\x1b[?25h\r\n")) {
			t.Errorf("%q", out.String())
		}
	})
}
