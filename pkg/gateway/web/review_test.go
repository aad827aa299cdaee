package web

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// review is what a reviewer is asked for a request.
func review(t *testing.T, target gateway.Target, line, fields, body string) api.Approval {
	t.Helper()
	s := open(t, target, "version: 1\nrules:\n  - {name: ask, effects: [read, write, delete], verdict: approve, approval: {by: {groups: [dba]}}}\n")
	s.Ask(line, fields, body)
	asked := s.Desk.Asked()
	if len(asked) != 1 {
		t.Fatalf("%s %s: asked for %d approvals", line, fields, len(asked))
	}
	return asked[0]
}

// K1: what would run in another way is another request.
func TestTwoRequestsThatDifferAreNeverOneApproval(t *testing.T) {
	socket := "Connection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	for _, c := range [][2][3]string{
		{{"POST /x", "X-Tenant: a\nX-Tenant: b", "1"}, {"POST /x", "X-Tenant: b\nX-Tenant: a", "1"}},
		{{"GET /x", socket, ""}, {"GET /x", socket + "\nUpgrade: websocket", ""}},
		{{"POST /x", "Content-Type: application/json", "{}"}, {"POST /x", "Content-Type: application/xml", "{}"}},
		{{"POST /x", "Cookie: tenant=a", "{}"}, {"POST /x", "Cookie: tenant=b", "{}"}},
		{{"GET /x", "", ""}, {"GET /x?", "", ""}}, {{"GET /a/b", "", ""}, {"GET /a%2Fb", "", ""}},
		{{"DELETE /x", "", "a"}, {"DELETE /x", "", ""}},
		{{"POST /x", "X-Requested-With: a", "1"}, {"POST /x", "X-Requested-With: b", "1"}}, // no reviewer sees it
	} {
		target := mirror(t, &journal{}, nil) // its address is a part of the digest
		if review(t, target, c[0][0], c[0][1], c[0][2]).Digest == review(t, target, c[1][0], c[1][1], c[1][2]).Digest {
			t.Errorf("%q are one request", c)
		}
	}
	// A handshake is made anew for each try, with another key: it is the same request.
	target := mirror(t, &journal{}, nil)
	again := strings.Replace(socket, "dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", 1)
	if review(t, target, "GET /x", "Upgrade: websocket\n"+socket, "").Digest != review(t, target, "GET /x", "Upgrade: websocket\n"+again, "").Digest {
		t.Error("a handshake is not the same when it is tried again")
	}
}

// P5: what is shown is what would run, with the fields by which services choose what to do.
func TestAReviewerSeesWhatARequestWouldDo(t *testing.T) {
	a := review(t, mirror(t, &journal{}, nil), "POST /", "X-Amz-Target: DynamoDB_20120810.DeleteTable\nContent-Type: application/json\nUser-Agent: curl\nX-Api-Key: canary-key\nCookie: sid=canary-sid", `{"TableName":"t"}`)
	for _, want := range []string{"POST /\n", "X-Amz-Target: DynamoDB_20120810.DeleteTable\n", "Content-Type: application/json\n", "X-Api-Key: (not shown; its SHA-256 begins with ", "\n\n{\"TableName\":\"t\"}"} {
		if !strings.Contains(a.Command, want) {
			t.Errorf("no %q in:\n%s", want, a.Command)
		}
	}
	if strings.Contains(a.Command, "canary") || strings.Contains(a.Command, "curl") {
		t.Errorf("it shows too much:\n%s", a.Command)
	}
	if a := review(t, mirror(t, &journal{}, nil), "GET /live", "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ""); !strings.Contains(a.Command, "GET /live (websocket)") {
		t.Errorf("a handshake looks like a read: %s", a.Command)
	}
}
