package kubetest_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// reading is a policy that lets people look and write in stg, with what is masked by default.
const reading = `version: 1
rules:
  - {name: look, effects: [read, session], verdict: allow}
  - {name: change, effects: [write], kube: {namespaces: [stg]}, verdict: allow}
masks:
  - {name: env, fields: ["*..env[*].value", "configmaps.data.password"], as: redact}
`

// got asks the gateway and answers what came, head and body.
func (d *door) got(t *testing.T, method, path, accept, content string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.address+path, strings.NewReader(content))
	must(t, err)
	q.Header.Set("Accept", accept)
	q.Header.Set("Accept-Encoding", "gzip")
	if content != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	a, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
	must(t, err)
	defer func() { _ = a.Body.Close() }()
	var head, body bytes.Buffer
	must(t, a.Header.Write(&head))
	if strings.Contains(path, "watch=") { // it would not end: the events that are there already do
		room := make([]byte, 64<<10)
		n, _ := io.ReadAtLeast(a.Body, room, 200)
		body.Write(room[:n])
	} else {
		_, err = io.Copy(&body, a.Body)
		must(t, err)
	}
	return a.StatusCode, head.String() + body.String()
}

func TestNoCanaryPassesInAnyRepresentation(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, reading, nil)
	const base = "/api/v1/namespaces/stg/"
	for _, path := range []string{
		base + "secrets", base + "secrets/db-credentials", "/api/v1/secrets", base + "secrets?watch=true&resourceVersion=0", base + "secrets?includeObject=Object",
		base + "configmaps/app-config", base + "pods/web", base + "pods", "/api/v1/pods", "/apis/apps/v1/namespaces/stg/deployments",
	} {
		for _, accept := range []string{
			"*/*", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf;stream=watch", "application/cbor",
			"application/json;as=Table;v=v1;g=meta.k8s.io", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
		} {
			status, text := d.got(t, "GET", path, accept, "")
			if status != 200 && status != 406 {
				t.Errorf("%s as %s: %d %s", path, accept, status, text)
			}
			for _, canary := range kubetest.Canaries() {
				if strings.Contains(text, canary) {
					t.Errorf("%s as %s shows %s", path, accept, canary)
				}
			}
		}
	}
	for _, file := range sealed(t, d) {
		for _, canary := range kubetest.Canaries() {
			if strings.Contains(file, canary) {
				t.Errorf("a recording has %s", canary)
			}
		}
	}
}

// sealed ends the gateway's sessions and answers their recordings as text.
func sealed(t *testing.T, d *door) (all []string) {
	t.Helper()
	d.close()
	files, err := filepath.Glob(filepath.Join(d.dir, "*.hrec"))
	must(t, err)
	for _, name := range files {
		f, err := os.Open(name)
		must(t, err)
		r, err := record.NewReader(f)
		must(t, err)
		var text bytes.Buffer
		must(t, record.Export(&text, r, record.FormatNDJSON))
		_ = f.Close()
		all = append(all, text.String())
	}
	if len(all) == 0 {
		t.Fatal("there are no recordings")
	}
	return all
}

func TestWhatIsRefusedNeverReachesTheCluster(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, reading, nil)
	const pods = "/api/v1/namespaces/stg/pods/"
	for _, q := range []struct {
		method, path, content string
		status                int
	}{
		{"DELETE", "/api/v1/namespaces/stg/configmaps/refused-delete", "", 403},
		{"DELETE", "/api/v1/namespaces/stg/configmaps?labelSelector=refused%3Dall", "", 403},
		{"POST", "/api/v1/namespaces/prod/configmaps?fieldManager=refused-prod", `{"metadata":{"name":"x"}}`, 403},
		{"POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?fieldManager=refused-rbac", `{"metadata":{"name":"x"}}`, 403},
		{"POST", "/api/v1/namespaces/stg/serviceaccounts/refused-token/token", `{"spec":{}}`, 403},
		{"GET", pods + "web/exec?command=refused-exec", "", 400},
		{"GET", "/api/v1/nodes/refused-node/proxy/metrics", "", 403},
		{"GET", "/api/v1/watch/namespaces/stg/refused-watch", "", 400},
		{"GET", "/api/v1/namespaces/stg/pods//refused-slashes", "", 400},
		{"GET", "/api/v1/pods?watch=true&watch=false&labelSelector=refused-twice", "", 400},
		{"GET", "/metrics/refused", "", 403},
		{"PUT", "/api/v1/namespaces/stg/configmaps/app-config?fieldManager=refused-mask", `{"metadata":{"name":"app-config"},"data":{"password":"***"}}`, 400},
		{"POST", "/api/v1/namespaces/stg/configmaps?fieldManager=refused-names", `{"metadata":{"name":"x","namespace":"prod"}}`, 400},
	} {
		status, text := d.got(t, q.method, q.path, "application/json", q.content)
		if status != q.status || !strings.Contains(text, `"kind":"Status"`) || !strings.Contains(text, "hoop: ") {
			t.Errorf("%s %s: %d %s", q.method, q.path, status, text)
		}
	}
	if status, _ := d.got(t, "POST", "/api/v1/namespaces/stg/configmaps?dryRun=All&fieldManager=honest-one", "application/json", `{"metadata":{"generateName":"x-"}}`); status != 201 {
		t.Errorf("an honest request beside them: %d", status)
	}
	if n := len(c.Audited(t, func(e kubetest.Event) bool { return strings.Contains(e.RequestURI, "honest-one") })); n == 0 {
		t.Error("the audit log has not even the honest request")
	}
	for _, e := range c.Audited(t, func(e kubetest.Event) bool { return strings.Contains(e.RequestURI, "refused") }) {
		t.Errorf("it reached the cluster: %s", e.RequestURI)
	}
}

// A server may read another of two fields than the gateway does, so that both must say that the body is as it is.
func TestABodyThatMayBePackedNeverReachesTheCluster(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, reading, nil)
	for name, codings := range map[string][]string{
		"refused-packed": {"gzip"}, "refused-packed-first": {"gzip", "identity"}, "refused-packed-second": {"identity", "gzip"}, "refused-packed-list": {"identity, gzip"},
		"plain-once": {"Identity"}, "plain-twice": {"identity", ""},
	} {
		q, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+d.address+"/api/v1/namespaces/stg/configmaps?dryRun=All&fieldManager="+name, strings.NewReader(`{"metadata":{"name":"x"}}`))
		must(t, err)
		q.Header.Set("Content-Type", "application/json")
		q.Header["Content-Encoding"] = codings
		a, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
		must(t, err)
		_ = a.Body.Close()
		reached := len(c.Audited(t, func(e kubetest.Event) bool { return strings.Contains(e.RequestURI, "="+name) }))
		if refused := strings.HasPrefix(name, "refused"); refused && (a.StatusCode != 415 || reached != 0) || !refused && (a.StatusCode != 201 || reached == 0) {
			t.Errorf("%s: %d, %d events in the audit log", name, a.StatusCode, reached)
		}
	}
}
