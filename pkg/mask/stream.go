package mask

// lookBehind is how many bytes of what has gone out are kept, because what comes next is read together with them.
const lookBehind = 2 * maxLocal

// Stream applies a set to a text that comes in pieces, cut anywhere. What comes out is the same however it was cut: what
// Apply makes of the whole as a Piece. It holds back no more than a few kilobytes.
type Stream struct {
	set   *Set
	buf   []byte
	out   int // buf up to here has gone out
	pos   int // and up to here was looked at
	floor int // where the latest finding ended

	base  int     // how much of the text is not in buf any more
	shown int     // the text up to here was shown before it was settled: see Show
	marks []aside // what stands between the characters, and has not gone out
	extra int     // bytes of marks

	eating tail // a finding is under way, whose bytes are not kept: it ends where no more of its kind come
	what   Detector
}

// aside is something that stands in a text without being of it, in front of a place in it.
type aside struct {
	at   int
	what []byte
}

// maxMarks is how much of marks waits at most, in bytes. What comes beyond is left out.
const maxMarks = 64 << 10

// NewStream begins a text.
func NewStream(s *Set) *Stream { return &Stream{set: s} }

// Idle says that nothing is held back and nothing under way.
func (s *Stream) Idle() bool { return s.out == len(s.buf) && s.eating == ends && len(s.marks) == 0 }

// Write takes the next piece and appends to dst what is settled.
func (s *Stream) Write(dst, piece []byte) []byte {
	s.buf = append(s.buf, piece...)
	dst = s.look(dst, true)
	s.forget()
	return dst
}

// Flush ends the text and appends to dst what was held back. The next Write begins another text.
func (s *Stream) Flush(dst []byte) []byte {
	dst = s.look(dst, false)
	for _, m := range s.marks {
		dst = append(dst, m.what...)
	}
	*s = Stream{set: s.set, buf: s.buf[:0]}
	return dst
}

func (s *Stream) look(dst []byte, more bool) []byte {
	for {
		if s.eating != ends {
			var open bool
			if dst, open = s.eat(dst, more); open {
				return dst
			}
		}
		v := view{b: s.buf, floor: s.floor, more: more}
		f, at, out := s.set.next(v, s.pos)
		s.pos = at
		if out != found {
			upTo := len(s.buf)
			if more {
				upTo = max(s.out, v.hold(at))
			}
			return s.pass(dst, upTo)
		}
		if f.start > s.out {
			dst = s.pass(dst, f.start)
		}
		s.out, s.floor = f.end, f.end
		if f.tail != ends {
			s.eating, s.what = f.tail, f.what
			continue
		}
		dst = s.pass(s.instead(dst, f), f.end)
	}
}

// pass appends the text from out up to a place, without what was shown already, and the marks in it.
func (s *Stream) pass(dst []byte, to int) []byte {
	for len(s.marks) > 0 && s.marks[0].at <= s.base+to {
		m := s.marks[0]
		dst = append(s.text(dst, m.at-s.base), m.what...)
		s.marks, s.extra = s.marks[1:], s.extra-len(m.what)
	}
	return s.text(dst, to)
}

func (s *Stream) text(dst []byte, to int) []byte {
	if from := max(s.out, s.shown-s.base); from < to {
		dst = append(dst, s.buf[from:to]...)
	}
	s.out = max(s.out, to)
	return dst
}

// Mark puts something between what was written and what comes next, where it is not looked at.
func (s *Stream) Mark(dst, what []byte) []byte {
	if s.open() {
		return append(dst, what...)
	}
	if s.extra += len(what); s.extra <= maxMarks {
		s.marks = append(s.marks, aside{s.base + len(s.buf), append([]byte(nil), what...)})
	} else {
		s.extra -= len(what)
	}
	return dst
}

// open says that nothing is held back that was not shown.
func (s *Stream) open() bool {
	return s.eating == ends && len(s.marks) == 0 && max(s.out, s.shown-s.base) == len(s.buf)
}

// Show appends to dst what is held back, as it is, because who sees it knows it. Of a finding that it turns out to be the
// beginning of, the rest is not shown.
func (s *Stream) Show(dst []byte) []byte {
	if s.eating != ends || len(s.marks) > 0 {
		return dst
	}
	dst = append(dst, s.buf[min(max(s.out, s.shown-s.base), len(s.buf)):]...)
	s.shown = s.base + len(s.buf)
	return dst
}

// instead appends what is shown in the place of a finding.
func (s *Stream) instead(dst []byte, f finding) []byte {
	as, shown := s.set.as[f.what], s.shown-s.base
	switch {
	case as == Null || f.end <= shown:
		return dst
	case f.start < shown:
		return append(dst, stars...) // the last four would be four more
	}
	return append(append(dst, stars...), f.shown(s.buf, as)...)
}

// eat goes on with a finding that has no end of its own. open says that its end has not come.
func (s *Stream) eat(dst []byte, more bool) ([]byte, bool) {
	end, open := s.eating.grow(s.buf, s.out, more)
	s.out, s.pos, s.floor = end, end, end
	if open && more {
		return dst, true
	}
	if s.set.as[s.what] != Null {
		dst = append(dst, stars...)
		if s.shown == 0 && s.set.as[s.what] == Last4 && s.what != PrivateKey {
			dst = append(dst, s.buf[end-4:end]...) // such findings are longer than seven characters, all of them ASCII
		}
	}
	s.eating = ends
	return s.pass(dst, end), false
}

// hold is the first byte that a finding may still begin with, when all up to i was looked at.
func (v view) hold(i int) int {
	for k := 1; i == len(v.b) && k <= min(3, i); k++ { // a character that has not come in full
		c := v.b[i-k]
		if c >= 0xC0 && (k == 1 || c >= 0xE0 && k == 2 || c >= 0xF0) {
			i -= k
		} else if c < 0x80 {
			break
		}
	}
	return v.local(i)
}

// forget drops what is not needed any more.
func (s *Stream) forget() {
	drop := s.out - lookBehind
	if drop <= 0 {
		return
	}
	s.buf = s.buf[:copy(s.buf, s.buf[drop:])]
	s.base += drop
	s.out, s.pos, s.floor = s.out-drop, s.pos-drop, max(s.floor-drop, 0)
	if cap(s.buf) > 1<<16 && len(s.buf) < 1<<12 {
		s.buf = append([]byte(nil), s.buf...)
	}
}
