package api

import "fmt"

// Codes of Error. A client's exit code is chosen by them; new ones may be added, none is renamed.
const (
	CodeInternal         = "internal"
	CodeUsage            = "usage"
	CodeUnreachable      = "unreachable"      // the broker or the gateway can't be reached
	CodeSignInNeeded     = "sign_in_needed"   // no sign-in, or it is over
	CodeDenied           = "denied"           // policy says no
	CodeApprovalPending  = "approval_pending" // somebody has to approve first
	CodeRejected         = "rejected"         // somebody said no, or nobody said yes in time
	CodeNoSuchConnection = "no_such_connection"
	CodeNotFound         = "not_found"
	CodeWaitTimedOut     = "wait_timed_out"
	CodeListener         = "listener_failed"
	CodeGrantEnded       = "grant_ended"
	CodeLocked           = "locked"
	CodeTargetDown       = "target_unreachable"
	CodeConflict         = "already_decided"
	CodeTooMany          = "too_many"
	CodeUnavailable      = "unavailable" // the server can't do it safely now, so it refuses
)

// Error is problem+json (RFC 9457) with the five fields that every error of hoop has:
// what happened (Message), what to do next (Hint), and whether the same call may succeed later.
type Error struct {
	Type      string `json:"type,omitempty"`
	Title     string `json:"title,omitempty"`
	Status    int    `json:"status,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint"`
	Retryable bool   `json:"retryable"`
	RequestID string `json:"request_id"`
	// RetryAfter is in how many seconds the same call may succeed, where the server knows.
	RetryAfter int64 `json:"retry_after,omitempty"`
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }
