package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// Limits of sizes.
const (
	maxSize = 128 // bytes of one
	// maxResizes is how many changes a second may bring: a window that is dragged brings fewer than a screen has pictures.
	maxResizes = 120
)

// size is a terminal's, in characters, as client-go sends it.
type size struct{ Width, Height uint16 }

func (s size) append(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"Width":`...), uint64(s.Width), 10)
	dst = strconv.AppendUint(append(dst, `,"Height":`...), uint64(s.Height), 10)
	return append(dst, "}\n"...)
}

// sizes reads the sizes of one terminal, one JSON object behind the other, however they are cut.
type sizes struct {
	now   func() time.Time // nil: time.Now
	part  []byte
	last  size
	since time.Time
	count int
}

// read answers the sizes that are complete with a piece, without those that change nothing.
func (s *sizes) read(p []byte) (changed []size, err error) {
	s.part = append(s.part, p...)
	for {
		one, rest, whole := bytes.Cut(s.part, []byte("}"))
		if len(one) > maxSize || !whole && len(s.part) > maxSize {
			return nil, fromClient("a terminal's size of more than %d bytes", maxSize)
		}
		if !whole {
			return changed, nil
		}
		next, err := parseSize(s.part[:len(one)+1])
		if err != nil {
			return nil, err
		}
		s.part = rest
		if next == s.last {
			continue
		}
		if s.last = next; !s.counts() {
			return nil, fromClient("more than %d sizes of its terminal in a second", maxResizes)
		}
		changed = append(changed, next)
	}
}

func parseSize(text []byte) (s size, err error) {
	var got struct{ Width, Height *uint16 }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&got)
	if _, more := d.Token(); err != nil || got.Width == nil || got.Height == nil || !errors.Is(more, io.EOF) {
		return size{}, fromClient("what is no terminal's size in stream %s", resize)
	}
	return size{*got.Width, *got.Height}, nil
}

// counts says whether there may be one more change.
func (s *sizes) counts() bool {
	now := time.Now
	if s.now != nil {
		now = s.now
	}
	if at := now(); at.Sub(s.since) >= time.Second {
		s.since, s.count = at, 0
	}
	s.count++
	return s.count <= maxResizes
}
