package web

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

const (
	secretToken = "canary-token-3f9a1c"
	secretSSN   = "canary-ssn-078-05-1120"
	foundMail   = "carol.canary@example.com" // in an answer
	askedMail   = "dave.canary@example.com"  // in a query
	namedMail   = "erin.canary@example.com"  // in a path
)

// people is a service that logs what it gets, and answers with what is masked, found, and its own credential.
func people(t testing.TB, log *journal) gateway.Target {
	t.Helper()
	return at(httpform.Logging(t, log, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasPrefix(r.URL.Path, "/wait/"):
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case strings.HasPrefix(r.URL.Path, "/people/"):
			fmt.Fprintf(w, `{"name":"Carol","ssn":%q,"again":{"ssn":%q},"token":%q}`, secretSSN, secretSSN, r.Header.Get("Authorization"))
		case strings.HasPrefix(r.URL.Path, "/found/"):
			fmt.Fprintf(w, `{"note":"write to %s"}`, foundMail)
		default:
			fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
		}
	}))
}

const conformancePolicy = `version: 1
rules:
  - {name: look, effects: [read, session], http: {methods: [GET], paths: ["/**"]}, verdict: allow}
  - {name: ask, effects: [delete], http: {paths: ["/things/{id}"]}, verdict: approve, approval: {by: {groups: [dba]}}}
masks:
  - {name: people, json: ["$..ssn"], as: redact}
  - {name: leaks, detect: [email], as: redact}
`

func TestConformance(t *testing.T) {
	log := &journal{}
	canaries, findings := []string{secretToken, secretSSN}, []string{foundMail, askedMail, url.QueryEscape(askedMail), namedMail}
	get := func(path string) func(string) string {
		return func(mark string) string { return "GET " + path + mark + " HTTP/1.1" }
	}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: New(httpform.Story(t, slices.Concat(canaries, findings)...), nil), Target: people(t, log), Policy: conformancePolicy,
		Hello: func(net.Conn) error { return nil },
		Forms: map[string]guardtest.Form{
			"plain":   httpform.Form("LINE\r\nHost: localhost\r\n\r\n"),
			"chunked": httpform.Form("LINE\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n"),
		},
		Allowed: get("/things/"),
		Denied:  func(mark string) string { return "POST /things/" + mark + " HTTP/1.1" },
		Held:    func(mark string) string { return "DELETE /things/" + mark + " HTTP/1.1" },
		Masked:  get("/people/"),
		Running: get("/wait/"),
		Found: func(mark string) string {
			return "GET /found/" + namedMail + "/" + mark + "?to=" + url.QueryEscape(askedMail) + " HTTP/1.1"
		},
		PeerLog:  log.Text,
		Canaries: canaries,
		Findings: findings,
		Hostile:  httpform.Hostile("/x"),
	})
}
