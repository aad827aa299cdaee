package kube

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func meaning(t *testing.T, line, mediaType, text string) *meant {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(target, "?")
	m, r := understand(asked{method, path, query, mediaType, []byte(text)}, policy.Programs{})
	if r != nil {
		t.Fatalf("%s: %s", line, r.Message)
	}
	return m
}

func TestFactsForRulesAreThoseOfTheRequestAndItsBody(t *testing.T) {
	for _, c := range []struct {
		line, mediaType, body string
		accesses              []policy.Access
		kube                  policy.Kube
	}{
		{"GET /version", "", "", []policy.Access{{Effect: "session", Object: "/version"}}, policy.Kube{Verb: "get", Path: "/version"}},
		{"GET /api/v1/namespaces/stg/pods?watch=1", "", "", []policy.Access{{Effect: "read", Object: "stg/pods/*"}}, policy.Kube{Verb: "watch", Version: "v1", Resource: "pods", Namespace: "stg"}},
		{createPod + "?dryRun=All", typeJSON, `{"metadata":{"name":"web"},"spec":{"hostPID":true,"serviceAccountName":"ci","containers":[{"image":"i"}]}}`,
			[]policy.Access{{Effect: "write", Object: "stg/pods/web"}},
			policy.Kube{Verb: "create", Version: "v1", Resource: "pods", Namespace: "stg", Name: "web", DryRun: true, Privileged: true, ServiceAccounts: []string{"ci"}, Images: []string{"i"}}},
		{createSecret, typeJSON, `{"type":"kubernetes.io/service-account-token","metadata":{"generateName":"a-"}}`,
			[]policy.Access{{Effect: "write", Object: "stg/secrets/*"}, {Effect: "privilege", Object: "stg/secrets/*"}},
			policy.Kube{Verb: "create", Version: "v1", Resource: "secrets", Namespace: "stg"}},
		{"POST /api/v1/namespaces/stg/pods/web/exec?command=sh&command=-c&command=ls%7Ccat", "", "",
			[]policy.Access{{Effect: "execute", Object: "stg/pods/web"}, {Effect: "session", Object: "stg/pods/web"}, {Effect: "read", Object: "stg/pods/web"}},
			policy.Kube{Verb: "create", Version: "v1", Resource: "pods", Subresource: "exec", Namespace: "stg", Name: "web", Argv: [][]string{{"sh", "-c", "ls|cat"}, {"ls"}, {"cat"}}}},
		{"GET /api/v1/nodes/n1/proxy/pods", "", "", []policy.Access{{Effect: "transfer", Object: "-/nodes/n1"}},
			policy.Kube{Verb: "get", Version: "v1", Resource: "nodes", Subresource: "proxy", Name: "n1", Path: "/pods"}},
	} {
		m := meaning(t, c.line, c.mediaType, c.body)
		if !reflect.DeepEqual(m.facts.Accesses, c.accesses) || !reflect.DeepEqual(*m.facts.Kube, c.kube) {
			t.Errorf("%s\n got %+v %+v\nwant %+v %+v", c.line, m.facts.Accesses, *m.facts.Kube, c.accesses, c.kube)
		}
	}
}

func TestWhatIsApprovedIsShownWhole(t *testing.T) {
	for _, c := range []struct{ line, mediaType, body, want string }{
		{"GET /api/v1/secrets", "", "", "list secrets (in the whole cluster)\nGET /api/v1/secrets"},
		{"DELETE /apis/apps/v1/namespaces/stg/deployments/web", typeJSON, `{"dryRun":["All"]}`,
			"delete deployments.apps web -n stg (dry run)\nDELETE /apis/apps/v1/namespaces/stg/deployments/web\n\n{\"dryRun\":[\"All\"]}"},
		{"POST /api/v1/namespaces/stg/pods/web/exec?command=rm&command=a%20b", "", "", "exec pods web -n stg -- rm 'a b'\nPOST /api/v1/namespaces/stg/pods/web/exec?command=rm&command=a%20b"},
		{"DELETE /api/v1/namespaces/stg", "", "", "delete namespaces stg\nDELETE /api/v1/namespaces/stg"},
		{"PATCH /api/v1/namespaces/stg/pods/web/ephemeralcontainers", typeStrategicPatch, `{}`, "patch pods/ephemeralcontainers web -n stg\nPATCH /api/v1/namespaces/stg/pods/web/ephemeralcontainers\n\n{}"},
		{"POST /metrics", "", "", "post /metrics\nPOST /metrics"},
	} {
		m := meaning(t, c.line, c.mediaType, c.body)
		if got := m.shown(m.line(), string(m.body.JSON())); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.line, got, c.want)
		}
	}
}

func TestNothingElseThatAClientSaysGoesOn(t *testing.T) {
	all := http1.Fields{
		{Name: "Authorization", Value: "Bearer x"}, {Name: "Cookie", Value: "a=b"}, {Name: "X-Forwarded-For", Value: "1.2.3.4"}, {Name: "X-HTTP-Method-Override", Value: "DELETE"},
		{Name: "Accept-Encoding", Value: "gzip"}, {Name: "Accept", Value: "application/vnd.kubernetes.protobuf"}, {Name: "Content-Type", Value: "application/yaml"}, {Name: "User-Agent", Value: "kubectl/v1"},
		{Name: "Kubectl-Command", Value: "get"}, {Name: "Audit-ID", Value: "7"}, {Name: "Sec-WebSocket-Protocol", Value: "base64url.bearer.authorization.k8s.io.eA"}, {Name: "Range", Value: "bytes=0-"},
	}
	m := meaning(t, createPod, typeYAML, "a: 1\n")
	want := http1.Fields{{Name: "User-Agent", Value: "kubectl/v1"}, {Name: "Accept", Value: typeJSON}, {Name: "Content-Type", Value: typeJSON}, {Name: "Accept-Encoding", Value: "identity"}}
	if got := sent(m.tuple, all, m.body, true); !reflect.DeepEqual(got, want) {
		t.Errorf("%v is sent", got)
	}
	for _, name := range []string{"Impersonate-User", "impersonate-group", "IMPERSONATE-UID", "Impersonate_User", "Impersonate-Extra-a", "X-Remote-User", "x_remote_group"} {
		if impersonates(append(all, http1.Field{Name: name, Value: "admin"})) == nil {
			t.Errorf("%s is dropped in silence", name)
		}
	}
	if r := impersonates(all); r != nil {
		t.Error(r.Message)
	}
}
