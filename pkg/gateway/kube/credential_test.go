package kube_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// open begins a session in front of a cluster.
func open(t testing.TB, target gateway.Target, rules string) *httpform.Stand {
	t.Helper()
	return httpform.Open(t, guardtest.Setting{Protocol: func(log *slog.Logger) gateway.Protocol { return kube.New(log) }, Target: target, Policy: rules})
}

// P1: however a cluster writes the gateway's token, in fields as in bodies, nobody sees it.
func TestTheTokenPassesInNoEncoding(t *testing.T) {
	const token = `canary/token+"3f9a<1c`
	for name, said := range map[string]string{
		"as it is":        token,
		"base64":          base64.StdEncoding.EncodeToString([]byte(token)),
		"base64, shifted": base64.StdEncoding.EncodeToString([]byte("Bearer " + token)),
		"base64url":       base64.RawURLEncoding.EncodeToString([]byte(token)),
		"a query's":       url.QueryEscape(token),
		"a path's":        url.PathEscape(token),
		"JSON's":          strings.ReplaceAll(token, `"`, `\"`),
	} {
		t.Run(name, func(t *testing.T) {
			target := at(httpform.Site(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Warning", `299 - "you are `+said+`"`)
				fmt.Fprintf(w, `{"kind":"Pod","metadata":{"name":"you are %s"}}`, strings.ReplaceAll(strings.ReplaceAll(said, `\`, `\\`), `"`, `\"`))
			}))
			target.Credential.Token = credential.NewSecret(token)
			s := open(t, target, conformancePolicy)
			a := s.Ask("GET /api/v1/namespaces/stg/pods/web", "", "")
			if a.StatusCode != 200 {
				t.Fatalf("%s %s", a.Status, a.Text)
			}
			core := said[len(said)/3 : 2*len(said)/3] // a shifted one shares its ends with what stands beside it
			if got := a.Header.Get("Warning"); strings.Contains(got, core) || !strings.Contains(got, "you are") {
				t.Errorf("the client got the field %q", got)
			}
			if strings.Contains(a.Text, core) {
				t.Errorf("the client got %s", a.Text)
			}
			if text := s.Recording(); strings.Contains(text, core) {
				t.Errorf("the recording has %s", text)
			}
		})
	}
}
