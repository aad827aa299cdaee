// Package websocket reads and writes the frames of RFC 6455 strictly, for both sides, without extensions.
package websocket

import (
	"fmt"
	"unicode/utf8"
)

// MaxPayload is how much a frame, and a message that is read as a whole, may hold.
const MaxPayload = 1 << 20

// maxControl is how much a control frame may hold (section 5.5).
const maxControl = 125

// Side is one of both ends of a connection. The zero Side is neither, and every frame of it is refused.
type Side int

// Frames of the Client are masked, those of the Server are not (section 5.1).
const (
	Client Side = iota + 1
	Server
)

// Opcode tells what a frame is (section 5.2).
type Opcode byte

// The opcodes that there are.
const (
	Continuation Opcode = 0
	Text         Opcode = 1
	Binary       Opcode = 2
	Close        Opcode = 8
	Ping         Opcode = 9
	Pong         Opcode = 10
)

// Control tells whether o is of a control frame, which may stand between the fragments of a message.
func (o Opcode) Control() bool { return o >= Close }

// Frame is one frame, or one whole message.
type Frame struct {
	Opcode  Opcode
	Fin     bool // the last of its message
	Payload []byte
}

// Error is what is wrong with a frame, with the code for the Close frame that says so.
type Error struct {
	Code   int
	Reason string
}

// Error tells the reason.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Reason, e.Code) }

// The codes of errors here (section 7.4.1).
const (
	ProtocolError = 1002
	InvalidText   = 1007
	TooBig        = 1009
)

func wrong(reason string) *Error { return &Error{Code: ProtocolError, Reason: reason} }

// order holds what one side has sent to the rules, as it is read and as it is written.
type order struct {
	open   Opcode // of the message whose fragments are coming, 0 for none
	text   runes
	closed bool
}

// head judges a frame before its payload is read.
func (o *order) head(op Opcode, fin bool, length uint64) *Error {
	switch {
	case o.closed:
		return wrong("a frame stands behind Close")
	case op > Binary && op < Close || op > Pong:
		return wrong("the opcode is reserved")
	case op.Control() && (!fin || length > maxControl):
		return wrong("a control frame is fragmented, or longer than 125 bytes")
	case length > MaxPayload:
		return &Error{Code: TooBig, Reason: "a frame is longer than 1 MiB"}
	case op == Continuation && o.open == 0:
		return wrong("a continuation continues nothing")
	case (op == Text || op == Binary) && o.open != 0:
		return wrong("a message begins within another")
	}
	return nil
}

// take judges a whole frame that head has let pass, and moves on.
func (o *order) take(f Frame) *Error {
	if f.Opcode.Control() {
		if f.Opcode == Close {
			o.closed = true
			_, _, err := parseClose(f.Payload)
			return err
		}
		return nil
	}
	if f.Opcode != Continuation {
		o.open = f.Opcode
	}
	if o.open == Text && !o.text.write(f.Payload, f.Fin) {
		return &Error{Code: InvalidText, Reason: "a text is not UTF-8"}
	}
	if f.Fin {
		o.open = 0
	}
	return nil
}

// runes tells whether what is written in pieces is UTF-8.
type runes struct {
	begun [utf8.UTFMax]byte // of a rune that is not complete yet
	n     int
}

// write answers false as soon as no continuation could make the text UTF-8; last means that there is none.
func (r *runes) write(p []byte, last bool) bool {
	for r.n > 0 && len(p) > 0 {
		r.begun[r.n], p = p[0], p[1:]
		r.n++
		if utf8.FullRune(r.begun[:r.n]) {
			if c, size := utf8.DecodeRune(r.begun[:r.n]); c == utf8.RuneError && size == 1 {
				return false
			}
			r.n = 0
		}
	}
	whole := len(p)
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if at := len(p) - back; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				whole = at
			}
			break
		}
	}
	if !utf8.Valid(p[:whole]) {
		return false
	}
	if whole < len(p) {
		r.n = copy(r.begun[:], p[whole:])
	}
	return !last || r.n == 0
}
