package kubetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// asks sends one request with a body of any type and answers what came.
func (d *door) asks(t *testing.T, method, path, mediaType, content string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.address+path, strings.NewReader(content))
	must(t, err)
	q.Header.Set("Accept", "application/vnd.kubernetes.protobuf,application/json")
	if mediaType != "" {
		q.Header.Set("Content-Type", mediaType)
	}
	a, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
	must(t, err)
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	must(t, err)
	return a.StatusCode, string(body)
}

// made creates an object behind the gateway, and answers how it is removed again: other tests list what there is.
func made(t *testing.T, c *kubetest.Cluster, collection, name, object string) (path string, removed func()) {
	t.Helper()
	if status, text := c.Do(t, "POST", collection, object); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	path = collection + "/" + name
	return path, func() { c.Do(t, "DELETE", path, "") }
}

const deployments = "/apis/apps/v1/namespaces/stg/deployments"

// deployment is one whose pods run as "app".
func deployment(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"value\":%s}"}},"spec":{"replicas":0,
		"selector":{"matchLabels":{"app":"evaded"}},"template":{"metadata":{"labels":{"app":"evaded"}},"spec":{"serviceAccountName":"app","containers":[
		{"name":"app","image":"i","env":[{"name":"K","value":%q}],"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]}}}]}}}}`,
		name, `\"`+kubetest.CanaryEnv+`\"`, kubetest.CanaryEnv)
}

// guarded is a policy whose rules ask for what bodies say.
const guarded = `version: 1
rules:
  - {name: look, effects: [read, session], verdict: allow}
  - {name: change, effects: [write], kube: {namespaces: [stg], resources: [pods, deployments.apps], service_accounts: [app]}, verdict: allow}
  - {name: secrets, effects: [write], kube: {namespaces: [stg], resources: [secrets]}, verdict: allow}
  - {name: services, effects: [write], kube: {namespaces: [stg], resources: [services]}, verdict: allow}
  - {name: no-new-ones, effects: [write], kube: {verbs: [create], resources: [services]}, verdict: deny}
  - {name: no-privileges, effects: [write], kube: {privileged: true}, verdict: deny}
  - {name: rehearse, effects: [privilege], kube: {resources: ["serviceaccounts/token"], dry_run: true}, verdict: allow}
masks:
  - {name: env, fields: ["*..env[*].value", "pods.spec.nodeName", "gadgets.spec.tags[*]", "gadgets.spec.ssn"], as: redact}
`

func TestRulesForBodiesAreNotEvaded(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, guarded, nil)
	path, removed := made(t, c, deployments, "evaded", deployment("evaded"))
	defer removed()
	const jsonPatch, strategic, apply = "application/json-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"
	addition := func(at string) string {
		return `[{"op":"add","path":"/spec/template/spec/containers/0/securityContext/capabilities/add/` + at + `","value":"SYS_ADMIN"}]`
	}
	pod := func(spec string) string { return `{"spec":{"template":{"spec":{` + spec + `}}}}` }
	for _, q := range []struct{ method, path, mediaType, content string }{
		{"PATCH", path, jsonPatch, addition("-")},
		{"PATCH", path, jsonPatch, addition("+0")},
		{"PATCH", path, jsonPatch, addition("-1")},
		{"PATCH", path, jsonPatch, addition("00")},
		{"PATCH", path, jsonPatch, `[{"op":"remove","path":"/spec/template/spec/serviceAccountName"},{"op":"remove","path":"/spec/template/spec/serviceAccount"}]`},
		{"PATCH", path, jsonPatch, `[{"op":"replace","path":"/spec/template/spec","value":{}},{"op":"add","path":"/spec/template/spec/containers","value":[{"name":"app","image":"i"}]}]`},
		{"PATCH", path, strategic, pod(`"serviceAccountName":null,"serviceAccount":null`)},
		{"PATCH", path, strategic, pod(`"$patch":"replace","containers":[{"name":"app","image":"i"}]`)},
		{"PATCH", path, strategic, pod(`"$retainKeys":["containers"],"containers":[{"name":"app"}]`)},
		{"PATCH", "/api/v1/namespaces/stg/pods/evaded?fieldManager=evaded", apply, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"evaded"},"spec":{"containers":[{"name":"app","image":"i"}]}}`},
		{"POST", "/api/v1/namespaces/stg/secrets", "application/json", `{"metadata":{"name":"bootstrap-token-evaded"},"type":"bootstrap.kubernetes.io/token","stringData":{"token-id":"evaded"}}`},
		{"PATCH", "/api/v1/namespaces/stg/secrets/db-credentials", "application/merge-patch+json", `{"metadata":{"annotations":{"kubernetes.io/service-account.name":"evaded"}}}`},
		{"PUT", "/api/v1/namespaces/stg/services/evaded", "application/json", `{"metadata":{"name":"evaded"},"spec":{"ports":[{"port":80}]}}`},
		{"PATCH", "/api/v1/namespaces/stg/services/evaded?fieldManager=evaded", apply, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"evaded"},"spec":{"ports":[{"port":80}]}}`},
		{"POST", "/api/v1/namespaces/stg/serviceaccounts/default/token?dryRun=All", "application/json", `{"spec":{}}`},
	} {
		if status, text := d.asks(t, q.method, q.path, q.mediaType, q.content); status != 403 || !strings.Contains(text, "HoopRefusal") {
			t.Errorf("%s %s %s: %d %.300s", q.method, q.path, q.content, status, text)
		}
	}
	if status, text := d.asks(t, "PATCH", path, strategic, pod(`"containers":[{"name":"app","image":"i:2"}]`)); status != 200 {
		t.Errorf("an honest patch: %d %s", status, text)
	}
	_, text := c.Do(t, "GET", path, "")
	if strings.Contains(text, "SYS_ADMIN") || !strings.Contains(text, `"serviceAccountName":"app"`) || !strings.Contains(text, "i:2") {
		t.Errorf("it came to %s", text)
	}
}

func TestNoMaskedValuePassesByAnotherWay(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, guarded, nil)
	path, removed := made(t, c, deployments, "shown", deployment("shown"))
	defer removed()
	_, undefined := made(t, c, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "gadgets.example.com", `{"metadata":{"name":"gadgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
		"names":{"plural":"gadgets","singular":"gadget","kind":"Gadget"},"versions":[{"name":"v1","served":true,"storage":true,"selectableFields":[{"jsonPath":".spec.ssn"}],"schema":{"openAPIV3Schema":{"type":"object",
		"properties":{"spec":{"type":"object","properties":{"ssn":{"type":"string"},"tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}}}}}}]}}`)
	defer undefined()
	gadgets := "/apis/example.com/v1/namespaces/stg/gadgets"
	gadget := fmt.Sprintf(`{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"g"},"spec":{"ssn":"078-05-1120","tags":[%q]}}`, kubetest.CanaryEnv)
	for status := 0; status != 201; { // a definition that was just made is served a moment later
		status, _ = c.Do(t, "POST", gadgets, gadget)
	}
	if _, text := c.Do(t, "GET", gadgets+"/g", ""); !strings.Contains(text, `v:\"`+kubetest.CanaryEnv) {
		t.Fatalf("the cluster does not keep the elements of a set where they are looked for: %s", text)
	}
	for _, of := range []string{path, path + "/status", gadgets, gadgets + "/g", deployments} {
		if status, text := d.asks(t, "GET", of, "", ""); status != 200 || strings.Contains(text, kubetest.CanaryEnv) || strings.Contains(text, "078-05") {
			t.Errorf("%s: %d %s", of, status, text)
		}
	}
	for _, query := range []string{gadgets + "?fieldSelector=spec.ssn%3D078-05-1120", "/api/v1/namespaces/stg/pods?fieldSelector=spec.nodeName%3Dnode-1", "/api/v1/namespaces/stg/pods?fieldSelector=spec.host%3Dnode-1"} {
		if status, text := d.asks(t, "GET", query, "", ""); status != 400 || !strings.Contains(text, "masked_value") {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
}

// Who reads an object and writes it back, as client libraries do, sends back what masks left of who set which fields.
func TestAnObjectWithMaskedManagersCanBeWrittenBack(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, guarded, nil)
	path, removed := made(t, c, deployments, "back", strings.NewReplacer(`"env":[{"name":"K","value":"`+kubetest.CanaryEnv+`"}],`, "", `"annotations"`, `"labels":{},"x"`).Replace(deployment("back")))
	defer removed()
	status, text := d.asks(t, "GET", path, "", "")
	if status != 200 || !strings.Contains(text, `"f:spec":"***"`) {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := d.asks(t, "PUT", path, "application/json", strings.Replace(text, `"replicas":0`, `"replicas":3`, 1)); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	var got struct {
		Metadata struct {
			ManagedFields []struct{ FieldsV1 map[string]any }
		}
		Spec struct{ Replicas int }
	}
	_, text = c.Do(t, "GET", path, "")
	must(t, json.Unmarshal([]byte(text), &got))
	if got.Spec.Replicas != 3 || len(got.Metadata.ManagedFields) == 0 || len(got.Metadata.ManagedFields[0].FieldsV1) == 0 {
		t.Errorf("it came to %s", text)
	}
}

// Recordings are read by others than who may see a Secret.
func TestNoRecordingHasASecretOfWhoMaySeeIt(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, everything, nil)
	const base = "/api/v1/namespaces/prod/secrets"
	for _, path := range []string{base + "/db-credentials", base, "/api/v1/secrets", base + "?includeObject=Object"} {
		if status, text := d.asks(t, "GET", path, "", ""); status != 200 || !strings.Contains(text, kubetest.Canaries()[1]) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if _, text := d.got(t, "GET", base+"?watch=true&resourceVersion=0", "application/json", ""); !strings.Contains(text, `"ADDED"`) {
		t.Errorf("a watch: %s", text)
	}
	status, text := d.asks(t, "PATCH", base+"/db-credentials?dryRun=All", "application/merge-patch+json",
		`{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"`+kubetest.CanaryLog+`\"}}"}}}`)
	if status != 200 || !strings.Contains(text, kubetest.CanaryLog) {
		t.Errorf("%d %s", status, text)
	}
	files := sealed(t, d)
	if !strings.Contains(strings.Join(files, ""), "db-credentials") {
		t.Error("the recordings do not even have a name")
	}
	for _, file := range files {
		for _, canary := range kubetest.Canaries() {
			if strings.Contains(file, canary) {
				t.Errorf("a recording has %s: %s", canary, file)
			}
		}
	}
}

// What went wrong is told to clients of every type of body, as an object.
func TestClientsOfProtobufAreToldWhatWentWrong(t *testing.T) {
	d := opened(t, kubetest.Start(t), everything, nil)
	for path, want := range map[string]int{
		"/api/v1/namespaces/stg/pods/nobody/log":               404,
		"/api/v1/namespaces/stg/pods/web/log?container=nobody": 400,
		"/api/v1/namespaces/stg/pods/web/log?container=app":    200,
		"/api/v1/namespaces/stg/pods/nobody":                   404,
		"/version/":                                            200,
		"/apis/":                                               200,
		"/api/v1/":                                             200,
		"/apis/apps/":                                          200,
		"/api/v1/namespaces/stg/pods/":                         400,
		"/version//":                                           400,
	} {
		if status, text := d.asks(t, "GET", path, "", ""); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}
