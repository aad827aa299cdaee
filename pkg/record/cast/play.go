package cast

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// PlayOptions say how a recording is shown. The zero PlayOptions show it at once.
type PlayOptions struct {
	// Timed keeps the pauses that the session had.
	Timed bool
	// Speed is how many times as fast; 0 means 1.
	Speed float64
	// IdleLimit is the longest pause, after Speed; 0 sets no limit.
	IdleLimit time.Duration
}

// Play shows a recording of any kind: terminals as they looked, made safe by Filter, and all else as lines of the
// transcript. What was shown reaches w before the next event is read, so a recording that is still being written can be
// played as it grows. It ends with the context, and otherwise like record.Export.
func Play(ctx context.Context, w io.Writer, r *record.Reader, o PlayOptions) error {
	if o.Speed == 0 {
		o.Speed = 1
	}
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) {
		return fmt.Errorf("play recording: speed %v is not above 0", o.Speed)
	}
	p := &player{ctx: ctx, o: o, out: bufio.NewWriter(w), transcript: record.NewTranscript(), screens: map[uint64]*Filter{}}
	p.transcript.Screen = p.screen
	for {
		e, err := r.Next()
		if err == nil {
			err = p.event(e)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, p.close())
		}
	}
}

type player struct {
	ctx        context.Context
	o          PlayOptions
	out        *bufio.Writer
	transcript *record.Transcript
	screens    map[uint64]*Filter // of the terminals that are open, by command
	buf        []byte
	last       time.Duration // of what was shown last
	inside     bool          // the last line that was shown did not end
}

func (p *player) event(e record.Event) error {
	text, err := p.transcript.Text(e)
	if err != nil || text == "" {
		return err
	}
	if err := p.pause(e.Elapsed); err != nil {
		return err
	}
	if err := p.ended(e); err != nil {
		return err
	}
	if p.inside {
		text, p.inside = "\r\n"+text, false
	}
	return p.show([]byte(text))
}

// screen shows what a terminal did.
func (p *player) screen(of record.Terminal, c record.Chunk) error {
	if c.Kind != record.ChunkOutput {
		return nil // what was typed shows where it was echoed; the viewer's window is the viewer's
	}
	filter := p.screens[of.Command]
	if filter == nil {
		if len(p.screens) >= maxScreens {
			clear(p.screens) // only a forged recording has so many
		}
		filter = &Filter{}
		p.screens[of.Command] = filter
	}
	p.buf = filter.Append(p.buf[:0], c.Data)
	if len(p.buf) == 0 {
		return nil
	}
	if err := p.pause(c.At); err != nil {
		return err
	}
	p.inside = p.buf[len(p.buf)-1] != '\n'
	return p.show(p.buf)
}

// maxScreens bounds how many terminals are followed at once.
const maxScreens = 256

// ended puts the viewer's terminal back as it was before the one that an exit event ends.
func (p *player) ended(e record.Event) error {
	if e.Type != record.TypeExit {
		return nil
	}
	b, err := record.Decode(e)
	if x, ok := b.(record.Exit); ok && p.screens[x.Command] != nil {
		return p.reset(x.Command)
	}
	return err
}

func (p *player) reset(command uint64) error {
	p.buf = p.screens[command].Close(p.buf[:0])
	delete(p.screens, command)
	return p.show(p.buf)
}

func (p *player) close() error {
	var err error
	for command := range p.screens {
		err = errors.Join(err, p.reset(command))
	}
	text := p.transcript.Rest()
	if p.inside && len(text) == 0 {
		text = "\n"
	}
	return errors.Join(err, p.show([]byte(text)))
}

func (p *player) show(b []byte) error {
	_, err := p.out.Write(b)
	if err == nil {
		err = p.out.Flush()
	}
	if err != nil {
		return fmt.Errorf("play recording: %w", err)
	}
	return nil
}

func (p *player) pause(at time.Duration) error {
	gap := at - p.last
	p.last = max(p.last, at)
	if !p.o.Timed {
		return p.ctx.Err()
	}
	wait := float64(gap) / p.o.Speed
	if p.o.IdleLimit > 0 {
		wait = min(wait, float64(p.o.IdleLimit))
	}
	if wait < 1 {
		return p.ctx.Err()
	}
	timer := time.NewTimer(time.Duration(min(wait, math.MaxInt64/2)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}
