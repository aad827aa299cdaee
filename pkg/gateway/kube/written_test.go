package kube

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestWordsAreReadAsTheRequestsThatTheyStandFor(t *testing.T) {
	for text, want := range map[string]string{
		"get pods -n stg":                "GET /api/v1/namespaces/stg/pods",
		"get pods":                       "GET /api/v1/namespaces/default/pods",
		"get po -A":                      "GET /api/v1/pods",
		"list secrets -n stg -l app=web": "GET /api/v1/namespaces/stg/secrets?labelSelector=app%3Dweb",
		"watch pods -n stg --field-selector metadata.name=a": "GET /api/v1/namespaces/stg/pods?fieldSelector=metadata.name%3Da&watch=true",
		"get pods/web-1 -n stg":                              "GET /api/v1/namespaces/stg/pods/web-1",
		"get pod web-1 -n stg":                               "GET /api/v1/namespaces/stg/pods/web-1",
		"delete deployments.apps/web -n stg":                 "DELETE /apis/apps/v1/namespaces/stg/deployments/web",
		"delete deploy/web -n stg --dry-run=server":          "DELETE /apis/apps/v1/namespaces/stg/deployments/web?dryRun=All",
		"delete pods -n stg":                                 "DELETE /api/v1/namespaces/stg/pods",
		"create pods -n stg":                                 "POST /api/v1/namespaces/stg/pods",
		"patch node n1":                                      "PATCH /api/v1/nodes/n1",
		"get nodes -n stg":                                   "GET /api/v1/nodes",
		"get ns stg":                                         "GET /api/v1/namespaces/stg",
		"update clusterrole/system:node":                     "PUT /apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
		"get widgets.example.com/w -n stg":                   "GET /apis/example.com/v1/namespaces/stg/widgets/w",
		"get widgets.example.com":                            "GET /apis/example.com/v1/widgets",
		"exec pods/web-1 -n stg -- ls -l 'a b'":              "POST /api/v1/namespaces/stg/pods/web-1/exec?command=ls&command=-l&command=a%20b",
		"exec web-1 -it -n stg -- sh":                        "POST /api/v1/namespaces/stg/pods/web-1/exec?command=sh&stdin=true&tty=true",
		"attach web-1 -n stg":                                "POST /api/v1/namespaces/stg/pods/web-1/attach",
		"logs web-1 -n stg":                                  "GET /api/v1/namespaces/stg/pods/web-1/log",
		"port-forward svc/web -n stg":                        "POST /api/v1/namespaces/stg/services/web/portforward",
		"port-forward web-1 8080 -n stg":                     "POST /api/v1/namespaces/stg/pods/web-1/portforward?ports=8080",
		"port-forward pods/web-1 8080:80 -n stg":             "POST /api/v1/namespaces/stg/pods/web-1/portforward?ports=80",
		"get pods 80 81":                                     "",
		"GET /api/v1/namespaces":                             "GET /api/v1/namespaces",
		"DELETE /api/v1/pods?labelSelector=a":                "DELETE /api/v1/pods?labelSelector=a",
		"get pods web-1 web-2":                               "",
		"get widgets":                                        "",
		"get":                                                "",
		"":                                                   "",
		"frobnicate pods":                                    "",
		"exec web-1 -n stg":                                  "",
		"get pods -- ls":                                     "",
		"get pods -o yaml":                                   "",
		"get pods -n":                                        "",
		"get pods | sh":                                      "",
		"get pods $X":                                        "",
		"get pods/web-1 -A":                                  "",
		"watch pods/web-1":                                   "",
		"update pods -n stg":                                 "",
		"get pods -n Stg":                                    "",
		"GET /api/v1//pods":                                  "",
	} {
		got, r := written(text)
		if r != nil {
			if want != "" || r.Message == "" {
				t.Errorf("%s: %s", text, r.Message)
			}
			continue
		}
		path, query := got.Target()
		if query != "" {
			path += "?" + query
		}
		if line := got.Method + " " + path; line != want {
			t.Errorf("%s: %s, want %q", text, line, want)
		}
	}
}

func TestARefusalIsAStatusThatClientsPrint(t *testing.T) {
	r := &api.Refusal{Code: "denied", Rule: "no-secrets", Message: "Nobody deletes here.", DecisionID: "d1", Remedy: []api.Remedy{{Kind: "ask", Text: "Ask ops."}}}
	code, text := StatusOf(r)
	var s struct {
		Kind, APIVersion, Status, Reason, Message string
		Code                                      int
		Details                                   struct {
			Causes []struct{ Reason, Message string }
		}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if code != 403 || s.Kind != "Status" || s.APIVersion != "v1" || s.Status != "Failure" || s.Reason != "Forbidden" || s.Code != 403 {
		t.Errorf("%d %s", code, text)
	}
	if s.Message != "hoop: Nobody deletes here. Ask ops." {
		t.Errorf("clients print %q", s.Message)
	}
	if _, text := StatusOf(&api.Refusal{Message: "no rule allows it", Remedy: r.Remedy}); !strings.Contains(string(text), `"hoop: no rule allows it. Ask ops."`) {
		t.Errorf("two sentences run together: %s", text)
	}
	var again api.Refusal
	if len(s.Details.Causes) != 1 || json.Unmarshal([]byte(s.Details.Causes[0].Message), &again) != nil || again.Rule != "no-secrets" || again.DecisionID != "d1" {
		t.Errorf("the refusal is not in the causes: %s", text)
	}
	for _, code := range []string{codeMalformed, codeMasked, codeNotFound, codeNotAllowed, codeTooLarge, codeUnsupported, "denied", "approval_required", ""} {
		got, text := StatusOf(&api.Refusal{Code: code, Message: "m"})
		if want := strings.ReplaceAll(http.StatusText(got), " ", ""); !strings.Contains(string(text), `"reason":"`+want[:5]) && got != 405 {
			t.Errorf("%s: %d %s", code, got, text)
		}
	}
	code, text = StatusHeld("wait", 5)
	if code != 429 || !strings.Contains(string(text), `"retryAfterSeconds":5`) || !strings.Contains(string(text), `"reason":"TooManyRequests"`) {
		t.Errorf("%d %s", code, text)
	}
}

// Whoever asks what they may do is told of the port that they name.
func TestAWrittenPortIsOneConnection(t *testing.T) {
	for text, want := range map[string]uint16{"port-forward web-1 8080": 8080, "port-forward web-1": 0, "POST /api/v1/namespaces/stg/pods/web-1/portforward?ports=80&ports=81": 0} {
		j := New(slog.New(slog.DiscardHandler)).JudgeText(t.Context(), policy.Programs{}, text)
		if j.Problem != nil || j.Facts.Kube.Port != want {
			t.Errorf("%s: %+v, want port %d", text, j, want)
		}
	}
}
