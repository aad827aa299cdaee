package wire

// limit bounds the length field of one message type: it counts itself (4 bytes) and the body. The zero limit forbids it.
type limit struct {
	min, max int
	streamed bool // handed out in pieces when it is large
}

// Lengths in bytes.
const (
	maxText  = 16 << 20 // Query, Parse, Bind, FunctionCall
	maxName  = 8 << 10  // Describe, Close, Execute
	maxError = 16 << 20 // ErrorResponse, NoticeResponse, CopyFail
	maxRow   = 1 << 30  // DataRow, CopyData: PostgreSQL's own bound of a value
	maxShape = 16 << 20 // RowDescription: 1,600 columns, and 65,535 announced at most
)

// clientLimits are the messages that a client may send once it is signed in.
var clientLimits = [256]limit{
	'Q': {min: 5, max: maxText},
	'P': {min: 8, max: maxText},
	'B': {min: 12, max: maxText},
	'D': {min: 6, max: maxName},
	'C': {min: 6, max: maxName},
	'E': {min: 9, max: maxName},
	'F': {min: 14, max: maxText},
	'H': {min: 4, max: 4},
	'S': {min: 4, max: 4},
	'X': {min: 4, max: 4},
	'c': {min: 4, max: 4},
	'd': {min: 4, max: maxRow, streamed: true},
	'f': {min: 5, max: maxError},
}

// serverLimits are the messages that a server may send once it has signed us in. CopyBothResponse,
// FunctionCallResponse and authentication requests are not among them: nothing that asks for them is ever sent.
var serverLimits = [256]limit{
	'1': {min: 4, max: 4},
	'2': {min: 4, max: 4},
	'3': {min: 4, max: 4},
	'A': {min: 10, max: maxName + 8<<10},
	'C': {min: 5, max: maxName},
	'D': {min: 6, max: maxRow, streamed: true},
	'E': {min: 5, max: maxError},
	'G': {min: 7, max: maxName},
	'H': {min: 7, max: maxName},
	'I': {min: 4, max: 4},
	'N': {min: 5, max: maxError},
	'S': {min: 6, max: maxText},
	'T': {min: 6, max: maxShape},
	'Z': {min: 5, max: 5},
	'c': {min: 4, max: 4},
	'd': {min: 4, max: maxRow, streamed: true},
	'n': {min: 4, max: 4},
	's': {min: 4, max: 4},
	't': {min: 6, max: 6 + 4*65535},
}
