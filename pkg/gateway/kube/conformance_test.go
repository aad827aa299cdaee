package kube_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const (
	secretToken = "canary-token-3f9a1c"
	secretValue = "canary-secret-7b2e"
	foundMail   = "carol.canary@example.com" // in an answer
	askedMail   = "dave.canary@example.com"  // in a query
	namedMail   = "erin.canary@example.com"  // in a body
)

// apiServer plays an API server that logs what it gets, and answers with what is masked, found, and its own credential.
func apiServer(w http.ResponseWriter, r *http.Request) {
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

// at is a cluster at an address.
func at(base *url.URL) gateway.Target {
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

func TestConformance(t *testing.T) {
	log := &httpform.Journal{}
	canaries := []string{secretToken, secretValue, base64.StdEncoding.EncodeToString([]byte(secretValue))}
	findings := []string{foundMail, askedMail, url.QueryEscape(askedMail), namedMail}
	about := func(method, resource string) func(string) string {
		return func(mark string) string {
			return method + " /api/v1/namespaces/stg/" + resource + "/" + mark + " HTTP/1.1"
		}
	}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: kube.New(httpform.Story(t, slices.Concat(canaries, findings)...)), Target: at(httpform.Logging(t, log, apiServer)), Policy: conformancePolicy,
		Hello: func(net.Conn) error { return nil },
		Forms: map[string]guardtest.Form{
			"plain": httpform.Form("LINE\r\nHost: localhost\r\n\r\n"),
			"table": httpform.Form("LINE\r\nHost: localhost\r\nAccept: application/vnd.kubernetes.protobuf, application/json;as=Table;v=v1;g=meta.k8s.io\r\n\r\n"),
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
		PeerLog: log.Text, Canaries: canaries, Findings: findings,
		Hostile: httpform.Hostile("/api/v1/namespaces/stg/pods"),
	})
}
