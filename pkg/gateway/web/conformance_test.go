package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const (
	secretToken = "canary-token-3f9a1c"
	secretSSN   = "canary-ssn-078-05-1120"
	foundMail   = "carol.canary@example.com" // in an answer
	askedMail   = "dave.canary@example.com"  // in a query
	namedMail   = "erin.canary@example.com"  // in a path
)

// peer is a service that keeps a log of its own.
type peer struct {
	*httptest.Server
	mu  sync.Mutex
	log bytes.Buffer
}

func startPeer(t testing.TB) *peer {
	t.Helper()
	p := &peer{}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	fmt.Fprintf(&p.log, "%s %s %s %q\n", r.Method, r.Host, r.URL.RequestURI(), body)
	p.mu.Unlock()
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
}

func (p *peer) text(testing.TB) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *peer) target(t testing.TB) gateway.Target {
	t.Helper()
	base, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Target{
		Connection: policy.Connection{Name: "grafana", Kind: Kind}, Base: base,
		Credential: credential.Login{Slot: credential.Slot{In: credential.InHeader, Name: "Authorization"}, Value: credential.NewSecret("Bearer " + secretToken)},
	}
}

const conformancePolicy = `version: 1
rules:
  - {name: look, effects: [read, session], http: {methods: [GET], paths: ["/**"]}, verdict: allow}
  - {name: ask, effects: [delete], http: {paths: ["/things/{id}"]}, verdict: approve, approval: {by: {groups: [dba]}}}
masks:
  - {name: people, json: ["$..ssn"], as: redact}
  - {name: leaks, detect: [email], as: redact}
`

// form sends requests as text: "GET /path".
func form(head string) guardtest.Form {
	method := "GET"
	return guardtest.Form{
		Encode: func(text string) []byte { return []byte(strings.Replace(head, "LINE", text, 1)) },
		Read: func(r io.Reader) (guardtest.Answer, error) {
			answer, err := http.ReadResponse(bufio.NewReader(r), &http.Request{Method: method})
			if err != nil {
				return guardtest.Answer{Ended: true}, err
			}
			body, err := io.ReadAll(answer.Body)
			raw := fmt.Appendf(nil, "%s\n%v\n%s", answer.Status, answer.Header, body)
			if answer.StatusCode >= 400 { // a decision's id is another one each time
				raw = fmt.Appendf(nil, "%s\n%s", answer.Status, body)
			}
			return guardtest.Answer{Raw: stable(raw), Refused: answer.StatusCode == 403 || answer.StatusCode == 503, Ended: answer.Close}, err
		},
	}
}

// stable is an answer without what differs each time.
func stable(raw []byte) []byte {
	if i := bytes.Index(raw, []byte("Date:[")); i >= 0 {
		if j := bytes.IndexByte(raw[i:], ']'); j >= 0 {
			return append(raw[:i:i], raw[i+j+1:]...)
		}
	}
	return raw
}

func TestConformance(t *testing.T) {
	p := startPeer(t)
	get := func(path string) func(string) string {
		return func(mark string) string { return "GET " + path + mark + " HTTP/1.1" }
	}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: New(slog.New(slog.DiscardHandler), nil), Target: p.target(t), Policy: conformancePolicy,
		Hello: func(net.Conn) error { return nil },
		Forms: map[string]guardtest.Form{
			"plain":   form("LINE\r\nHost: localhost\r\n\r\n"),
			"chunked": form("LINE\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n"),
		},
		Allowed: get("/things/"),
		Denied:  func(mark string) string { return "POST /things/" + mark + " HTTP/1.1" },
		Held:    func(mark string) string { return "DELETE /things/" + mark + " HTTP/1.1" },
		Masked:  get("/people/"),
		Running: get("/wait/"),
		Found: func(mark string) string {
			return "GET /found/" + namedMail + "/" + mark + "?to=" + url.QueryEscape(askedMail) + " HTTP/1.1"
		},
		PeerLog:  p.text,
		Canaries: []string{secretToken, secretSSN},
		Findings: []string{foundMail, askedMail, url.QueryEscape(askedMail), namedMail},
		Hostile: [][]byte{
			[]byte("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
			[]byte("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
		},
	})
}

var _ = http1.Chunked
