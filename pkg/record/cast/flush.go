package cast

import (
	"fmt"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// flush gives chunks to the recorder until Close: those of the last FlushEvery together, or sooner where they are many. A
// failure is kept in s, and met by the next call.
func (s *Stream) flush() {
	if s.Flush() != nil { // what waited until the flusher was started
		return
	}
	due := time.NewTimer(s.o.FlushEvery)
	defer due.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		due.Reset(s.o.FlushEvery)
		select {
		case <-s.done:
			return // Close gives the rest
		case <-due.C:
		case <-s.full:
		}
		if s.Flush() != nil {
			return
		}
	}
}

// give hands all chunks that wait to the recorder. giving is held.
func (s *Stream) give() error {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return s.err
	}
	chunks := s.filled
	s.filled, s.last = s.spare[:0], chunkAt{}
	s.room.Broadcast()
	s.mu.Unlock()
	if len(chunks) == 0 {
		s.spare = chunks
		return nil
	}
	err := s.o.Recorder.AppendBatch(s.o.Terminal.Command, chunks)
	s.spare = chunks
	if err != nil {
		return s.fail(err)
	}
	return s.commit()
}

func (s *Stream) commit() error {
	if s.o.Staged {
		return nil
	}
	if err := s.o.Recorder.Commit(); err != nil {
		return s.fail(err)
	}
	return nil
}

// stage encodes an event and hands it to the recorder.
func (s *Stream) stage(b record.Body) error {
	body, err := record.Encode(b)
	if err != nil {
		return err
	}
	if _, err := s.o.Recorder.Stage(b.Type(), body); err != nil {
		return fmt.Errorf("record %s event: %w", b.Type(), err)
	}
	return nil
}

// fail makes every later call answer an error, and wakes those who wait.
func (s *Stream) fail(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("record stream: %w", cause)
	}
	s.room.Broadcast()
	return s.err
}
