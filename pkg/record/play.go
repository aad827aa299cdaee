package record

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxPause is the longest that Play waits between two events.
const maxPause = 2 * time.Second

// Play writes the transcript of a recording with the timing that it had, speed times as fast; pauses are cut to two
// seconds. It ends with the context, and otherwise like Export.
func Play(ctx context.Context, w io.Writer, r *Reader, speed float64) error {
	if !(speed > 0) || math.IsInf(speed, 0) {
		return fmt.Errorf("play recording: speed %v is not above 0", speed)
	}
	out := bufio.NewWriter(w)
	t := newTranscript(out)
	var last time.Duration
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := t.text(e)
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		if err := pause(ctx, e.Elapsed-last, speed); err != nil {
			return err
		}
		last = e.Elapsed
		if _, err := out.WriteString(text); err != nil {
			return fmt.Errorf("play recording: %w", err)
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("play recording: %w", err)
		}
	}
}

func pause(ctx context.Context, gap time.Duration, speed float64) error {
	wait := time.Duration(min(float64(gap)/speed, float64(maxPause)))
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
