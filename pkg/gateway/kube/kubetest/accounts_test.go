package kubetest_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// What a field manager applied before and leaves out is taken away, and it may be the account as which pods run.
func TestNoAccountIsAppliedAway(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, guarded, nil)
	const (
		apply     = "application/apply-patch+yaml"
		strategic = "application/strategic-merge-patch+json"
		accounts  = `"serviceAccountName":"app","serviceAccount":"app"`
	)
	object := func(name, spec string) string {
		return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"` + name + `"},"spec":{` + spec + `}}`
	}
	selected := `"selector":{"matchLabels":{"app":"applied"}},"template":{"metadata":{"labels":{"app":"applied"}}`
	whole := `"replicas":0,` + selected + `,"spec":{` + accounts + `,"containers":[{"name":"app","image":"i"}]}}`
	for name, steps := range map[string][]struct{ mediaType, manager, content string }{
		"emptied": {{apply, "b&force=true", object("emptied", `"template":{"spec":{"serviceAccountName":"","serviceAccount":""}}`)}},
		"left-out": {
			{apply, "b", object("left-out", `"replicas":0,`+selected+`}`)},
			{strategic, "m", `{"spec":{"template":{"spec":{"containers":[{"name":"second","image":"i"}]}}}}`},
			{apply, "a", object("left-out", `"replicas":0`)},
		},
	} {
		path := deployments + "/" + name
		if status, text := d.asks(t, "PATCH", path+"?fieldManager=a", apply, object(name, whole)); status != 201 {
			t.Fatalf("%d %s", status, text)
		}
		defer c.Do(t, "DELETE", path, "")
		for _, s := range steps {
			status, text := d.asks(t, "PATCH", path+"?fieldManager="+s.manager, s.mediaType, s.content)
			if refused := s.mediaType == apply; refused != (status == 403 && strings.Contains(text, "HoopRefusal")) {
				t.Errorf("%s: %d %s", s.content, status, text)
			}
		}
		if _, text := c.Do(t, "GET", path, ""); !strings.Contains(text, `"serviceAccountName":"app"`) {
			t.Errorf("%s came to %s", name, text)
		}
	}
}
