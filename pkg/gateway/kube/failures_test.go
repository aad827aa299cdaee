package kube_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

const failing = "canary-failing-5d1e"

// failingPolicy masks what a cluster quotes; of Secrets, what people see who may see them stays out of recordings.
const failingPolicy = `version: 1
rules: [{name: all, effects: [read, write, delete, session], verdict: allow}]
masks:
  - {name: env, fields: ["pods..env[*].value"], as: redact}
  - {name: open, unless: {users: [alice, dev]}, fields: ["secrets.data.*"], as: redact}
`

// L4: what a cluster says without a form, and among the events of a watch, may quote what is masked as well.
func TestNoFormOfAFailureQuotesWhatIsMasked(t *testing.T) {
	said := ""
	target := at(httpform.Site(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("watch") == "true":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"type":"ERROR","object":{"kind":"Status","message":"conversion failed: %s","details":{"causes":[{"message":%q}]},"reason":"InternalError"}}`+"\n", said, said)
		default:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(500)
			fmt.Fprintln(w, said)
		}
	}))
	s := open(t, target, failingPolicy)
	const stg = "/api/v1/namespaces/stg/"
	for line, shown := range map[string]bool{
		"GET " + stg + "pods?watch=true": false, "GET " + stg + "pods/web": false, "DELETE " + stg + "pods/web": false, "GET " + stg + "pods/web/log": true,
		"GET " + stg + "events?watch=true": true,
	} {
		said = failing
		a := s.Ask(line, "", "")
		if got := strings.Contains(a.Text, failing); got != shown {
			t.Errorf("%s: %d %s", line, a.StatusCode, a.Text)
		}
		if strings.Contains(line, "watch") && !strings.Contains(a.Text, `"reason":"InternalError"`) {
			t.Errorf("%s: %s", line, a.Text)
		}
	}
	said = failing + "-of-a-secret"
	for _, line := range []string{"GET " + stg + "secrets/web", "GET " + stg + "secrets?watch=true"} {
		if a := s.Ask(line, "", ""); !strings.Contains(a.Text, failing) {
			t.Errorf("%s of who may see it: %s", line, a.Text)
		}
	}
	said = "the server is currently unable to handle the request"
	if a := s.Ask("GET "+stg+"pods/web", "", ""); a.Text != said+"\n" {
		t.Errorf("plain words: %q", a.Text)
	}
	if text := s.Recording(); strings.Contains(text, "-of-a-secret") || !strings.Contains(text, failing) {
		t.Errorf("the recording has %s", text)
	}
}

// Who is told nothing is told why, and where to look.
func TestHiddenWordsSayWhatToDoNext(t *testing.T) {
	target := at(httpform.Site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(422)
		fmt.Fprintf(w, `{"kind":"Status","message":"it is %s","details":{"causes":[{"message":%q,"field":"spec.a"},{"message":%q,"field":"spec.b"}]},"code":422}`, failing, failing, failing)
	}))
	a := open(t, target, failingPolicy).Ask("DELETE /api/v1/namespaces/stg/pods/web", "", "")
	if strings.Contains(a.Text, failing) || strings.Count(a.Text, "Look at the fields that it names") != 2 || !strings.Contains(a.Text, `{"message":"***","field":"spec.b"}`) {
		t.Errorf("%s", a.Text)
	}
}
