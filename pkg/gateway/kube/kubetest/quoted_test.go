package kubetest_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// L4: an API server that can't read what a patch comes to says so with the whole object in its words, a Secret's values too.
func TestARefusedPatchShowsNothingOfTheObject(t *testing.T) {
	c := kubetest.Start(t)
	d, free := opened(t, c, reading, nil), opened(t, c, everything, nil)
	const jsonPatch, merge, strategic = "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"
	quoted := map[string]bool{}
	for _, path := range []string{"/api/v1/namespaces/stg/secrets/db-credentials", "/api/v1/namespaces/stg/configmaps/app-config", "/api/v1/namespaces/stg/pods/web"} {
		for _, q := range []struct{ mediaType, content string }{
			{jsonPatch, `[{"op":"add","path":"/metadata/labels","value":"no"}]`},
			{jsonPatch, `[{"op":"replace","path":"/kind","value":"Other"}]`},
			{jsonPatch, `[{"op":"remove","path":"/data/nothing"}]`},
			{merge, `{"metadata":{"labels":"no"}}`},
			{strategic, `{"metadata":{"labels":"no"}}`},
			{strategic, `{"metadata":{"$patch":"other"}}`},
			{strategic, `{"metadata":{"resourceVersion":"1"}}`},
		} {
			_, direct := free.asks(t, "PATCH", path, q.mediaType, q.content)
			status, text := d.asks(t, "PATCH", path, q.mediaType, q.content)
			if status < 400 || strings.Contains(text, "HoopRefusal") {
				t.Errorf("%s %s: %d %s", path, q.content, status, text)
			}
			for _, canary := range kubetest.Canaries() {
				quoted[path] = quoted[path] || strings.Contains(direct, canary)
				if strings.Contains(text, canary) {
					t.Errorf("%s %s is answered with %s", path, q.content, canary)
				}
			}
		}
		if !quoted[path] {
			t.Errorf("the cluster quotes nothing of %s, so that this test shows nothing", path)
		}
	}
	if _, text := d.asks(t, "PATCH", "/api/v1/namespaces/stg/secrets/nobody", merge, `{}`); !strings.Contains(text, `secrets \"nobody\" not found`) {
		t.Errorf("plain words are hidden: %s", text)
	}
	for _, q := range []struct{ path, mediaType, content, want string }{
		{"pods/web?fieldValidation=Strict", jsonPatch, `[{"op":"add","path":"/spec/nothing","value":1}]`, `unknown field \"spec.nothing\"`},
		{"pods/web?fieldValidation=Strict", strategic, `{"spec":{"nothing":"` + kubetest.CanaryEnv + `"}}`, `unknown field \"spec.nothing\"`},
		{"configmaps/app-config?fieldManager=other", "application/apply-patch+yaml", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"app-config"},"data":{"password":"x"}}`, `using v1: .data.password`},
		{"pods/web", merge, `{"metadata":{"uid":"1"}}`, "metadata.uid: Invalid value: ***: field is immutable"},
		{"pods/web", merge, `{"metadata":{"labels":"no"}}`, "Look at the fields that it names"},
	} {
		_, text := d.asks(t, "PATCH", "/api/v1/namespaces/stg/"+q.path, q.mediaType, q.content)
		if !strings.Contains(text, q.want) || strings.Contains(text, kubetest.CanaryEnv) {
			t.Errorf("%s %s: %s", q.path, q.content, text)
		}
	}
	for _, q := range []struct{ method, path, content, want string }{
		{"PATCH", "secrets/db-credentials", `{"type":"x"}`, `type: Invalid value: ***: field is immutable`},
		{"PATCH", "secrets/db-credentials", `{"metadata":{"annotations":{"a b":"x"}}}`, `metadata.annotations: Invalid value: ***: name part must consist of`},
		{"PATCH", "secrets/db-credentials", `{"data":{"a b":"eA=="}}`, `data[a b]: ***`},
		{"POST", "secrets", `{"metadata":{"name":"Bad"}}`, `metadata.name: Invalid value: ***: a lowercase RFC 1123 subdomain must consist of`},
		{"PATCH", "pods/web", `{"spec":{"nodeName":"n"}}`, "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`"},
		{"POST", "pods", `{"metadata":{"name":"x"},"spec":{"containers":[{"name":"app","image":"i","imagePullPolicy":"always","env":[{"name":"` + "a=b" + `","value":"` + kubetest.CanaryEnv + `"}],"ports":[{"containerPort":0}]}]}}`,
			`spec.containers[0].imagePullPolicy: Unsupported value: ***: supported values: \"Always\", \"IfNotPresent\", \"Never\"`},
		{"POST", "pods", `{"metadata":{"name":"x"},"spec":{"containers":[{"name":"app","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}`, `spec.containers[0].volumeMounts[0].name: Not found: ***`},
	} {
		mediaType := merge
		if q.method == "POST" {
			mediaType = "application/json"
		}
		status, text := d.asks(t, q.method, "/api/v1/namespaces/stg/"+q.path, mediaType, q.content)
		if status != 422 || !strings.Contains(text, q.want) {
			t.Errorf("%s: %d %s", q.content, status, text)
		}
		for _, canary := range kubetest.Canaries() {
			if strings.Contains(text, canary) {
				t.Errorf("%s %s is answered with %s", q.path, q.content, canary)
			}
		}
	}
	for _, file := range append(sealed(t, d), sealed(t, free)...) {
		if secret := kubetest.Canaries()[1]; strings.Contains(file, secret) {
			t.Errorf("a recording has %s", secret)
		}
	}
}
