package cast

// maxParams bounds what is held of a control sequence, maxString what of a control string is passed over before what
// follows is taken for text again: nothing can hide the rest of a recording.
const (
	maxParams = 64
	maxString = 64 << 10
)

// token is what a byte of a terminal's input completes.
type token uint8

const (
	nothing  token = iota
	text           // the byte is text
	control        // the byte is a control character
	escape         // an escape sequence: intermediates in params, the byte is its last
	sequence       // a control sequence (CSI): parameters and intermediates in params, the byte is its last
)

type state uint8

const (
	ground state = iota
	inEscape
	inSequence
	inString     // OSC, DCS, APC, PM, SOS
	stringEnds   // the escape of ESC \
	oversequence // too long, passed over to its last byte
)

// parser takes a terminal's input apart, byte by byte, as ECMA-48 section 5 describes it and terminals do it. What a
// sequence is made of is the same for any split of the input. The zero parser is ready.
type parser struct {
	state  state
	params []byte
	length int // of a control string
}

// step takes one byte.
func (p *parser) step(b byte) token {
	switch p.state {
	case inEscape:
		return p.escape(b)
	case inSequence, oversequence:
		return p.sequence(b)
	case inString:
		return p.inside(b)
	case stringEnds:
		if b == '\\' {
			p.state = ground
			return nothing
		}
		p.begin(inEscape) // any other escape ends the string too
		return p.escape(b)
	}
	return p.ground(b)
}

func (p *parser) begin(s state) { p.state, p.params, p.length = s, p.params[:0], 0 }

func (p *parser) ground(b byte) token {
	switch {
	case b == 0x1b:
		p.begin(inEscape)
		return nothing
	case isControl(b):
		return control
	}
	return text
}

func (p *parser) escape(b byte) token {
	switch {
	case b == 0x1b:
		p.begin(inEscape)
		return nothing
	case b == 0x18 || b == 0x1a || b == 0x7f: // CAN, SUB
		p.state = ground
		return nothing
	case b < ' ':
		return control
	case b >= 0x80:
		p.state = ground
		return text
	case b < '0':
		if len(p.params) < maxParams {
			p.params = append(p.params, b)
		}
		return nothing
	case len(p.params) > 0:
	case b == '[':
		p.begin(inSequence)
		return nothing
	case b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_':
		p.begin(inString)
		return nothing
	}
	p.state = ground
	return escape
}

func (p *parser) sequence(b byte) token {
	switch {
	case b == 0x1b:
		p.begin(inEscape)
		return nothing
	case b == 0x18 || b == 0x1a:
		p.state = ground
		return nothing
	case b < ' ':
		return control
	case b == 0x7f:
		return nothing
	case b >= 0x80:
		p.state = ground
		return text
	case b < '@':
		if len(p.params) == maxParams {
			p.state = oversequence
			return nothing
		}
		p.params = append(p.params, b)
		return nothing
	}
	whole := p.state == inSequence
	p.state = ground
	if !whole {
		return nothing
	}
	return sequence
}

// inside passes over a control string. A line end is in none that honest programs send to a terminal.
func (p *parser) inside(b byte) token {
	switch p.length++; {
	case b == 0x1b:
		p.state = stringEnds
	case b == '\a' || b == 0x18 || b == 0x1a || p.length >= maxString:
		p.state = ground
	case b == '\r' || b == '\n':
		p.state = ground
		return control
	}
	return nothing
}

func isControl(b byte) bool { return b < ' ' || b == 0x7f }
