package web

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// allowAll lets pass whatever can be understood.
const allowAll = `version: 1
rules:
  - {name: all, effects: [read, write, delete, session, transfer, execute], verdict: allow}
`

type (
	stand   = httpform.Stand
	journal = httpform.Journal
)

// credentialValue is what the gateway signs in with.
const credentialValue = "Bearer " + secretToken

// at is a target at an address.
func at(base *url.URL) gateway.Target {
	return gateway.Target{
		Connection: policy.Connection{Name: "app", Kind: Kind}, Base: base, User: "dev", Groups: []string{"developers"}, Subject: guardtest.Subject(),
		Credential: credential.Login{Slot: credential.Slot{In: credential.InHeader, Name: "Authorization"}, Value: credential.NewSecret(credentialValue)},
	}
}

// site starts a service of net/http.
func site(t testing.TB, serve http.HandlerFunc) gateway.Target {
	t.Helper()
	return at(httpform.Site(t, serve))
}

// raw starts a service that is played over sockets.
func raw(t testing.TB, play func(c net.Conn)) gateway.Target {
	t.Helper()
	return at(httpform.Play(t, func(_ int, c net.Conn) { play(c) }).Base(t))
}

// canned reads requests and answers each with the same bytes.
func canned(t testing.TB, answer string) gateway.Target {
	return raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, q.Body)
			if _, err := io.WriteString(c, answer); err != nil || strings.Contains(answer, "close") {
				return
			}
		}
	})
}

// open begins a session in front of a target.
func open(t testing.TB, target gateway.Target, rules string) *stand {
	t.Helper()
	return httpform.Open(t, guardtest.Setting{
		Protocol: func(log *slog.Logger) gateway.Protocol { return New(log, nil) }, Target: target, Policy: rules,
	})
}
