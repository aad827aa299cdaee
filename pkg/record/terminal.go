package record

// What a terminal event says of the input of its command.
const (
	InputNone   = "none"   // not recorded
	InputEchoed = "echoed" // only lines that the output shows too: see record/cast
)

// Terminal begins the streams of a command: what it puts out, and what it takes. Their chunks are laid out by
// AppendChunk in the command's batches.
type Terminal struct {
	Command uint64 `json:"command"`
	What    string `json:"what"`              // "shell", "exec", "attach", "line", "answer"
	PTY     bool   `json:"pty,omitempty"`     // the target gave it a terminal, so that stderr is part of the output
	Term    string `json:"term,omitempty"`    // the client's TERM
	Columns uint32 `json:"columns,omitempty"` // in characters
	Rows    uint32 `json:"rows,omitempty"`
	Input   string `json:"input"` // InputNone or InputEchoed
	// The head of an answer of HTTP: its status, and its fields as the client saw them, but for what is nobody's to read.
	Status     int     `json:"status,omitempty"`
	Fields     []Field `json:"fields,omitempty"`
	MoreFields int     `json:"more_fields,omitempty"` // that are not in Fields
}

// Field is one of a head.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Exit ends the streams of a command. Without a Status, a Signal and an Error nobody knows how the command ended.
type Exit struct {
	Command    uint64  `json:"command"`
	Status     *uint32 `json:"status,omitempty"`
	Signal     string  `json:"signal,omitempty"` // "TERM", without SIG
	CoreDumped bool    `json:"core_dumped,omitempty"`
	Error      string  `json:"error,omitempty"` // the connection broke, the grant ended, …
	// What came out, in bytes, whether recorded or not.
	OutputBytes int64 `json:"output_bytes"`
	ErrorBytes  int64 `json:"error_bytes,omitempty"`
	DurationUS  int64 `json:"duration_us"`
	// What lay beyond the cap, and so is in no chunk: how much, and the hex SHA-256 of it, output and errors in the order
	// in which they came.
	TruncatedBytes int64  `json:"truncated_bytes,omitempty"`
	TruncatedHash  string `json:"truncated_sha256,omitempty"`
}

// FileOperation is one operation on files that ended.
type FileOperation struct {
	Command    uint64 `json:"command,omitempty"`
	Operation  string `json:"operation"` // "read", "write", "rename", "remove", "mkdir", "setstat", "symlink", "list", …
	Path       string `json:"path"`
	To         string `json:"to,omitempty"`     // the other path of a rename, link or copy
	Bytes      int64  `json:"bytes,omitempty"`  // that were read or written
	SHA256     string `json:"sha256,omitempty"` // of them, in hex, where they went in order from the first byte to the last
	Mode       string `json:"mode,omitempty"`   // permissions in octal, where the operation sets them
	Error      string `json:"error,omitempty"`  // what the target answered, if it was not a yes
	DurationUS int64  `json:"duration_us"`
}

// Forward is one forwarded connection that ended.
type Forward struct {
	Command    uint64 `json:"command,omitempty"`
	What       string `json:"what"`    // "direct-tcpip", "forwarded-tcpip", "direct-streamlocal", "port-forward", …
	Address    string `json:"address"` // host:port as the client named it, or a socket's path
	Resolved   string `json:"resolved,omitempty"`
	Sent       int64  `json:"sent_bytes"`     // from the client
	Received   int64  `json:"received_bytes"` // to the client
	Error      string `json:"error,omitempty"`
	DurationUS int64  `json:"duration_us"`
}

// Type says which event this is.
func (Terminal) Type() Type { return TypeTerminal }

// Type says which event this is.
func (Exit) Type() Type { return TypeExit }

// Type says which event this is.
func (FileOperation) Type() Type { return TypeFile }

// Type says which event this is.
func (Forward) Type() Type { return TypeForward }
