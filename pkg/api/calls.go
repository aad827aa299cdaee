package api

import (
	"context"
	"io"
	"net/url"
	"time"
)

// Discover asks what the broker is and which providers it trusts. It needs no sign-in.
func (c *Client) Discover(ctx context.Context) (Discovery, error) {
	var out Discovery
	return out, c.do(ctx, request{method: "GET", path: "/.well-known/hoop", open: true}, &out)
}

// Login exchanges a provider's ID token for a sign-in.
func (c *Client) Login(ctx context.Context, in LoginRequest) (Session, error) {
	var out Session
	return out, c.do(ctx, request{method: "POST", path: "/v1/login", in: in, open: true}, &out)
}

// Refresh exchanges a refresh token for new tokens. The old one is used up, and using it
// again ends the sign-in: keep the new one before anything else.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (Session, error) {
	var out Session
	return out, c.do(ctx, request{method: "POST", path: "/v1/login/refresh", in: RefreshRequest{RefreshToken: refreshToken}, open: true}, &out)
}

// Logout ends the sign-in and its grants.
func (c *Client) Logout(ctx context.Context) error {
	return c.do(ctx, request{method: "POST", path: "/v1/logout"}, nil)
}

// WhoAmI returns the identity behind the sign-in.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	var out Identity
	return out, c.do(ctx, request{method: "GET", path: "/v1/whoami"}, &out)
}

// Connections lists what is within reach.
func (c *Client) Connections(ctx context.Context) ([]Connection, error) {
	var out Connections
	err := c.do(ctx, request{method: "GET", path: "/v1/connections"}, &out)
	return out.Connections, err
}

// CreateGrant asks for a grant.
func (c *Client) CreateGrant(ctx context.Context, in GrantRequest) (Grant, error) {
	var out Grant
	return out, c.do(ctx, request{method: "POST", path: "/v1/grants", in: in}, &out)
}

// Grants lists one's own grants, and those that one may end.
func (c *Client) Grants(ctx context.Context) ([]Grant, error) {
	var out Grants
	err := c.do(ctx, request{method: "GET", path: "/v1/grants"}, &out)
	return out.Grants, err
}

// EndGrant ends a grant and its sessions.
func (c *Client) EndGrant(ctx context.Context, id, reason string) (Grant, error) {
	var out Grant
	return out, c.do(ctx, request{method: "DELETE", path: "/v1/grants/" + url.PathEscape(id), in: EndRequest{Reason: reason}}, &out)
}

// RenewCertificate asks for a new certificate for the grant's key.
func (c *Client) RenewCertificate(ctx context.Context, grantID string) (Certificate, error) {
	var out Certificate
	return out, c.do(ctx, request{method: "POST", path: "/v1/grants/" + url.PathEscape(grantID) + "/certificate"}, &out)
}

// Approvals lists the requests that one may see, all or those of one state.
func (c *Client) Approvals(ctx context.Context, state string) ([]Approval, error) {
	r := request{method: "GET", path: "/v1/approvals"}
	if state != "" {
		r.query = url.Values{"state": {state}}
	}
	var out Approvals
	err := c.do(ctx, r, &out)
	return out.Approvals, err
}

// Approval returns one request.
func (c *Client) Approval(ctx context.Context, id string) (Approval, error) {
	var out Approval
	return out, c.do(ctx, request{method: "GET", path: "/v1/approvals/" + url.PathEscape(id)}, &out)
}

// Decide approves or rejects a request. in.Digest must be that of the request as it was shown.
func (c *Client) Decide(ctx context.Context, id string, in DecisionRequest) (Approval, error) {
	var out Approval
	return out, c.do(ctx, request{method: "POST", path: "/v1/approvals/" + url.PathEscape(id) + "/decision", in: in}, &out)
}

// Withdraw takes back one's own request.
func (c *Client) Withdraw(ctx context.Context, id string) (Approval, error) {
	var out Approval
	return out, c.do(ctx, request{method: "POST", path: "/v1/approvals/" + url.PathEscape(id) + "/withdraw"}, &out)
}

// waitStep is how long one call waits; the broker caps it too.
const waitStep = 50 * time.Second

// WaitApproval waits until a request is settled, for timeout at most. When that is over
// the error has the code wait_timed_out, and the request is returned as it stands.
func (c *Client) WaitApproval(ctx context.Context, id string, timeout time.Duration) (Approval, error) {
	until := time.Now().Add(timeout)
	for {
		step := min(max(time.Until(until), 0), waitStep)
		var out Approval
		err := c.doWithin(ctx, step+callTimeout, request{
			method: "GET", path: "/v1/approvals/" + url.PathEscape(id) + "/wait",
			query: url.Values{"timeout": {step.String()}},
		}, &out)
		if err != nil || out.State != ApprovalPending {
			return out, err
		}
		if !time.Now().Before(until) {
			return out, &Error{
				Code: CodeWaitTimedOut, Message: "Nobody has decided yet.", Retryable: true,
				Hint: "`hoop approvals wait " + id + "` waits again.",
			}
		}
	}
}

// Sessions lists one's own sessions, and those that one may read.
func (c *Client) Sessions(ctx context.Context) ([]SessionInfo, error) {
	var out Sessions
	err := c.do(ctx, request{method: "GET", path: "/v1/sessions"}, &out)
	return out.Sessions, err
}

// SessionInfo returns one session of the index.
func (c *Client) SessionInfo(ctx context.Context, id string) (SessionInfo, error) {
	var out SessionInfo
	return out, c.do(ctx, request{method: "GET", path: "/v1/sessions/" + url.PathEscape(id)}, &out)
}

// Recording returns a session's recording, which the caller closes. It may be of any size:
// ctx bounds it.
func (c *Client) Recording(ctx context.Context, id string) (io.ReadCloser, error) {
	res, err := c.send(ctx, request{method: "GET", path: "/v1/sessions/" + url.PathEscape(id) + "/recording"})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// WatchSession returns the recording of an open session as it is written, which the caller closes. It ends where the session
// does, with the recording's seal; ctx bounds it.
func (c *Client) WatchSession(ctx context.Context, id string) (io.ReadCloser, error) {
	res, err := c.send(ctx, request{method: "GET", path: "/v1/sessions/" + url.PathEscape(id) + "/watch"})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// EndSession ends one session.
func (c *Client) EndSession(ctx context.Context, id, reason string) (SessionInfo, error) {
	var out SessionInfo
	return out, c.do(ctx, request{method: "POST", path: "/v1/sessions/" + url.PathEscape(id) + "/end", in: EndRequest{Reason: reason}}, &out)
}

// Locks lists who is locked.
func (c *Client) Locks(ctx context.Context) ([]Lock, error) {
	var out Locks
	err := c.do(ctx, request{method: "GET", path: "/v1/locks"}, &out)
	return out.Locks, err
}

// Lock keeps a person out and ends what they have open.
func (c *Client) Lock(ctx context.Context, user, reason string) (Lock, error) {
	var out Lock
	return out, c.do(ctx, request{method: "POST", path: "/v1/locks", in: LockRequest{User: user, Reason: reason}}, &out)
}

// Unlock lifts a lock.
func (c *Client) Unlock(ctx context.Context, user string) error {
	return c.do(ctx, request{method: "DELETE", path: "/v1/locks/" + url.PathEscape(user)}, nil)
}

// Can asks what one may do on a connection, or what would become of a command.
func (c *Client) Can(ctx context.Context, in CanRequest) (Can, error) {
	var out Can
	return out, c.do(ctx, request{method: "POST", path: "/v1/can", in: in}, &out)
}

// TestPolicy runs a policy file's own tests on the server.
func (c *Client) TestPolicy(ctx context.Context, policy string) (PolicyReport, error) {
	var out PolicyReport
	return out, c.do(ctx, request{method: "POST", path: "/v1/policy/test", in: PolicyRequest{Policy: policy}}, &out)
}

// Explain asks what a policy says of a command and why.
func (c *Client) Explain(ctx context.Context, in PolicyRequest) (Can, error) {
	var out Can
	return out, c.do(ctx, request{method: "POST", path: "/v1/policy/explain", in: in}, &out)
}

// Keys returns the public keys that recordings are signed with.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	var out Keys
	err := c.do(ctx, request{method: "GET", path: "/v1/keys"}, &out)
	return out.Keys, err
}
