package kube

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestEffectsAreThoseOfWhatARequestIsAbout(t *testing.T) {
	for line, want := range map[string][]string{
		"GET /":                                   {"session /"},
		"GET /api":                                {"session /api"},
		"GET /apis/apps/v1":                       {"session /apis/apps/v1"},
		"GET /version":                            {"session /version"},
		"GET /openapi/v2":                         {"session /openapi/v2"},
		"GET /openapi/v3/apis/apps/v1?hash=a":     {"session /openapi/v3/apis/apps/v1"},
		"GET /healthz?verbose":                    {"session /healthz"},
		"HEAD /readyz":                            {"session /readyz"},
		"GET /livez/etcd":                         {"session /livez/etcd"},
		"POST /version":                           {"unknown /version"},
		"GET /metrics":                            {"unknown /metrics"},
		"GET /metrics/cadvisor":                   {"unknown /metrics/cadvisor"},
		"GET /debug/pprof/heap":                   {"unknown /debug/pprof/heap"},
		"GET /logs":                               {"unknown /logs"},
		"GET /configz":                            {"unknown /configz"},
		"GET /openapi":                            {"unknown /openapi"},
		"GET /versions":                           {"unknown /versions"},
		"GET /.well-known/other":                  {"unknown /.well-known/other"},
		"GET /api/v1/pods":                        {"read -/pods/*"},
		"GET /api/v1/namespaces/stg/pods":         {"read stg/pods/*"},
		"GET /api/v1/namespaces/stg/pods?watch=1": {"read stg/pods/*"},
		"GET /api/v1/namespaces/stg/pods/web":     {"read stg/pods/web"},
		"POST /api/v1/namespaces/stg/pods":        {"write stg/pods/*"},
		"PUT /apis/apps/v1/namespaces/stg/deployments/web":                             {"write stg/deployments.apps/web"},
		"PATCH /apis/apps/v1/namespaces/stg/deployments/web/scale":                     {"write stg/deployments.apps/web"},
		"GET /apis/apps/v1/namespaces/stg/deployments/web/scale":                       {"read stg/deployments.apps/web"},
		"DELETE /api/v1/namespaces/stg/pods/web":                                       {"delete stg/pods/web"},
		"DELETE /api/v1/namespaces/stg/pods":                                           {"delete stg/pods/*"},
		"DELETE /api/v1/namespaces/prod":                                               {"delete prod/namespaces/prod"},
		"POST /api/v1/namespaces/stg/bindings":                                         {"unknown stg/bindings/*"},
		"GET /api/v1/namespaces/stg/pods/web/log":                                      {"read stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/exec?command=ls":                          {"execute stg/pods/web"},
		"POST /api/v1/namespaces/stg/pods/web/exec?command=ls":                         {"execute stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/attach":                                   {"execute stg/pods/web"},
		"PATCH /api/v1/namespaces/stg/pods/web/ephemeralcontainers":                    {"execute stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/ephemeralcontainers":                      {"execute stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/portforward":                              {"transfer stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/proxy/x":                                  {"transfer stg/pods/web"},
		"GET /api/v1/nodes/n1/proxy/exec/stg/web/c":                                    {"transfer -/nodes/n1"},
		"DELETE /api/v1/namespaces/stg/services/https:web:443/proxy/":                  {"transfer stg/services/https:web:443"},
		"POST /api/v1/namespaces/stg/pods/web/eviction":                                {"delete stg/pods/web"},
		"PATCH /api/v1/namespaces/stg/pods/web/resize":                                 {"write stg/pods/web"},
		"POST /api/v1/namespaces/stg/serviceaccounts/ci/token":                         {"privilege stg/serviceaccounts/ci"},
		"PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval":       {"privilege -/certificatesigningrequests.certificates.k8s.io/x"},
		"GET /apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval":       {"privilege -/certificatesigningrequests.certificates.k8s.io/x"},
		"PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/x/status":         {"privilege -/certificatesigningrequests.certificates.k8s.io/x"},
		"POST /apis/certificates.k8s.io/v1/certificatesigningrequests":                 {"privilege -/certificatesigningrequests.certificates.k8s.io/*"},
		"GET /apis/rbac.authorization.k8s.io/v1/clusterroles":                          {"read -/clusterroles.rbac.authorization.k8s.io/*"},
		"PATCH /apis/rbac.authorization.k8s.io/v1/clusterroles/admin":                  {"privilege -/clusterroles.rbac.authorization.k8s.io/admin"},
		"POST /apis/rbac.authorization.k8s.io/v1/namespaces/stg/rolebindings":          {"privilege stg/rolebindings.rbac.authorization.k8s.io/*"},
		"DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/stg/roles/r":             {"privilege stg/roles.rbac.authorization.k8s.io/r", "delete stg/roles.rbac.authorization.k8s.io/r"},
		"POST /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations":     {"privilege -/mutatingwebhookconfigurations.admissionregistration.k8s.io/*"},
		"POST /apis/authentication.k8s.io/v1/tokenreviews":                             {"privilege -/tokenreviews.authentication.k8s.io/*"},
		"POST /apis/authentication.k8s.io/v1/selfsubjectreviews":                       {"read -/selfsubjectreviews.authentication.k8s.io/*"},
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews":                  {"read -/selfsubjectaccessreviews.authorization.k8s.io/*"},
		"POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions":                 {"schema -/customresourcedefinitions.apiextensions.k8s.io/*"},
		"DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/w.example.com": {"schema -/customresourcedefinitions.apiextensions.k8s.io/w.example.com", "delete -/customresourcedefinitions.apiextensions.k8s.io/w.example.com"},
		"PUT /apis/apiregistration.k8s.io/v1/apiservices/v1.example.com/status":        {"schema -/apiservices.apiregistration.k8s.io/v1.example.com"},
		"GET /apis/example.com/v1/namespaces/stg/widgets":                              {"read stg/widgets.example.com/*"},
		"POST /apis/example.com/v1/widgets":                                            {"write -/widgets.example.com/*"},
		"GET /apis/example.com/v1/namespaces/stg/widgets/w/console":                    {"unknown stg/widgets.example.com/w"},
		"GET /apis/example.com/v1/namespaces/stg/pods/w/exec?command=ls":               {"unknown stg/pods.example.com/w"},
		"GET /api/v1/namespaces/stg/pods/web/status":                                   {"read stg/pods/web"},
		"GET /api/v1/namespaces/stg/pods/web/other":                                    {"unknown stg/pods/web"},
	} {
		tuple, why := parseLine(line)
		if tuple == nil {
			t.Errorf("%s: %s", line, why)
			continue
		}
		var got []string
		for _, a := range tuple.Effects() {
			got = append(got, fmt.Sprint(a.Effect, " ", a.Object))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestCommandsInPodsAreJudgedAsOnHosts(t *testing.T) {
	const exec = "POST /api/v1/namespaces/stg/pods/web/exec?"
	for _, c := range []struct {
		line, text string
		effects    []policy.Effect
		argv       [][]string
	}{
		{exec + "command=ls&command=-l", "ls -l", []policy.Effect{"execute", "read"}, [][]string{{"ls", "-l"}}},
		{exec + "command=ls&command=a;rm%20b", "ls 'a;rm b'", nil, nil},
		{exec + "command=ls&command=a%3Brm%20b", "ls 'a;rm b'", []policy.Effect{"execute", "read"}, [][]string{{"ls", "a;rm b"}}},
		{exec + "command=sh&command=-c&command=rm%20x", "sh -c 'rm x'", []policy.Effect{"execute", "session", "delete"}, [][]string{{"sh", "-c", "rm x"}, {"rm", "x"}}},
		{exec + "command=sh&stdin=true", "sh", []policy.Effect{"execute", "shell"}, [][]string{{"sh"}}},
		{exec + "command=sh&tty=true", "sh", []policy.Effect{"execute", "shell"}, [][]string{{"sh"}}},
		{exec + "command=sh", "sh", []policy.Effect{"execute"}, [][]string{{"sh"}}},
		{exec + "command=/opt/own&stdin=true", "/opt/own", []policy.Effect{"execute", "unknown"}, [][]string{{"/opt/own"}}},
		{exec + "command=sh&command=-c&command=cat%20%24X", "sh -c 'cat $X'", []policy.Effect{"execute", "session", "read"}, nil},
		{"GET /api/v1/namespaces/stg/pods/web/attach?stdin=true", "", []policy.Effect{"execute", "shell"}, nil},
		{exec + "stdin=true", "", nil, nil},
		{exec + "command=", "''", []policy.Effect{"execute", "unknown"}, [][]string{{""}}},
		{exec + "command=a%01", "", nil, nil},
	} {
		tuple, _ := parseLine(c.line)
		if tuple == nil {
			if c.effects != nil {
				t.Errorf("%s is refused", c.line)
			}
			continue
		}
		r, refused := tuple.runs(policy.Programs{})
		if refused != nil {
			if c.effects != nil {
				t.Errorf("%s: %s", c.line, refused.Message)
			}
			continue
		}
		var effects []policy.Effect
		for _, a := range r.accesses {
			if effects = append(effects, a.Effect); a.Object != "stg/pods/web" {
				t.Errorf("%s: object %s", c.line, a.Object)
			}
		}
		if !slices.Equal(effects, c.effects) || r.text != c.text || !slices.EqualFunc(r.argv, c.argv, slices.Equal) {
			t.Errorf("%s: %q %q %q, want %q %q %q", c.line, effects, r.text, r.argv, c.effects, c.text, c.argv)
		}
	}
}
