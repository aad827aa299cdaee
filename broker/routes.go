package broker

import (
	"reflect"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// anyone marks a route that needs no sign-in.
const anyone = "anyone"

// The rules of the other routes, as the document says them. Each route's function holds
// its own; "exists" means that for everybody else the answer is 404.
const (
	signedIn      = "signed in"
	inReach       = "signed in; a connection exists within reach"
	own           = "signed in; exists for whose it is"
	ownOrGrants   = "signed in; exists for whose it is, and with grants.end on its connection"
	ownOrSessions = "signed in; exists for whose it is, and with sessions.read on its connection"
	ownOrEnd      = "signed in; exists for whose it is, and with sessions.end on its connection"
	ownOrWatch    = "signed in; exists for whose it is, and with sessions.watch on its connection"
	approvalSeen  = "signed in; exists for the requester, those who may decide, and with sessions.read on its connection"
	approvalAsked = "signed in; those whom the request's rules name, never the requester or their machines' owner"
	lockPower     = "signed in; locks on any connection"
	unlockPower   = "signed in; locks on every connection"
	explainSelf   = "signed in; a connection exists within reach; of others, policy.explain there"
	explainPower  = "signed in; policy.explain on any connection"
)

const (
	bodyLimit   = 64 << 10
	policyLimit = 1 << 20
)

// route is one line of the table that all of the API is in.
type route struct {
	method, pattern string
	who             string // who may call it; a route without it does not start
	in, out         reflect.Type
	large           bool // takes a body of a policy's size
	stays           bool // is not bound by callTimeout
	serve           func(*call) (any, error)
}

func (r route) maxBody() int64 {
	if r.large {
		return policyLimit
	}
	return bodyLimit
}

func is[T any]() reflect.Type { return reflect.TypeFor[T]() }

func (b *Broker) routes() []route {
	return []route{
		{method: "GET", pattern: "/.well-known/hoop", who: anyone, out: is[api.Discovery](), serve: b.discovery},
		{method: "GET", pattern: "/.well-known/jwks.json", who: anyone, out: is[api.JWKS](), serve: b.jwks},
		{method: "GET", pattern: "/openapi.json", who: anyone, serve: b.document},
		{method: "GET", pattern: "/approvals/{id}", who: anyone, serve: b.approvalPage},

		{method: "POST", pattern: "/v1/login", who: anyone, in: is[api.LoginRequest](), out: is[api.Session](), serve: b.login},
		{method: "POST", pattern: "/v1/login/refresh", who: anyone, in: is[api.RefreshRequest](), out: is[api.Session](), serve: b.refresh},
		{method: "POST", pattern: "/v1/logout", who: signedIn, serve: b.logout},
		{method: "GET", pattern: "/v1/whoami", who: signedIn, out: is[api.Identity](), serve: b.whoami},

		{method: "GET", pattern: "/v1/connections", who: inReach, out: is[api.Connections](), serve: b.listConnections},
		{method: "POST", pattern: "/v1/grants", who: inReach, in: is[api.GrantRequest](), out: is[api.Grant](), serve: b.createGrant},
		{method: "GET", pattern: "/v1/grants", who: ownOrGrants, out: is[api.Grants](), serve: b.listGrants},
		{method: "DELETE", pattern: "/v1/grants/{id}", who: ownOrGrants, in: is[api.EndRequest](), out: is[api.Grant](), serve: b.deleteGrant},
		{method: "POST", pattern: "/v1/grants/{id}/certificate", who: own, out: is[api.Certificate](), serve: b.renewCertificate},
		{method: "GET", pattern: "/v1/grants/{id}/events", who: own, out: is[api.GrantEvent](), stays: true, serve: b.grantEvents},

		{method: "GET", pattern: "/v1/approvals", who: approvalSeen, out: is[api.Approvals](), serve: b.listApprovals},
		{method: "GET", pattern: "/v1/approvals/{id}", who: approvalSeen, out: is[api.Approval](), serve: b.showApproval},
		{method: "GET", pattern: "/v1/approvals/{id}/wait", who: approvalSeen, out: is[api.Approval](), stays: true, serve: b.waitApproval},
		{method: "POST", pattern: "/v1/approvals/{id}/decision", who: approvalAsked, in: is[api.DecisionRequest](), out: is[api.Approval](), serve: b.decide},
		{method: "POST", pattern: "/v1/approvals/{id}/withdraw", who: own, out: is[api.Approval](), serve: b.withdraw},

		{method: "GET", pattern: "/v1/sessions", who: ownOrSessions, out: is[api.Sessions](), serve: b.listSessions},
		{method: "GET", pattern: "/v1/sessions/{id}", who: ownOrSessions, out: is[api.SessionInfo](), serve: b.showSession},
		{method: "GET", pattern: "/v1/sessions/{id}/recording", who: ownOrSessions, stays: true, serve: b.recording},
		{method: "GET", pattern: "/v1/sessions/{id}/watch", who: ownOrWatch, stays: true, serve: b.watchSession},
		{method: "POST", pattern: "/v1/sessions/{id}/end", who: ownOrEnd, in: is[api.EndRequest](), out: is[api.SessionInfo](), serve: b.endSession},

		{method: "GET", pattern: "/v1/locks", who: lockPower, out: is[api.Locks](), serve: b.listLocks},
		{method: "POST", pattern: "/v1/locks", who: lockPower, in: is[api.LockRequest](), out: is[api.Lock](), serve: b.lock},
		{method: "DELETE", pattern: "/v1/locks/{user}", who: unlockPower, serve: b.unlock},

		{method: "POST", pattern: "/v1/can", who: explainSelf, in: is[api.CanRequest](), out: is[api.Can](), large: true, serve: b.can},
		{method: "POST", pattern: "/v1/policy/test", who: explainPower, in: is[api.PolicyRequest](), out: is[api.PolicyReport](), large: true, serve: b.testPolicy},
		{method: "POST", pattern: "/v1/policy/explain", who: explainSelf, in: is[api.PolicyRequest](), out: is[api.Can](), large: true, serve: b.explain},
		{method: "GET", pattern: "/v1/keys", who: signedIn, out: is[api.Keys](), serve: b.keys},
	}
}
