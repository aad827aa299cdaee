package mask

import "sync"

// Screen applies a set to what is put out on a terminal, or on a stream that may have colours in it. Two things differ from a
// Stream.
//
// Sequences that only change how text looks (SGR) or erase to the end of a line (EL) are looked through: a number is found
// whatever its digits' colours, and the sequences stand where they stood, or behind what a finding is replaced by. All other
// sequences are text to it.
//
// What its reader typed is shown as soon as it comes back. Everything else that may be a part of a finding is held back for as
// long as it may be: never is anything shown because time went by, since what follows after a pause could be the rest of what
// was shown before it. So what a program puts out last before it waits can be missing its last word until something follows.
//
// The result is the same for any split of the output, but for what was typed.
type Screen struct {
	stream *Stream
	held   []byte // of a sequence that has not come in full

	mu    sync.Mutex // of typed: it is told by another side
	typed []byte     // what was typed and has not come back
}

// NewScreen begins a terminal, or a stream.
func NewScreen(s *Set) *Screen { return &Screen{stream: NewStream(s)} }

// maxEcho is how much typed text is waited for. More is typed ahead, or pasted, and is looked at like any other output.
const maxEcho = 64

// Typed takes what is typed. It may be called while Write is. What is no plain character begins anew: what comes back of it
// can't be told.
func (x *Screen) Typed(keys []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range keys {
		if c < ' ' || c == 0x7f || len(x.typed) == maxEcho {
			x.typed = x.typed[:0]
			continue
		}
		x.typed = append(x.typed, c)
	}
}

// back says how much of a text is what was typed. Other text shows that what was typed does not come back.
func (x *Screen) back(text []byte) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for n < len(text) && n < len(x.typed) && text[n] == x.typed[n] {
		n++
	}
	if n < len(text) {
		x.typed = x.typed[:0]
	} else {
		x.typed = x.typed[:copy(x.typed, x.typed[n:])]
	}
	return n
}

// Write takes the next piece and appends to dst what can be shown.
func (x *Screen) Write(dst, piece []byte) []byte {
	from := 0
	for i, c := range piece {
		if len(x.held) == 0 {
			if c == 0x1b {
				dst = x.text(dst, piece[from:i])
				x.held = append(x.held, c)
			}
			continue
		}
		from = i + 1
		switch x.held = append(x.held, c); x.kind() {
		case looks:
			dst = x.stream.Mark(dst, x.held)
			x.held = x.held[:0]
		case noSequence:
			dst, from = x.given(dst, piece[:i+1])
		}
	}
	if len(x.held) == 0 {
		dst = x.text(dst, piece[from:])
	}
	return dst
}

// given gives up what was taken for a sequence. An escape that ended it begins one itself.
func (x *Screen) given(dst, piece []byte) ([]byte, int) {
	last := len(x.held) - 1
	again := x.held[last] == 0x1b
	if !again {
		last++
	}
	dst = x.text(dst, x.held[:last])
	x.held = x.held[:0]
	if again {
		x.held = append(x.held, 0x1b)
	}
	return dst, len(piece)
}

// text takes text. What comes back of what was typed is shown where all before it was.
func (x *Screen) text(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	if n := x.back(text); n > 0 && x.stream.open() {
		dst = x.stream.Show(x.stream.Write(dst, text[:n]))
		text = text[n:]
	}
	return x.stream.Write(dst, text)
}

// Flush ends the text and appends to dst what was held back.
func (x *Screen) Flush(dst []byte) []byte {
	dst = x.text(dst, x.held)
	x.held = x.held[:0]
	return x.stream.Flush(dst)
}

// maxSequence is the longest sequence that is looked through, in bytes.
const maxSequence = 64

// sequence says what the bytes that are held can be.
type sequence uint8

const (
	partly     sequence = iota // a sequence that has not come in full
	looks                      // one that changes how text looks
	noSequence                 // something else
)

func (x *Screen) kind() sequence {
	c := x.held[len(x.held)-1]
	switch {
	case len(x.held) == 2 && c == '[':
		return partly
	case len(x.held) == 2 || len(x.held) > maxSequence:
		return noSequence
	case c >= '0' && c <= ';':
		return partly
	case c == 'm' || c == 'K':
		return looks
	}
	return noSequence
}
