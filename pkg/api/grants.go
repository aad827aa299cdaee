package api

import "time"

// GrantRequest is the body of POST /v1/grants.
type GrantRequest struct {
	Connection string `json:"connection"`
	PublicKey  []byte `json:"public_key"` // PKIX DER of a P-256 key that the client process made
	Reason     string `json:"reason,omitempty"`
	TTLSeconds int64  `json:"ttl_seconds,omitempty"` // shortens the reach's ttl, never lengthens it
}

// Certificate answers POST /v1/grants/{id}/certificate, and stands in Grant.
type Certificate struct {
	Certificate string    `json:"certificate"` // PEM
	NotAfter    time.Time `json:"not_after"`
	RenewAfter  time.Time `json:"renew_after"`
}

// Gateway says where a grant is used and how the gateway is known.
type Gateway struct {
	Addresses  []string `json:"addresses"`   // host:port
	ServerName string   `json:"server_name"` // verified against CA alone
	CA         string   `json:"ca"`          // PEM
}

// Grant answers POST /v1/grants and stands in lists (there without Certificate and Gateway).
type Grant struct {
	ID          string       `json:"grant_id"`
	Connection  Connection   `json:"connection"`
	Identity    Identity     `json:"identity"`
	Reason      string       `json:"reason,omitempty"`
	State       string       `json:"state"` // "active", "expired" or "ended"
	CreatedAt   time.Time    `json:"created_at"`
	ExpiresAt   time.Time    `json:"expires_at"`
	EndedBy     string       `json:"ended_by,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	Gateway     *Gateway     `json:"gateway,omitempty"`
	Closed      *GrantEvent  `json:"closed,omitempty"` // of DELETE, where the grant was over already: its last event
}

// Grants answers GET /v1/grants.
type Grants struct {
	Grants []Grant `json:"grants"`
}

// EndRequest is the body of DELETE /v1/grants/{id} and POST /v1/sessions/{id}/end.
type EndRequest struct {
	Reason string `json:"reason,omitempty"`
}

// Event types of GET /v1/grants/{id}/events, server-sent events whose id is the sequence to resume after.
const (
	EventApprovalRequired = "approval_required"
	EventApprovalWaiting  = "approval_waiting"
	EventApproved         = "approved"
	EventRejected         = "rejected"
	EventCommandRefused   = "command_refused"
	EventExpiring         = "expiring"
	EventRenewed          = "renewed"
	EventClosed           = "closed"
)

// Reasons of an Ending, and codes of a grant's closed event.
const (
	EndingExpired = "expired" // the grant's time is over: a running command has 60 s left
	EndingEnded   = "ended"   // somebody ended the grant or the session
	EndingLocked  = "locked"  // the person was locked
	EndingPolicy  = "policy"  // the policy no longer gives the reach
	EndingSignIn  = "sign_in" // the sign-in behind the grant was ended or revoked
)

// Ending tells a gateway to close sessions: the one of SessionID where that is set, else every
// one of GrantID. Both empty is a heartbeat: the feed is alive.
type Ending struct {
	Seq       uint64    `json:"seq"`
	GrantID   string    `json:"grant_id,omitempty"`
	SessionID string    `json:"session_id,omitempty"`
	Reason    string    `json:"reason,omitempty"` // one of the Ending constants
	Message   string    `json:"message,omitempty"`
	Time      time.Time `json:"time"`
}

// GrantEvent is one event of a grant. Fields that do not belong to its type are absent.
type GrantEvent struct {
	Seq         int64     `json:"seq"`
	Type        string    `json:"event"`
	Time        time.Time `json:"time"`
	ApprovalID  string    `json:"approval_id,omitempty"`
	ApprovalURL string    `json:"approval_url,omitempty"`
	Command     string    `json:"command,omitempty"`
	By          string    `json:"by,omitempty"`
	HoldUntil   time.Time `json:"hold_until,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Refusal     *Refusal  `json:"refusal,omitempty"`
	Code        string    `json:"code,omitempty"`
	Message     string    `json:"message,omitempty"`
}
