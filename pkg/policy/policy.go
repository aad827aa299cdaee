// Package policy turns rules into decisions. It is pure: no I/O, no clock of its own, safe for concurrent use.
package policy

import "time"

// Effect is what a command does to an object.
type Effect string

// The effects, from DESIGN.md; what can't be told is Unknown, and only a rule that names it admits it.
const (
	Read      Effect = "read"
	Write     Effect = "write"
	Delete    Effect = "delete"
	Schema    Effect = "schema"
	Privilege Effect = "privilege"
	Execute   Effect = "execute"
	Transfer  Effect = "transfer"
	Session   Effect = "session"
	Admin     Effect = "admin"
	Shell     Effect = "shell" // an interactive shell, of which nothing more can be told; only a rule that names it admits it
	Unknown   Effect = "unknown"
)

// Verdict is what a policy says of a command. The zero Verdict denies.
type Verdict uint8

// The verdicts, strictest first.
const (
	Deny Verdict = iota
	Approve
	Allow
)

func (v Verdict) String() string {
	switch v {
	case Allow:
		return "allow"
	case Approve:
		return "approve"
	default:
		return "deny"
	}
}

// Subject is who asks. (Issuer, ID) is the identity; User is what rules name.
type Subject struct {
	Issuer string
	ID     string
	User   string
	Groups []string
	Type   string // "human", "workload" or "agent"
	Claims map[string]any
}

// Connection is what is asked of.
type Connection struct {
	Name   string
	Kind   string
	Labels map[string]string
}

// Access is one pair that a command is judged by. Object is "schema.relation" for SQL, "" where an effect has none.
type Access struct {
	Effect Effect
	Object string
	// Through: the command does not name the object, but reaches it through one that it names, as a view's tables. Rules that
	// deny or ask for approval count for such a pair; it needs no rule that allows it.
	Through bool
	// By says what runs a function that the command does not name: "trigger touch of public.users". It is for people.
	By string
}

// SQL holds the facts about a SQL command that rules can ask for.
type SQL struct {
	Commands  []string // lower case: "select", "update", …
	Filter    string   // of UPDATE and DELETE: "none", "constant" or "some"; "" elsewhere
	Functions []string // qualified where known
	Tables    int
	Normal    string // normal form, for `matches`
}

// Command is what is judged: never empty of Accesses; a command without any is denied.
type Command struct {
	Accesses []Access
	SQL      *SQL
	SSH      *SSH
	Files    *Files
	Kube     *Kube
	HTTP     *HTTP
	// Opens: it only opens SSH's channel, and every operation in it is judged by itself.
	Opens bool
	Now   time.Time
}

// Judged is the verdict on one pair.
type Judged struct {
	Access
	Verdict Verdict
	Rule    string // the rule that decided; "default" where none matched, "through" where nothing speaks of a Through pair
}

// Decision is the verdict on a command with its reasons.
type Decision struct {
	Verdict   Verdict
	Rule      string // the rule to name to the user
	Message   string // that rule's message, or a sentence made for it
	Judged    []Judged
	Approvals []Approval // of every approve rule that matched; each must be satisfied
	Affected  *Bound     // how many rows it may change at most; nil: as many as it does
}

// Approval is an approve rule's demand.
type Approval struct {
	Rule   string
	Users  []string
	Groups []string
	Quorum int           // at least 1
	Hold   time.Duration // how long the command waits; default 45 s
	TTL    time.Duration // how long the request lives; default 10 min
}

// Reach is the right to open a connection.
type Reach struct {
	Rule           string
	TTL            time.Duration
	ReasonRequired bool
	Renew          bool
}

// Mask is a mask rule that holds for a subject on a connection: of columns, fields, JSON values and rows, or of what detectors find in
// free text.
type Mask struct {
	Name     string
	Columns  []string // patterns "schema.table.column"; a missing part at the left matches anything: "*.email"
	Fields   []string // of kubernetes: a resource, or "*", and where in its objects: "secrets.data.*"
	JSON     []string // of http: where in JSON: "$.user.ssn"
	Detect   []string // names of Detectors
	As       string   // "redact", "null" or "last4"
	Writable bool
	Trusts   []string // functions of somebody's own that writes may run by themselves beside this mask
	Rows     *RowFilter
	Pages    bool // of http: pages and plain texts show nothing of what JSON masks, so that they may pass
}

// Detectors are the names that a mask may look for in free text. What each of them finds is pkg/mask's to say.
func Detectors() []string {
	return []string{"email", "credit_card", "us_ssn", "iban", "phone", "jwt", "aws_key", "private_key", "api_token"}
}

// Standing is what a policy says of a subject on a connection before any command.
type Standing struct {
	Masks        []Mask
	ReadOnly     bool // see Policy.ReadOnly
	Unrestricted bool // see Policy.Unrestricted
	Lines        bool // see Policy.Lines
	Limits       Limits
	Forwards     Forwards
	Programs     Programs // see Policy.Programs
	Shown        []string // see Policy.Shown

	NamespaceLabels bool // see Policy.NamespaceLabels
	ServiceAccounts bool // see Policy.ServiceAccounts
}

// Power is the right to look or act besides opening connections.
type Power string

// The powers.
const (
	SessionsRead  Power = "sessions.read"
	SessionsWatch Power = "sessions.watch"
	SessionsEnd   Power = "sessions.end"
	GrantsEnd     Power = "grants.end"
	Locks         Power = "locks"
	PolicyExplain Power = "policy.explain"
)
