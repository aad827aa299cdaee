package kube_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
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
	"github.com/hoop-gateway/hoop/pkg/gateway/kube"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const (
	secretToken = "canary-token-3f9a1c"
	secretValue = "canary-secret-7b2e"
	foundMail   = "carol.canary@example.com" // in an answer
	askedMail   = "dave.canary@example.com"  // in a query
	namedMail   = "erin.canary@example.com"  // in a body
)

// apiServer plays an API server that keeps a log of its own.
type apiServer struct {
	*httptest.Server
	mu  sync.Mutex
	log bytes.Buffer
}

func startServer(t testing.TB) *apiServer {
	t.Helper()
	s := &apiServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	fmt.Fprintf(&s.log, "%s %s %s %q %v\n", r.Method, r.Host, r.URL.RequestURI(), content, r.Header)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	encoded := base64.StdEncoding.EncodeToString([]byte(secretValue))
	switch {
	case r.URL.Query().Get("watch") == "true":
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.Contains(r.URL.Path, "/secrets/"):
		fmt.Fprintf(w, `{"kind":"Secret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":\"%s\"}"}},"data":{"p":%q},"bearer":%q}`,
			encoded, encoded, r.Header.Get("Authorization"))
	case strings.Contains(r.URL.Path, "/selfsubjectaccessreviews"):
		fmt.Fprintf(w, `{"message":"write to %s"}`, foundMail)
	default:
		fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
	}
}

func (s *apiServer) text(testing.TB) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *apiServer) target(t testing.TB) gateway.Target {
	t.Helper()
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Target{
		Connection: policy.Connection{Name: "stg", Kind: kube.Kind}, Base: base,
		Credential:    credential.Login{Token: credential.NewSecret(secretToken)},
		Impersonation: &gateway.Impersonation{User: "dev", Groups: []string{"developers"}},
	}
}

const conformancePolicy = `version: 1
rules:
  - {name: look, effects: [read, session], verdict: allow}
  - {name: ask, effects: [delete], verdict: approve, approval: {by: {groups: [dba]}}}
masks:
  - {name: leaks, detect: [email], as: redact}
`

// form sends requests as text: "GET /path".
func form(head string) guardtest.Form {
	return guardtest.Form{
		Encode: func(text string) []byte {
			line, body, _ := strings.Cut(text, "\n")
			if body != "" {
				line += fmt.Sprintf("\r\nContent-Type: application/json\r\nContent-Length: %d", len(body))
			}
			return []byte(strings.Replace(head, "LINE", line, 1) + body)
		},
		Read: func(r io.Reader) (guardtest.Answer, error) {
			answer, err := http.ReadResponse(bufio.NewReader(r), &http.Request{Method: "GET"})
			if err != nil {
				return guardtest.Answer{Ended: true}, err
			}
			content, err := io.ReadAll(answer.Body)
			answer.Header.Del("Date")
			raw := fmt.Appendf(nil, "%s\n%v\n%s", answer.Status, answer.Header, content)
			if answer.StatusCode >= 400 { // a decision's id is another one each time
				raw = fmt.Appendf(nil, "%s\n%s", answer.Status, content)
			}
			refused := answer.StatusCode == 403 || answer.StatusCode == 429 || answer.StatusCode == 503
			return guardtest.Answer{Raw: raw, Refused: refused, Ended: answer.Close}, err
		},
	}
}

func TestConformance(t *testing.T) {
	s := startServer(t)
	about := func(method, resource string) func(string) string {
		return func(mark string) string {
			return method + " /api/v1/namespaces/stg/" + resource + "/" + mark + " HTTP/1.1"
		}
	}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: kube.New(slog.New(slog.DiscardHandler)), Target: s.target(t), Policy: conformancePolicy,
		Hello: func(net.Conn) error { return nil },
		Forms: map[string]guardtest.Form{
			"plain": form("LINE\r\nHost: localhost\r\n\r\n"),
			"table": form("LINE\r\nHost: localhost\r\nAccept: application/vnd.kubernetes.protobuf, application/json;as=Table;v=v1;g=meta.k8s.io\r\n\r\n"),
		},
		Allowed: about("GET", "pods"),
		Denied:  about("PUT", "pods"),
		Held:    about("DELETE", "pods"),
		Masked:  about("GET", "secrets"),
		Running: func(mark string) string { return "GET /api/v1/pods?labelSelector=" + mark + "&watch=true HTTP/1.1" },
		Found: func(mark string) string {
			return "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews?fieldManager=" + url.QueryEscape(askedMail) + " HTTP/1.1\n" +
				fmt.Sprintf(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"name":"%s","resource":"%s"}}}`, namedMail, mark)
		},
		PeerLog: s.text, Canaries: []string{secretToken, secretValue, base64.StdEncoding.EncodeToString([]byte(secretValue))},
		Findings: []string{foundMail, askedMail, url.QueryEscape(askedMail), namedMail},
		Hostile: [][]byte{
			[]byte("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
			[]byte("POST /api/v1/namespaces/stg/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
		},
	})
}
