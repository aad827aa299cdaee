package record

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// maxStreams bounds how many commands can have open streams in one recording.
const maxStreams = 256

// Streams follows the streams of commands through a recording. It takes bounded memory for a recording of any length.
type Streams struct {
	open    map[uint64]*stream
	order   []uint64
	scratch []byte
}

type stream struct {
	terminal Terminal
	began    Event
	chunks   chunkReader
	runes    [3]Runes // of output, errors, input
}

// of is where characters of a kind of chunks are joined; nil: the kind has none.
func (s *stream) of(k ChunkKind) *Runes {
	switch k {
	case ChunkOutput:
		return &s.runes[0]
	case ChunkErrors:
		return &s.runes[1]
	case ChunkInput:
		return &s.runes[2]
	default:
		return nil
	}
}

// NewStreams is for one recording, read from its beginning.
func NewStreams() *Streams { return &Streams{open: map[uint64]*stream{}} }

// Terminal notes that a command's streams begin with this event.
func (s *Streams) Terminal(e Event, t Terminal) {
	e.Body = nil
	if _, again := s.open[t.Command]; !again {
		if len(s.order) == maxStreams {
			delete(s.open, s.order[0])
			s.order = s.order[1:]
		}
		s.order = append(s.order, t.Command)
	}
	s.open[t.Command] = &stream{terminal: t, began: e}
}

// Exit notes that a command's streams ended, and calls each with the beginning of a character that nothing followed.
func (s *Streams) Exit(e Event, x Exit, each func(Terminal, Chunk) error) error {
	of, ok := s.open[x.Command]
	if !ok {
		return nil
	}
	delete(s.open, x.Command)
	s.order = slices.DeleteFunc(s.order, func(command uint64) bool { return command == x.Command })
	for _, kind := range []ChunkKind{ChunkOutput, ChunkErrors, ChunkInput} {
		if rest := of.of(kind).Rest(); len(rest) > 0 {
			if err := each(of.terminal, Chunk{Kind: kind, At: e.Elapsed, Data: rest}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Rows takes a TypeRows frame. Where it is of a command with streams, it calls each with every chunk that is complete with
// it, and answers true; otherwise the frame holds rows of a result. The chunks' At is then since the recording began, and a
// character that was cut between two chunks stands in the second one.
func (s *Streams) Rows(e Event, each func(Terminal, Chunk) error) (bool, error) {
	if len(s.open) == 0 || len(e.Body) < rowsPrefix {
		return false, nil
	}
	of, ok := s.open[binary.LittleEndian.Uint64(e.Body)]
	if !ok {
		return false, nil
	}
	b, err := DecodeBatch(e.Body, s.scratch)
	if err != nil {
		return true, fmt.Errorf("decode frame %d: %w", e.Seq, err)
	}
	if cap(b.Raw) > cap(s.scratch) && cap(b.Raw) <= MaxBatch && e.Body[12] != encodingPlain {
		s.scratch = b.Raw[:0]
	}
	err = of.chunks.add(b.Raw, func(c Chunk) error {
		// A chunk can't be older than the terminal, nor come after the frame that holds it.
		c.At = max(of.began.Elapsed, min(of.began.Elapsed+c.At, e.Elapsed))
		if runes := of.of(c.Kind); runes != nil {
			c.Data = runes.Take(c.Data)
		}
		return each(of.terminal, c)
	})
	if err != nil {
		return true, fmt.Errorf("decode frame %d: %w", e.Seq, err)
	}
	return true, nil
}
