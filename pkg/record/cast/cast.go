// Package cast records terminals and the streams of remote commands, and plays and exports such recordings.
//
// A Stream takes what one command puts out and lays it out as chunks in the command's batches (see record.AppendChunk),
// between a terminal event and an exit event. Filter makes recorded output safe to show on another terminal.
package cast

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// Recorder is what a Stream writes to: *record.Writer and guard.Recorder are two. An error from any method means that
// something may not have been kept: the command must end.
type Recorder interface {
	Stage(t record.Type, body []byte) (seq uint64, err error)
	// AppendBatch blocks when it falls behind, drops nothing, and copies raw.
	AppendBatch(command uint64, raw []byte) error
	Commit() error
}

// Limits of a Stream.
const (
	// flushAt is how many bytes of chunks are written without waiting for the flush to be due.
	flushAt = 32 << 10
	// holdAt is how many bytes of chunks wait at most: whoever brings more waits for the recorder.
	holdAt = 256 << 10
	// mergeFor is how long a chunk takes in what comes after it. Nobody sees a shorter pause in a replay.
	mergeFor = 4 * time.Millisecond
	// flushEvery is how long a chunk waits for others before it is given to the recorder.
	flushEvery = 20 * time.Millisecond
)

// ErrClosed answers a call on a Stream after Close.
var ErrClosed = errors.New("stream is closed")

// Options are what a Stream needs. Recorder and Terminal.Command must be set.
type Options struct {
	Recorder Recorder
	// Terminal says whose streams these are. The zero value of Input records no input.
	Terminal record.Terminal
	// Cap is how many bytes of output and errors are kept; what lies beyond is counted and hashed. 0: all are kept, as
	// for shells, where nothing else tells what was done.
	Cap int64
	// FlushEvery is how long output waits for more before it is given to the recorder, and so how much of it the death of
	// the process can lose; 0 means 20 ms.
	FlushEvery time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Staged leaves it to who delivers what is recorded to commit it before that.
	Staged bool
}

// Stream records the streams of one command. It is safe for concurrent use. A call costs a copy, and waits only when the
// recorder is 256 KiB behind; nothing is dropped. An error of any call means that the recording failed, here or in an
// earlier call: what was given is not kept and must not go on to anybody.
type Stream struct {
	o     Options
	began time.Time

	mu     sync.Mutex
	room   sync.Cond // of mu: filled was taken, or err or closed changed
	filled []byte    // chunks that the recorder does not have yet
	last   chunkAt   // the newest of them
	echo   *Echo     // nil: input is not recorded
	err    error     // set once
	closed bool
	ending bool // in Last, which flushes by itself
	counts record.Exit
	kept   int64
	rest   *record.Digest // of what lies beyond the cap; nil: nothing does

	giving  sync.Mutex  // held while chunks go to the recorder; taken before mu
	spare   []byte      // of giving: a buffer to fill next
	starter *time.Timer // of the flusher, which a short stream never needs; nil: nothing waits yet
	flusher sync.WaitGroup
	wake    chan struct{} // of the flusher, as those that follow; nil: it was not started
	full    chan struct{}
	done    chan struct{}
}

// chunkAt is where a chunk stands in filled.
type chunkAt struct {
	offset int
	kind   record.ChunkKind
	at     time.Duration
}

// Open writes the terminal event. Nothing of the command may be sent before it has returned.
func Open(o Options) (*Stream, error) {
	if o.Recorder == nil || o.Terminal.Command == 0 {
		return nil, errors.New("open stream: recorder and command are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FlushEvery <= 0 {
		o.FlushEvery = flushEvery
	}
	s := &Stream{o: o, began: o.Now()}
	s.room.L = &s.mu
	switch o.Terminal.Input {
	case "":
		o.Terminal.Input = record.InputNone
	case record.InputNone:
	case record.InputEchoed:
		s.echo = &Echo{}
	default:
		return nil, fmt.Errorf("open stream: input can't be recorded as %q", o.Terminal.Input)
	}
	if err := s.stage(o.Terminal); err != nil {
		return nil, err
	}
	if err := s.commit(); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	return s, nil
}

// Output takes what the command put out on stdout, or on its terminal, as the client sees it.
func (s *Stream) Output(p []byte) error { return s.put(record.ChunkOutput, p) }

// Last is Output of what is the last of it. It is with the recorder when this returns, so that nothing has to wait for it.
func (s *Stream) Last(p []byte) error {
	s.mu.Lock()
	s.ending = len(p) < flushAt
	err := s.take(record.ChunkOutput, p)
	s.ending = false
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Flush()
}

// Errors takes what the command put out on stderr, as the client sees it.
func (s *Stream) Errors(p []byte) error { return s.put(record.ChunkErrors, p) }

// Input takes what the client typed, before it is sent on. It is recorded where the Terminal says so, and then as Echo
// tells.
func (s *Stream) Input(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil || s.echo == nil {
		return err
	}
	for len(p) > 0 {
		var line []byte
		if line, p = s.echo.Input(p); len(line) > 0 {
			s.add(record.ChunkInput, line)
		}
	}
	return nil
}

// Resize takes a window change.
func (s *Stream) Resize(columns, rows uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.wait(); err != nil {
		return err
	}
	s.last = chunkAt{}
	s.filled = record.AppendResize(s.filled, s.elapsed(), columns, rows)
	s.waits()
	return nil
}

// Event adds an event behind everything that was given so far: a record.FileOperation, a record.Forward.
func (s *Stream) Event(b record.Body) error {
	s.giving.Lock()
	defer s.giving.Unlock()
	s.mu.Lock()
	err := s.usable()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.event(b)
}

// event gives what waits and then an event. giving is held.
func (s *Stream) event(b record.Body) error {
	if err := s.give(); err != nil {
		return err
	}
	if err := s.stage(b); err != nil {
		return s.fail(err)
	}
	return s.commit()
}

// Flush returns once everything that was given so far is with the recorder, and what it does not queue in the kernel.
func (s *Stream) Flush() error {
	s.giving.Lock()
	defer s.giving.Unlock()
	return s.give()
}

// Close writes the exit event; of x it takes Status, Signal, CoreDumped and Error. It frees what the Stream holds in any
// case. Only the first call counts.
func (s *Stream) Close(x record.Exit) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	if s.starter != nil {
		s.starter.Stop()
	}
	s.room.Broadcast()
	if s.done != nil {
		close(s.done)
	}
	s.mu.Unlock()
	s.flusher.Wait()
	s.giving.Lock()
	defer s.giving.Unlock()
	return s.event(s.exit(x))
}

func (s *Stream) exit(x record.Exit) record.Exit {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.Command, x.DurationUS = s.o.Terminal.Command, s.elapsed().Microseconds()
	x.OutputBytes, x.ErrorBytes = s.counts.OutputBytes, s.counts.ErrorBytes
	if s.rest != nil {
		x.TruncatedBytes, x.TruncatedHash = s.counts.TruncatedBytes, s.rest.Hex()
	}
	return x
}

// put adds output, in pieces that fit, and waits for room before each.
func (s *Stream) put(k record.ChunkKind, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(k, p)
}

// take is put. mu is held.
func (s *Stream) take(k record.ChunkKind, p []byte) error {
	for {
		if err := s.wait(); err != nil {
			return err
		}
		piece := p[:min(len(p), flushAt)]
		if piece = s.count(k, piece); len(piece) > 0 {
			s.add(k, piece)
		}
		if p = p[min(len(p), flushAt):]; len(p) == 0 {
			return nil
		}
	}
}

// count counts a piece and answers what of it is within the cap. mu is held.
func (s *Stream) count(k record.ChunkKind, p []byte) []byte {
	if k == record.ChunkErrors {
		s.counts.ErrorBytes += int64(len(p))
	} else {
		s.counts.OutputBytes += int64(len(p))
		if s.echo != nil {
			s.echo.Output(p)
		}
	}
	if s.o.Cap <= 0 {
		return p
	}
	within := int(min(int64(len(p)), s.o.Cap-s.kept))
	s.kept += int64(within)
	if beyond := p[within:]; len(beyond) > 0 {
		if s.rest == nil {
			s.rest = &record.Digest{}
		}
		s.rest.Write(beyond)
		s.counts.TruncatedBytes += int64(len(beyond))
	}
	return p[:within]
}

// add puts a chunk behind those that wait, or makes the newest of them longer. mu is held.
func (s *Stream) add(k record.ChunkKind, p []byte) {
	at := s.elapsed()
	if s.last.kind == k && at-s.last.at < mergeFor && len(s.filled)-s.last.offset+len(p) <= holdAt {
		s.filled = record.ExtendChunk(s.filled, s.last.offset, p)
	} else {
		s.last = chunkAt{offset: len(s.filled), kind: k, at: at}
		s.filled = record.AppendChunk(s.filled, record.Chunk{Kind: k, At: at, Data: p})
	}
	s.waits()
	if len(s.filled) >= flushAt {
		s.ring(s.full)
		if s.starter != nil {
			s.starter.Reset(0)
		}
	}
}

// waits says that there is something to flush, and has the flusher started where it is still there in a while. mu is held.
func (s *Stream) waits() {
	s.ring(s.wake)
	if s.starter == nil && !s.ending {
		s.starter = time.AfterFunc(s.o.FlushEvery, s.start)
	}
}

// start starts the flusher, once.
func (s *Stream) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.done == nil {
		s.wake, s.full, s.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
		s.flusher.Go(s.flush)
	}
}

// ring says something to the flusher, which looks by itself when it is started.
func (s *Stream) ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

func (s *Stream) elapsed() time.Duration { return s.o.Now().Sub(s.began) }

// usable is asked under mu.
func (s *Stream) usable() error {
	if s.err == nil && s.closed {
		return ErrClosed
	}
	return s.err
}

// wait returns once there is room for a piece. mu is held, and given up while waiting.
func (s *Stream) wait() error {
	for len(s.filled) >= holdAt && s.usable() == nil {
		s.room.Wait()
	}
	return s.usable()
}
