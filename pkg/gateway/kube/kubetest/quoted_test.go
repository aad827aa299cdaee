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
		{"pods/web", merge, `{"metadata":{"uid":"1"}}`, "Look at the fields that it names"},
	} {
		_, text := d.asks(t, "PATCH", "/api/v1/namespaces/stg/"+q.path, q.mediaType, q.content)
		if !strings.Contains(text, q.want) || strings.Contains(text, kubetest.CanaryEnv) {
			t.Errorf("%s %s: %s", q.path, q.content, text)
		}
	}
	for _, file := range append(sealed(t, d), sealed(t, free)...) {
		if secret := kubetest.Canaries()[1]; strings.Contains(file, secret) {
			t.Errorf("a recording has %s", secret)
		}
	}
}
