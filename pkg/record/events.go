package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// The types of events. Numbers are part of the format and never change their meaning; 17, 19 and 21 were never written.
const (
	TypeSessionOpen  Type = 16
	TypeCommand      Type = 18
	TypeApproval     Type = 20
	TypeColumns      Type = 22
	TypeRows         Type = 23 // binary: see AppendBatch and DecodeBatch
	TypeOutcome      Type = 24
	TypeRefused      Type = 25
	TypeNotice       Type = 26
	TypeSessionClose Type = 27
	TypeTerminal     Type = 28
	TypeExit         Type = 29
	TypeFile         Type = 30
	TypeForward      Type = 31
)

// lastType is the last event of this version.
const lastType = TypeForward

// Identity is who a recording is of.
type Identity struct {
	Issuer  string   `json:"issuer"`
	Subject string   `json:"subject"`
	User    string   `json:"user"`
	Groups  []string `json:"groups,omitempty"`
	Type    string   `json:"type"` // "human", "workload" or "agent"
}

// Header is the first frame of a recording.
type Header struct {
	Session       string    `json:"session"`
	Grant         string    `json:"grant"`
	Connection    string    `json:"connection"`
	Kind          string    `json:"kind"`
	Identity      Identity  `json:"identity"`
	Reason        string    `json:"reason,omitempty"` // why the grant was asked for
	Client        string    `json:"client,omitempty"` // address and name of the client, as far as known
	Started       time.Time `json:"started_at"`
	Version       string    `json:"hoop_version"`
	PolicyVersion string    `json:"policy_version"`
}

// SessionOpen says that the target answered and the session began.
type SessionOpen struct {
	Database string            `json:"database,omitempty"`
	Role     string            `json:"role,omitempty"` // at the target
	Settings map[string]string `json:"settings,omitempty"`
	ReadOnly bool              `json:"read_only,omitempty"`
}

// Access is one pair of effect and object.
type Access struct {
	Effect string `json:"effect"`
	Object string `json:"object,omitempty"`
}

// Param is a value bound to a command. All of Text, Binary and Blank absent is NULL.
type Param struct {
	OID    uint32  `json:"oid,omitempty"`
	Text   *string `json:"text,omitempty"`
	Binary *[]byte `json:"binary,omitempty"` // base64
	Blank  bool    `json:"blank,omitempty"`  // withheld: compared with or written to a masked column
}

// Command is one unit of intent, written before it is decided on.
type Command struct {
	Command  uint64   `json:"command"` // its number in the session, from 1
	Name     string   `json:"name,omitempty"`
	Text     string   `json:"text"`
	Params   []Param  `json:"params,omitempty"`
	Accesses []Access `json:"accesses"`
	SQL      string   `json:"sql_command,omitempty"` // "select", "update", …
	Rewrote  string   `json:"rewritten,omitempty"`   // what is sent, where it is not Text
	Masked   []string `json:"masked,omitempty"`      // "schema.table.column"
	Prepare  bool     `json:"prepare,omitempty"`     // it is only made ready: nothing runs yet
	// The decision on it, where it was taken before the record was written.
	DecisionID string `json:"decision_id,omitempty"`
	Verdict    string `json:"verdict,omitempty"`
	Rule       string `json:"rule,omitempty"`
}

// Approval is a step in the life of the approval that a command waits for.
type Approval struct {
	Command uint64 `json:"command"`
	ID      string `json:"approval_id"`
	State   string `json:"state"`
	By      string `json:"by,omitempty"`
}

// Column describes one column of a result.
type Column struct {
	Name   string `json:"name"`
	OID    uint32 `json:"oid"`
	Format int16  `json:"format,omitempty"` // 0 text, 1 binary
}

// Columns describes the rows that follow for a command.
type Columns struct {
	Command uint64   `json:"command"`
	Columns []Column `json:"columns"`
}

// Outcome is how a command ended.
type Outcome struct {
	Command    uint64 `json:"command"`
	Rows       int64  `json:"rows"`
	Bytes      int64  `json:"bytes"`
	Tag        string `json:"tag,omitempty"` // "DELETE 3"
	SQLState   string `json:"sqlstate,omitempty"`
	Error      string `json:"error,omitempty"`  // the primary message, as the client saw it
	Undone     bool   `json:"undone,omitempty"` // it ran to its end, and what it changed was undone for a limit
	DurationUS int64  `json:"duration_us"`
	// What lay beyond the cap, and so is not in the rows: how much, and the hex SHA-256 of it as a batch.
	TruncatedRows  int64  `json:"truncated_rows,omitempty"`
	TruncatedBytes int64  `json:"truncated_bytes,omitempty"`
	TruncatedHash  string `json:"truncated_sha256,omitempty"`
	// What the client sent to it, as COPY does: how much, and the hex SHA-256 of it.
	InputBytes int64  `json:"input_bytes,omitempty"`
	InputHash  string `json:"input_sha256,omitempty"`
}

// Refused says why a command did not run.
type Refused struct {
	Command    uint64 `json:"command"`
	DecisionID string `json:"decision_id"`
	Code       string `json:"code"`
	Rule       string `json:"rule"`
	Message    string `json:"message"`
	ApprovalID string `json:"approval_id,omitempty"`
}

// Notice is something worth knowing that belongs to no command, or came from the target beside one.
type Notice struct {
	Command  uint64 `json:"command,omitempty"`
	Severity string `json:"severity,omitempty"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
}

// SessionClose is the last event before the seal.
type SessionClose struct {
	Reason   string `json:"reason"`
	Commands int64  `json:"commands"`
	Refused  int64  `json:"refused"`
}

// Body is one of the event structs of this package.
type Body interface{ Type() Type }

// Type says which event this is.
func (Header) Type() Type { return TypeHeader }

// Type says which event this is.
func (SessionOpen) Type() Type { return TypeSessionOpen }

// Type says which event this is.
func (Command) Type() Type { return TypeCommand }

// Type says which event this is.
func (Approval) Type() Type { return TypeApproval }

// Type says which event this is.
func (Columns) Type() Type { return TypeColumns }

// Type says which event this is.
func (Outcome) Type() Type { return TypeOutcome }

// Type says which event this is.
func (Refused) Type() Type { return TypeRefused }

// Type says which event this is.
func (Notice) Type() Type { return TypeNotice }

// Type says which event this is.
func (SessionClose) Type() Type { return TypeSessionClose }

// described says whether frames of a type have a struct here: those of a later version don't.
func (t Type) described() bool {
	return t == TypeHeader || t >= TypeSessionOpen && t <= lastType && t != 17 && t != 19 && t != 21
}

// Encode is the body of an event's frame: JSON on one line.
func Encode(b Body) ([]byte, error) {
	switch b := b.(type) {
	case Command:
		return b.encode(), nil
	case Outcome:
		return b.encode(), nil
	case Terminal:
		return b.encode(), nil
	case Exit:
		return b.encode(), nil
	}
	body, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode %s event: %w", b.Type(), err)
	}
	return body, nil
}

// Decode reads the body of an event's frame into the struct of its type. Frames of the format itself, rows and types
// of a later version are an error.
func Decode(e Event) (Body, error) {
	switch e.Type {
	case TypeHeader:
		return decode[Header](e)
	case TypeSessionOpen:
		return decode[SessionOpen](e)
	case TypeCommand:
		return decode[Command](e)
	case TypeApproval:
		return decode[Approval](e)
	case TypeColumns:
		return decode[Columns](e)
	case TypeOutcome:
		return decode[Outcome](e)
	case TypeRefused:
		return decode[Refused](e)
	case TypeNotice:
		return decode[Notice](e)
	case TypeSessionClose:
		return decode[SessionClose](e)
	case TypeTerminal:
		return decode[Terminal](e)
	case TypeExit:
		return decode[Exit](e)
	case TypeFile:
		return decode[FileOperation](e)
	case TypeForward:
		return decode[Forward](e)
	default:
		return nil, fmt.Errorf("decode frame %d: type %s is no JSON event", e.Seq, e.Type)
	}
}

func decode[T Body](e Event) (Body, error) {
	var b T
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return nil, fmt.Errorf("decode frame %d: %w", e.Seq, err)
	}
	return b, nil
}

// String is the name of a type in exports.
func (t Type) String() string {
	switch t {
	case TypeHeader:
		return "header"
	case TypeCheckpoint:
		return "checkpoint"
	case TypeSeal:
		return "seal"
	case TypeSessionOpen:
		return "session_open"
	case TypeCommand:
		return "command"
	case TypeApproval:
		return "approval"
	case TypeColumns:
		return "columns"
	case TypeRows:
		return "rows"
	case TypeOutcome:
		return "outcome"
	case TypeRefused:
		return "refused"
	case TypeNotice:
		return "notice"
	case TypeSessionClose:
		return "session_close"
	case TypeTerminal:
		return "terminal"
	case TypeExit:
		return "exit"
	case TypeFile:
		return "file"
	case TypeForward:
		return "forward"
	default:
		return fmt.Sprintf("type_%d", byte(t))
	}
}
