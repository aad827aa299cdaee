// Package spdy reads and writes the frames of SPDY/3.1 as Kubernetes uses them for exec, attach and port-forward.
//
// The layout is that of the SPDY protocol, draft 3.1, section 2. Reading is strict: what two readers could understand in
// two ways is an error. It takes a fixed amount of memory, whatever a peer says of lengths: data come in pieces, a control
// frame and what its header block unpacks to have at most 16 KiB. Header blocks are written without compressing them, so
// that what is in one can't be guessed by the size of another.
//
// Windows are neither kept nor announced: no peer of Kubernetes does either (moby/spdystream ignores window updates and sends
// none), so a side that can't take more is one that does not read.
package spdy

import "fmt"

// Type says what a frame is.
type Type uint8

// The types of frames. NOOP, CREDENTIAL and what came later are errors.
const (
	None Type = iota
	Data
	SynStream
	SynReply
	Reset
	Settings // its entries are checked and dropped
	Ping
	GoAway
	Headers
	Window
)

// String is the type's name in the protocol's documents.
func (t Type) String() string {
	names := [...]string{"none", "DATA", "SYN_STREAM", "SYN_REPLY", "RST_STREAM", "SETTINGS", "PING", "GOAWAY", "HEADERS", "WINDOW_UPDATE"}
	if int(t) < len(names) {
		return names[t]
	}
	return "none"
}

// Statuses of Reset.
const (
	ProtocolError uint32 = 1
	InvalidStream uint32 = 2
	RefusedStream uint32 = 3
	Cancel        uint32 = 5
	InternalError uint32 = 6
)

// Limits of reading.
const (
	// PieceSize is the most data that a frame is told of at once.
	PieceSize = 32 << 10
	// maxControl bounds the payload of a control frame, and what a header block unpacks to.
	maxControl = 16 << 10
	// maxHeaders bounds the headers of one block.
	maxHeaders = 16
	// MaxStream is the highest number of a stream.
	MaxStream = 1<<31 - 1
)

// The wire's numbers (section 2.2.2).
const (
	version = 3

	wireSynStream = 1
	wireSynReply  = 2
	wireReset     = 3
	wireSettings  = 4
	wirePing      = 6
	wireGoAway    = 7
	wireHeaders   = 8
	wireWindow    = 9

	flagFin            = 1
	flagUnidirectional = 2
	flagClearSettings  = 1
)

// Header is one of a header block. Names are in lower case and stand once in a block.
type Header struct{ Name, Value string }

// Frame is one frame, or a piece of a data frame. Only the fields of its type are set.
type Frame struct {
	Type           Type
	Stream         uint32   // of all but Settings, Ping and GoAway, which has the last good one; never 0 but in GoAway and Window
	Fin            bool     // the sender sends no more in this stream
	Unidirectional bool     // of SynStream: and the other side sends nothing
	Headers        []Header // of SynStream, SynReply, Headers
	Data           []byte   // of Data: good until the next frame is read
	Status         uint32   // of Reset (never 0) and GoAway
	ID             uint32   // of Ping (never 0)
	Delta          uint32   // of Window
}

// Get answers a header's value, "" for one that is not there.
func (f *Frame) Get(name string) string {
	for _, h := range f.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Error says that what a peer sent is no frame.
type Error struct{ Reason string }

// Error is the reason.
func (e *Error) Error() string { return "SPDY: " + e.Reason }

func malformed(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }
