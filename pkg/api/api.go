// Package api holds the broker's wire types, its error codes and a Client for them.
// It has no logic of its own: what is decided is decided in the broker and the gateway.
package api

import "time"

// Version is the version of the HTTP API that this package speaks; it stands in every path.
const Version = "v1"

// Discovery answers GET /.well-known/hoop, without a sign-in.
type Discovery struct {
	Version      string     `json:"version"`       // of the server, a semantic version
	OldestClient string     `json:"oldest_client"` // oldest client version that is served
	Providers    []Provider `json:"providers"`
}

// Provider is one identity provider that the broker trusts.
type Provider struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // "oidc"
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes"`
	Device   string   `json:"device"` // who serves the device flow: "provider" or "broker"
}

// Identity is a person, a workload or an agent as the broker knows it. (Issuer, Subject) is the key.
type Identity struct {
	Issuer  string   `json:"issuer"`
	Subject string   `json:"subject"`
	User    string   `json:"user"` // for display and for `users` in a policy
	Groups  []string `json:"groups"`
	Type    string   `json:"type"` // "human", "workload" or "agent"
	// Owner is the person who answers for a workload or an agent: they can't approve what it asks for.
	Owner *Person `json:"owner,omitempty"`
	// Claims are the token's, for rules that name them. They stay inside the server.
	Claims map[string]any `json:"-"`
}

// Person is the key of an identity, alone.
type Person struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// LoginRequest is the body of POST /v1/login.
type LoginRequest struct {
	Provider string `json:"provider"` // a Provider.Name; empty: found by the token's issuer
	IDToken  string `json:"id_token"`
	// RefreshToken is the provider's, where it gave one: the broker asks the provider again with it.
	RefreshToken string `json:"refresh_token,omitempty"`
}

// RefreshRequest is the body of POST /v1/login/refresh. The token is used up by it.
type RefreshRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// Session answers POST /v1/login and /v1/login/refresh: a sign-in at the broker.
type Session struct {
	AccessToken      string    `json:"access_token"`
	ExpiresAt        time.Time `json:"expires_at"`
	RefreshToken     string    `json:"refresh_token,omitempty"` // absent for workload tokens
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
	Identity         Identity  `json:"identity"`
}

// Connection is a named target within one's reach.
type Connection struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	Database string            `json:"database,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Rule     string            `json:"rule"` // the reach rule that gives it
	TTL      int64             `json:"ttl_seconds"`
	Reason   string            `json:"reason"` // "required" or "optional"
}

// Connections answers GET /v1/connections.
type Connections struct {
	Connections []Connection `json:"connections"`
}

// Refusal says why a command did not run: the same object in every protocol.
type Refusal struct {
	Code        string `json:"code"` // "denied", "approval_required", "rejected", "unavailable", …
	Rule        string `json:"rule"`
	Message     string `json:"message"`
	DecisionID  string `json:"decision_id"`
	Retryable   bool   `json:"retryable"`
	ApprovalID  string `json:"approval_id,omitempty"`
	ApprovalURL string `json:"approval_url,omitempty"`
	// ResetsAt is when a limit that was reached is counted anew.
	ResetsAt time.Time `json:"resets_at,omitzero"`
	Remedy   []Remedy  `json:"remedy"`
}

// Remedy is one thing that would make a refused command run.
type Remedy struct {
	Kind string `json:"kind"` // "rewrite", "approval", "ask", "reconnect", "retry", "wait"
	Text string `json:"text"`
}

// Access is one pair of effect and object that a command is judged by.
type Access struct {
	Effect string `json:"effect"`
	Object string `json:"object,omitempty"`
}

// Approval states.
const (
	ApprovalPending   = "pending"
	ApprovalApproved  = "approved"
	ApprovalUsed      = "used"
	ApprovalRejected  = "rejected"
	ApprovalExpired   = "expired"
	ApprovalWithdrawn = "withdrawn"
)

// Approval is a request that somebody else lets one command run.
type Approval struct {
	ID         string             `json:"id"`
	Requester  Identity           `json:"requester"`
	Connection string             `json:"connection"`
	Digest     string             `json:"digest"`  // hex SHA-256 of exactly what would run
	Command    string             `json:"command"` // in full, never truncated
	Params     []string           `json:"params,omitempty"`
	Accesses   []Access           `json:"accesses"`
	Filter     string             `json:"filter,omitempty"` // "none", "constant" or "some"
	Preview    string             `json:"preview,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	Rule       string             `json:"rule"`
	Approvers  []Approvers        `json:"approvers"`
	State      string             `json:"state"`
	CreatedAt  time.Time          `json:"created_at"`
	ExpiresAt  time.Time          `json:"expires_at"`
	Decisions  []ApprovalDecision `json:"decisions"`
	URL        string             `json:"url"`
}

// Approvers is one rule's demand: quorum people of these users or groups.
type Approvers struct {
	Rule   string   `json:"rule"`
	Users  []string `json:"users,omitempty"`
	Groups []string `json:"groups,omitempty"`
	Quorum int      `json:"quorum"`
}

// ApprovalDecision is what one reviewer said.
type ApprovalDecision struct {
	By       Identity  `json:"by"`
	Decision string    `json:"decision"` // "approve" or "reject"
	Comment  string    `json:"comment,omitempty"`
	Scope    string    `json:"scope"` // "once"
	Time     time.Time `json:"time"`
}

// DecisionRequest is the body of POST /v1/approvals/{id}/decision. Digest is that of what the reviewer was shown.
type DecisionRequest struct {
	Decision string `json:"decision"`
	Digest   string `json:"digest"`
	Comment  string `json:"comment,omitempty"`
}

// Approvals answers GET /v1/approvals.
type Approvals struct {
	Approvals []Approval `json:"approvals"`
}

// SessionInfo is one client socket through the gateway, as the index knows it.
type SessionInfo struct {
	ID         string    `json:"id"`
	GrantID    string    `json:"grant_id"`
	Connection string    `json:"connection"`
	Kind       string    `json:"kind"`
	Identity   Identity  `json:"identity"`
	Client     string    `json:"client,omitempty"` // what the client program calls itself
	State      string    `json:"state"`            // "open", "sealed" or "crashed"
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	EndReason  string    `json:"end_reason,omitempty"`
	Commands   int64     `json:"commands"`
	Refused    int64     `json:"refused"`
	Recording  string    `json:"recording"` // path below the store's root
	// Head is the chain's hash at the latest checkpoint that the broker witnessed, in hex.
	Head    string `json:"head,omitempty"`
	HeadSeq uint64 `json:"head_seq,omitempty"`
}

// Sessions answers GET /v1/sessions.
type Sessions struct {
	Sessions []SessionInfo `json:"sessions"`
}

// Lock keeps a person out until it is lifted.
type Lock struct {
	User    string    `json:"user"` // a user name, or issuer and subject joined by "|"
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by"`
	Created time.Time `json:"created_at"`
}

// LockRequest is the body of POST /v1/locks.
type LockRequest struct {
	User   string `json:"user"`
	Reason string `json:"reason,omitempty"`
}

// Locks answers GET /v1/locks.
type Locks struct {
	Locks []Lock `json:"locks"`
}

// CanRequest is the body of POST /v1/can. Without a command it asks what one may do there at all.
type CanRequest struct {
	Connection string `json:"connection"`
	Command    string `json:"command,omitempty"`
	As         *As    `json:"as,omitempty"` // another person; needs the power policy.explain
}

// As names a person for a question about a policy.
type As struct {
	User   string   `json:"user"`
	Groups []string `json:"groups"`
}

// Can answers POST /v1/can.
type Can struct {
	Connection string     `json:"connection"`
	Verdict    string     `json:"verdict,omitempty"` // "allow", "approve" or "deny"
	Rule       string     `json:"rule,omitempty"`
	Message    string     `json:"message,omitempty"`
	Accesses   []Judged   `json:"accesses,omitempty"`
	Masked     []string   `json:"masked,omitempty"`   // columns that are masked for this person
	Rows       []string   `json:"rows,omitempty"`     // without a command: which rows of which tables are left for this person
	Detected   []string   `json:"detected,omitempty"` // without a command: what detectors mask in free text for this person
	Runs       string     `json:"runs,omitempty"`     // the text that would be sent to the target
	Remedy     []Remedy   `json:"remedy,omitempty"`
	Rules      []RuleLine `json:"rules,omitempty"`  // without a command: what the rules say
	Limits     []string   `json:"limits,omitempty"` // "agents: rows 5000, commands 500 per grant"
}

// Judged is one pair with the verdict on it.
type Judged struct {
	Access
	Verdict string `json:"verdict"`
	Rule    string `json:"rule"`
}

// RuleLine is one rule in a sentence.
type RuleLine struct {
	Rule    string   `json:"rule"`
	Verdict string   `json:"verdict"`
	Effects []string `json:"effects,omitempty"`
	Objects []string `json:"objects,omitempty"`
	Facts   string   `json:"facts,omitempty"` // what it asks of a request to a cluster or a service, in one line
}

// JWKS are the public keys that assertions of who a request is from are signed with (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWK is a key of P-256; X and Y are its coordinates in base64url, 32 bytes each.
type JWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

// PolicyRequest is the body of POST /v1/policy/test and /v1/policy/explain: a policy file to judge with.
type PolicyRequest struct {
	Policy     string `json:"policy"` // YAML; empty: the one in force
	As         *As    `json:"as,omitempty"`
	Connection string `json:"connection,omitempty"`
	Command    string `json:"command,omitempty"`
}

// PolicyReport answers POST /v1/policy/test.
type PolicyReport struct {
	OK       bool            `json:"ok"`
	Problems []PolicyProblem `json:"problems"`
	Tests    int             `json:"tests"`
	Failed   int             `json:"failed"`
}

// PolicyProblem is one thing wrong in a policy file.
type PolicyProblem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Keys answers GET /v1/keys: the public keys that recordings are signed with.
type Keys struct {
	Keys []Key `json:"keys"`
}

// Key is one Ed25519 public key.
type Key struct {
	ID      string    `json:"id"` // hex of the first 8 bytes of the key's SHA-256
	Public  []byte    `json:"public"`
	Created time.Time `json:"created_at"`
}
