package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	createPod     = "POST /api/v1/namespaces/stg/pods"
	updatePod     = "PUT /api/v1/namespaces/stg/pods/web"
	patchPod      = "PATCH /api/v1/namespaces/stg/pods/web"
	patchWeb      = "PATCH /apis/apps/v1/namespaces/stg/deployments/web"
	deletePod     = "DELETE /api/v1/namespaces/stg/pods/web"
	createSecret  = "POST /api/v1/namespaces/stg/secrets"
	createVolume  = "POST /api/v1/persistentvolumes"
	createCronJob = "POST /apis/batch/v1/namespaces/stg/cronjobs"
	patchSecret   = "PATCH /api/v1/namespaces/stg/secrets/db"
	createRollout = "POST /apis/argoproj.io/v1alpha1/namespaces/stg/rollouts"
)

func readBody(t testing.TB, line, mediaType, text string) (*Tuple, *Body, string) {
	t.Helper()
	tuple, why := parseLine(line)
	if tuple == nil {
		t.Fatalf("%s: %s", line, why)
	}
	b, r := ReadBody(tuple, mediaType, []byte(text))
	if r != nil {
		return tuple, nil, r.Code + ": " + r.Message
	}
	return tuple, b, ""
}

func TestFactsAreReadWhereverTheyStand(t *testing.T) {
	container := func(more string) string {
		return `{"spec":{"serviceAccountName":"app","containers":[{"name":"c","image":"i"` + more + `}]}}`
	}
	app := Facts{ServiceAccounts: []string{"app"}, Images: []string{"i"}}
	privileged := app
	privileged.Privileged = true
	for _, c := range []struct {
		line, mediaType, body string
		want                  Facts
	}{
		{createPod, typeJSON, container(""), app},
		{createPod, typeJSON, container(`,"securityContext":{"privileged":true}`), privileged},
		{createPod, typeJSON, container(`,"securityContext":{"privileged":false}`), app},
		{createPod, typeJSON, container(`,"securityContext":{"privileged":"true"}`), privileged},
		{createPod, typeJSON, container(`,"securityContext":{"procMount":"Unmasked"}`), privileged},
		{createPod, typeJSON, container(`,"securityContext":{"procMount":"Default"}`), app},
		{createPod, typeJSON, container(`,"securityContext":{"windowsOptions":{"hostProcess":true}}`), privileged},
		{createPod, typeJSON, container(`,"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]}}`), app},
		{createPod, typeJSON, container(`,"securityContext":{"capabilities":{"add":["NET_BIND_SERVICE","SYS_ADMIN"]}}`), privileged},
		{createPod, typeJSON, container(`,"securityContext":{"capabilities":{"drop":["ALL"]}}`), app},
		{createPod, typeJSON, `{"spec":{"hostNetwork":true}}`, Facts{Privileged: true}},
		{createPod, typeJSON, `{"spec":{"hostPID":true}}`, Facts{Privileged: true}},
		{createPod, typeJSON, `{"spec":{"hostIPC":true}}`, Facts{Privileged: true}},
		{createPod, typeJSON, `{"metadata":{"name":"n"},"spec":{"containers":[{"image":"b"}],"initContainers":[{"image":"a"}],"volumes":[{"image":{"reference":"v"}}]}}`,
			Facts{Name: "n", ServiceAccounts: []string{"default"}, Images: []string{"a", "b", "v"}}},
		{createPod, typeJSON, `{"spec":{"serviceAccount":"old","volumes":[{"hostPath":{"path":"/"}}]}}`, Facts{HostPath: true, ServiceAccounts: []string{"old"}}},
		{createPod, typeJSON, `{"status":{"containerStatuses":[{"image":"i"}]}}`, Facts{}},
		{createPod + "?dryRun=All", typeJSON, `{}`, Facts{DryRun: true}},
		{createVolume, typeJSON, `{"spec":{"hostPath":{}}}`, Facts{HostPath: true}},
		{createCronJob, typeJSON, `{"spec":{"jobTemplate":{"spec":{"template":` + container("") + `}}}}`, app},
		{createRollout, typeJSON, `{"spec":{"template":` + container(`,"securityContext":{"privileged":true}`) + `}}`, privileged},
		{createPod, typeYAML, "spec:\n  hostPID: true\n  containers:\n  - image: i:1\n    name: c\n", Facts{Privileged: true, ServiceAccounts: []string{"default"}, Images: []string{"i:1"}}},
		{patchWeb, typeStrategicPatch, `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}`, Facts{Images: []string{"i"}}},
		{patchWeb, typeMergePatch, `{"spec":{"template":{"spec":{"hostNetwork":true}}}}`, Facts{Privileged: true}},
		{patchWeb, typeMergePatch, `{"spec":{"template":{"spec":{"hostNetwork":null}}}}`, Facts{}},
		{patchWeb + "?force=true", typeApplyPatch, `{"metadata":{"uid":"u","resourceVersion":"7"},"spec":{"template":` + container("") + `}}`, app},
		{patchWeb + "/status", typeApplyPatch, `{}`, Facts{}},
		{updatePod, typeJSON, `{"metadata":{"resourceVersion":"7"}}`, Facts{Creates: true}},
		{updatePod, typeJSON, `{"metadata":{"uid":"u"}}`, Facts{}},
		{updatePod, typeJSON, `{"metadata":{"resourceVersion":"0"}}`, Facts{Creates: true}},
		{patchWeb, typeApplyPatch, "spec:\n  template:\n    spec:\n      volumes:\n      - name: v\n        hostPath:\n          path: /\n", Facts{HostPath: true, Creates: true, ServiceAccounts: []string{"default"}}},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/hostPID","value":true}]`, Facts{Privileged: true}},
		{patchPod, typeJSONPatch, `[{"op":"replace","path":"/spec/containers/0/image","value":"i"}]`, Facts{Images: []string{"i"}}},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/containers/-","value":{"image":"i","securityContext":{"privileged":true}}}]`, Facts{Privileged: true, Images: []string{"i"}}},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/containers/0/securityContext/capabilities/add/-","value":"SYS_ADMIN"}]`, Facts{Privileged: true}},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/volumes/0/hostPath/path","value":"/"}]`, Facts{HostPath: true}},
		{patchPod, typeJSONPatch, `[{"op":"replace","path":"","value":{"spec":{"hostIPC":true}}}]`, Facts{Privileged: true, ServiceAccounts: []string{"default"}}},
		{patchPod, typeJSONPatch, `[{"op":"remove","path":"/spec/hostPID"},{"op":"test","path":"/spec/hostPID","value":true}]`, Facts{}},
		{patchWeb, typeJSONPatch, addCapability("+0"), Facts{Privileged: true}},
		{patchWeb, typeJSONPatch, addCapability("-1"), Facts{Privileged: true}},
		{patchWeb, typeJSONPatch, addCapability("00000000000000000000000"), Facts{Privileged: true}},
		{createRollout, typeJSON, `{"spec":{"template":{"spec":{"HostPID":true,"volumes":[{"hostpath":{}}],"containers":[{"Image":"i","ſecurityContext":{"privıleged":false}}]}}}}`,
			Facts{Privileged: true, HostPath: true, Images: []string{"i"}, ServiceAccounts: []string{"default"}}},
		{createVolume, typeJSON, `{"spec":{"local":{"path":"/"}}}`, Facts{HostPath: true}},
		{createSecret, typeJSON, `{"type":"kubernetes.io/service-account-token"}`, Facts{Mints: true}},
		{createSecret, typeJSON, `{"type":"bootstrap.kubernetes.io/token"}`, Facts{Mints: true}},
		{patchSecret, typeMergePatch, `{"metadata":{"annotations":{"kubernetes.io/service-account.name":"admin"}},"data":{"token":null}}`, Facts{Mints: true}},
		{patchSecret, typeMergePatch, `{"metadata":{"annotations":{"a":"b"}}}`, Facts{}},
		{patchSecret, typeApplyPatch, `{"type":"bootstrap.kubernetes.io/token"}`, Facts{Mints: true, Creates: true}},
		{patchSecret, typeJSONPatch, `[{"op":"replace","path":"/metadata/annotations/kubernetes.io~1service-account.name","value":"admin"}]`, Facts{Mints: true}},
		{patchSecret, typeJSONPatch, `[{"op":"replace","path":"/metadata/annotations","value":{"kubernetes.io/service-account.name":"admin"}}]`, Facts{Mints: true}},
		{patchSecret, typeJSONPatch, `[{"op":"replace","path":"/metadata","value":{"annotations":{"kubernetes.io/service-account.name":"admin"}}}]`, Facts{Mints: true}},
		{patchSecret, typeJSONPatch, `[{"op":"replace","path":"","value":{"metadata":{"annotations":{"kubernetes.io/service-account.name":"admin"}}}}]`, Facts{Mints: true}},
		{patchSecret, typeJSONPatch, `[{"op":"replace","path":"/data/a","value":"eA=="}]`, Facts{}},
		{"POST /api/v1/namespaces/stg/serviceaccounts/ci/token?dryRun=All", typeJSON, `{"spec":{}}`, Facts{}},
		{createSecret, typeJSON, `{"stringData":{"image":"i","hostPath":"x"}}`, Facts{}},
		{deletePod, typeJSON, `{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}`, Facts{DryRun: true}},
		{deletePod + "?dryRun=All", typeJSON, `{"dryRun":["All"]}`, Facts{DryRun: true}},
		{deletePod + "?dryRun=All", "", ``, Facts{DryRun: true}},
		{deletePod, typeJSON, `{"dryRun":[]}`, Facts{}},
		{deletePod, typeJSON, `{"dryRun":null}`, Facts{}},
	} {
		_, b, why := readBody(t, c.line, c.mediaType, c.body)
		if b == nil {
			t.Errorf("%s %s: %s", c.line, c.body, why)
			continue
		}
		if !equalFacts(b.Facts, c.want) {
			t.Errorf("%s %s\n got %+v\nwant %+v", c.line, c.body, b.Facts, c.want)
		}
	}
}

func addCapability(at string) string {
	return `[{"op":"add","path":"/spec/template/spec/containers/0/securityContext/capabilities/add/` + at + `","value":"SYS_ADMIN"}]`
}

// A pod that loses its service account runs as another one, whatever takes it away.
func TestAnAccountThatIsTakenAwayLeavesTheDefaultOne(t *testing.T) {
	template := func(spec string) string { return `{"spec":{"template":{"spec":{` + spec + `}}}}` }
	const containers = `"containers":[{"name":"c"}]`
	for _, c := range []struct {
		mediaType, body string
		want            []string
	}{
		{typeStrategicPatch, template(`"serviceAccountName":null,"serviceAccount":null`), []string{"default"}},
		{typeStrategicPatch, template(`"serviceAccountName":""`), []string{"default"}},
		{typeMergePatch, template(`"serviceAccountName":null`), []string{"default"}},
		{typeStrategicPatch, template(`"$patch":"replace",` + containers), []string{"default"}},
		{typeStrategicPatch, `{"$patch":"replace",` + template(containers)[1:], []string{"default"}},
		{typeStrategicPatch, `{"spec":{"$patch":"replace","other":{"serviceAccountName":"app"},"template":{"spec":{` + containers + `}}}}`, []string{"app", "default"}},
		{typeStrategicPatch, template(`"$retainKeys":["containers"]`), []string{"default"}},
		{typeApplyPatch, template(containers), []string{"default"}},
		{typeJSONPatch, `[{"op":"remove","path":"/spec/template/spec/serviceAccountName"}]`, []string{"default"}},
		{typeJSONPatch, `[{"op":"remove","path":"/spec/template/spec/serviceAccount"}]`, []string{"default"}},
		{typeJSONPatch, `[{"op":"add","path":"/spec/template/spec/serviceAccountName","value":""}]`, []string{"default"}},
		{typeJSONPatch, `[{"op":"replace","path":"/spec/template/spec","value":{}},{"op":"add","path":"/spec/template/spec/containers","value":[]}]`, []string{"default"}},
		{typeJSONPatch, `[{"op":"replace","path":"/spec/template","value":{"spec":{` + containers + `}}}]`, []string{"default"}},
		{typeStrategicPatch, template(`"serviceAccountName":"app","serviceAccount":null`), []string{"app"}},
		{typeStrategicPatch, template(`"$patch":"replace","serviceAccountName":"app",` + containers), []string{"app"}},
		{typeStrategicPatch, template(`"containers":[{"name":"c","$patch":"delete"}],"volumes":[{"name":"v","$retainKeys":["name","emptyDir"],"emptyDir":{}}]`), nil},
		{typeStrategicPatch, `{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}`, nil},
		{typeApplyPatch, template(`"serviceAccountName":"app",` + containers), []string{"app"}},
		{typeApplyPatch, `{"spec":{"replicas":2}}`, []string{"default"}}, // a manager that set the account before takes it away so
		{typeApplyPatch, `{"spec":{"paused":true,"serviceAccountName":"app"}}`, []string{"app", "default"}},
		{typeApplyPatch, template(`"serviceAccountName":"","serviceAccount":""`), []string{"default"}},
		{typeApplyPatch, template(`"serviceAccountName":"app"`), []string{"app"}},
		{typeJSONPatch, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"i"},{"op":"remove","path":"/spec/paused"}]`, nil},
	} {
		_, b, why := readBody(t, patchWeb, c.mediaType, c.body)
		if b == nil {
			t.Errorf("%s: %s", c.body, why)
			continue
		}
		if !slices.Equal(b.Facts.ServiceAccounts, c.want) {
			t.Errorf("%s %s: %q, want %q", c.mediaType, c.body, b.Facts.ServiceAccounts, c.want)
		}
	}
}

// Nothing runs as an account of what has no pods in it. Of kinds that hoop does not know it may.
func TestOnlyWhatHasPodsHasAccounts(t *testing.T) {
	const core, stg = "PATCH /api/v1/", "PATCH /api/v1/namespaces/stg/"
	replaced := func(line string) struct{ line, mediaType, body string } {
		return struct{ line, mediaType, body string }{line, typeJSONPatch, `[{"op":"replace","path":"/spec","value":{}},{"op":"remove","path":"/spec/serviceAccount"}]`}
	}
	applied := func(line string) struct{ line, mediaType, body string } {
		return struct{ line, mediaType, body string }{line, typeApplyPatch, `{"spec":{}}`}
	}
	podless := []struct{ line, mediaType, body string }{
		replaced(stg + "services/s"), replaced(stg + "configmaps/s"), replaced(core + "nodes/n"), replaced(stg + "persistentvolumeclaims/p"), replaced(core + "namespaces/stg"),
		replaced("PATCH /apis/networking.k8s.io/v1/namespaces/stg/ingresses/i"), replaced("PATCH /apis/apps/v1/namespaces/stg/deployments/web/scale"),
		replaced("PATCH /apis/example.com/v1/namespaces/stg/widgets/w/scale"), applied(stg + "services/s"), applied(stg + "configmaps/s"), applied(stg + "pods/web"),
		applied("PATCH /apis/apps/v1/namespaces/stg/deployments/web/scale"), applied("PATCH /apis/apps/v1/namespaces/stg/deployments/web/status"),
		{stg + "services/s", typeStrategicPatch, `{"spec":{"$retainKeys":["ports"],"ports":[]}}`},
		{stg + "configmaps/c", typeJSONPatch, `[{"op":"add","path":"/data/image","value":"i"},{"op":"add","path":"/data","value":{"serviceAccount":"x","privileged":"true"}}]`},
	}
	others := []struct{ line, mediaType, body string }{
		replaced(patchPod), replaced(patchWeb), replaced("PATCH /apis/batch/v1/namespaces/stg/cronjobs/c"), replaced("PATCH /apis/apps/v1/namespaces/stg/controllerrevisions/c"),
		replaced("PATCH /apis/example.com/v1/namespaces/stg/services/s"), replaced("PATCH /apis/example.com/v1/namespaces/stg/widgets/w"), replaced(stg + "widgets/w"),
		replaced(stg + "ingresses/i"), replaced(stg + "svc/s"), replaced(stg + "podtemplates/p"), replaced(stg + "replicationcontrollers/r"),
		applied(patchWeb), applied("PATCH /apis/batch/v1/namespaces/stg/cronjobs/c"), applied(stg + "podtemplates/p"), applied("PATCH /apis/example.com/v1/namespaces/stg/widgets/w"),
	}
	for want, all := range map[string][]struct{ line, mediaType, body string }{"[]": podless, "[default]": others} {
		for _, c := range all {
			_, b, why := readBody(t, c.line, c.mediaType, c.body)
			if b == nil {
				t.Errorf("%s: %s", c.line, why)
				continue
			}
			if got := fmt.Sprint(b.Facts.ServiceAccounts); got != want || b.Facts.Images != nil || b.Facts.Privileged {
				t.Errorf("%s %s: %+v, want %s", c.line, c.body, b.Facts, want)
			}
		}
	}
}

func equalFacts(a, b Facts) bool {
	for _, f := range []*Facts{&a, &b} {
		f.Images, f.ServiceAccounts = append([]string{}, f.Images...), append([]string{}, f.ServiceAccounts...)
	}
	return reflect.DeepEqual(a, b)
}

func TestBodiesThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	for _, c := range []struct{ line, mediaType, body, code string }{
		{patchPod, "", `{}`, codeUnsupported},
		{createPod, "", "a: 1", codeMalformed},
		{createPod, typeProtobuf, "k8s\x00", codeUnsupported},
		{createPod, typeProtobuf, "\x0a\x00", codeMalformed},
		{patchPod, typeProtobuf, "k8s\x00", codeUnsupported},
		{createPod, "application/cbor", "\xd9\xd9\xf7\xa0", codeUnsupported},
		{patchPod, "application/apply-patch+cbor", "\xa0", codeUnsupported},
		{createPod, "application/json; charset=utf-16", `{}`, codeUnsupported},
		{createPod, "application/json; boundary=x", `{}`, codeUnsupported},
		{createPod, "text/plain", `{}`, codeUnsupported},
		{createPod, typeMergePatch, `{}`, codeUnsupported},
		{patchPod, typeJSON, `{}`, codeUnsupported},
		{createPod, typeJSON, `{"spec":{},"spec":{}}`, codeMalformed},
		{createPod, typeJSON, `{"kind":"Pod","k\u0069nd":"Secret"}`, codeMalformed},
		{createPod, typeJSON, `{} {}`, codeMalformed},
		{createPod, typeJSON, `{"a":1,}`, codeMalformed},
		{createPod, typeJSON, `{"a":"` + "\xff" + `"}`, codeMalformed},
		{createPod, typeJSON, `{"a":"\ud800"}`, codeMalformed},
		{createPod, typeJSON, `{"a":NaN}`, codeMalformed},
		{createPod, typeJSON, `[]`, codeMalformed},
		{createPod, typeJSON, `null`, codeMalformed},
		{createPod, typeJSON, `// x` + "\n{}", codeMalformed},
		{createPod, typeJSON, strings.Repeat(`[`, 100000), codeMalformed},
		{createPod, typeJSON, `{"a":` + strings.Repeat(`{"a":`, maxNested) + `1` + strings.Repeat(`}`, maxNested) + `}`, codeMalformed},
		{createPod, typeYAML, "a: &x 1\nb: *x\n", codeMalformed},
		{createPod, typeYAML, "a: !!binary aGk=\n", codeMalformed},
		{createPod, typeYAML, "a: {b: 1}\n<<: {c: 1}\n", codeMalformed},
		{createPod, typeYAML, "a: 1\n---\nb: 1\n", codeMalformed},
		{createPod, typeYAML, "a: 1\na: 2\n", codeMalformed},
		{createPod, typeYAML, "a: yes\n", codeMalformed},
		{createPod, typeYAML, "a: 0777\n", codeMalformed},
		{createPod, typeYAML, "a: 1_000\n", codeMalformed},
		{createPod, typeYAML, "a: 1:30\n", codeMalformed},
		{createPod, typeYAML, "a: 0x1F\n", codeMalformed},
		{createPod, typeYAML, "a: .inf\n", codeMalformed},
		{createPod, typeYAML, "a: 2020-01-01\n", codeMalformed},
		{createPod, typeYAML, "a: True\n", codeMalformed},
		{createPod, typeYAML, strings.Repeat("[", 5000), codeMalformed},
		{createPod, typeYAML, strings.Repeat("a: 1\n", 100000), codeMalformed},
		{createPod, typeJSON, `{"metadata":{"namespace":"prod"}}`, codeMalformed},
		{createPod, typeJSON, `{"metadata":{"namespace":7}}`, codeMalformed},
		{createPod, typeJSON, `{"metadata":[]}`, codeMalformed},
		{createPod, typeJSON, `{"kind":"Secret"}`, codeMalformed},
		{createPod, typeJSON, `{"kind":"PodList"}`, codeMalformed},
		{createPod, typeJSON, `{"apiVersion":"apps/v1"}`, codeMalformed},
		{createVolume, typeJSON, `{"metadata":{"namespace":"prod"}}`, codeMalformed},
		{updatePod, typeJSON, `{"metadata":{"name":"other"}}`, codeMalformed},
		{patchPod, typeMergePatch, `{"metadata":{"name":"other"}}`, codeMalformed},
		{patchPod, typeJSONPatch, `{}`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"copy","from":"/metadata/name","path":"/spec/image"}]`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"move","from":"/a","path":"/spec/hostPID"}]`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"spec/hostPID","value":true}]`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/host~2PID","value":true}]`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"add","path":"/spec/hostPID"}]`, codeMalformed},
		{patchPod, typeJSONPatch, `[{"op":"Add","path":"/spec/hostPID","value":true}]`, codeMalformed},
		{deletePod, typeJSON, `{"kind":"Pod"}`, codeMalformed},
		{deletePod, typeJSON, `{"dryRun":["all"]}`, codeMalformed},
		{deletePod, typeJSON, `{"dryRun":"All"}`, codeMalformed},
		{deletePod + "?dryRun=All", typeJSON, `{}`, codeMalformed},
		{deletePod + "?dryRun=All", typeJSON, `{"dryRun":[]}`, codeMalformed},
		{deletePod, typeJSON, `{"ignoreStoreReadErrorWithClusterBreakingPotential":true}`, codeMalformed},
		{"GET /api/v1/pods", typeJSON, `{}`, codeMalformed},
		{"POST /api/v1/namespaces/stg/pods/web/exec?command=ls", typeJSON, `{}`, codeMalformed},
		{createPod, typeJSON, `{"a":"` + strings.Repeat("a", maxBody) + `"}`, codeTooLarge},
	} {
		_, b, why := readBody(t, c.line, c.mediaType, c.body)
		if b != nil || !strings.HasPrefix(why, c.code+": ") {
			t.Errorf("%s %s %.80q: %s, want the code %s", c.line, c.mediaType, c.body, why, c.code)
		}
	}
}

func TestBodiesAreSentAsTheJSONThatWasJudged(t *testing.T) {
	for _, c := range []struct{ line, mediaType, body, sent, as string }{
		{createPod, typeJSON, "{ \"a\" : [1, 2.50, \"<\\u003e&\", null,\n{}] }", `{"a":[1,2.50,"<>&",null,{}]}`, typeJSON},
		{createPod, "", `{"a":1}`, `{"a":1}`, typeJSON},
		{createPod, "application/json; charset=UTF-8", `{"b":1,"a":2}`, `{"b":1,"a":2}`, typeJSON},
		{createPod, typeYAML, "a: 100m\nb: \"yes\"\nc: [1, -2.5, true, ~]\nd: |\n  x\n  y\ne:\nf: v1\ng: '1'\n", `{"a":"100m","b":"yes","c":[1,-2.5,true,null],"d":"x\ny\n","e":null,"f":"v1","g":"1"}`, typeJSON},
		{patchWeb, typeApplyPatch, "  {\"a\": 1}", `{"a":1}`, typeApplyPatch},
		{patchPod, typeMergePatch, `{"a":null}`, `{"a":null}`, typeMergePatch},
	} {
		_, b, why := readBody(t, c.line, c.mediaType, c.body)
		if b == nil {
			t.Errorf("%s: %s", c.body, why)
		} else if got := string(b.JSON()); got != c.sent || b.Type != c.as {
			t.Errorf("%s is sent as %s %s, want %s %s", c.body, b.Type, got, c.as, c.sent)
		}
	}
}

func TestMasksAreNotWrittenBack(t *testing.T) {
	secret, _ := parseLine("PUT /api/v1/namespaces/stg/secrets/db")
	masked := fields(secret, nil, false)
	for _, c := range []struct {
		line, mediaType, body string
		refused               bool
	}{
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"data":{"a":"aHVudGVyMg=="}}`, false},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"data":{"a":null}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"data":null}`, false},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"data":{"a":"***"}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"data":{"a":"Kioq"}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"stringData":{"a":"***word"}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"stringData":{"a":"*** a longer text"}}`, false},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":null}}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"metadata":{"annotations":{"kapp.k14s.io/original":""}}}`, true},
		{"PUT /api/v1/namespaces/stg/secrets/db", typeJSON, `{"metadata":{"annotations":{"team":""}},"stringData":{"a":""}}`, false},
		{"POST /api/v1/namespaces/stg/secrets", typeJSON, `{"metadata":{"annotations":{"kapp.k14s.io/original":""}}}`, false},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeMergePatch, `{"metadata":{"annotations":{"kapp.k14s.io/original":""}}}`, false},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeMergePatch, `{"data":{"a":null}}`, false},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeMergePatch, `{"data":{"a":"Kioq"}}`, true},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeJSONPatch, `[{"op":"add","path":"/data/a","value":"Kioq"}]`, true},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeApplyPatch, `{"data":{"a":null}}`, true},
	} {
		tuple, b, why := readBody(t, c.line, c.mediaType, c.body)
		if b == nil {
			t.Errorf("%s: %s", c.body, why)
			continue
		}
		r := b.WrittenBack(tuple, masked, false)
		if (r != nil) != c.refused {
			t.Errorf("%s %s: %+v", c.mediaType, c.body, r)
		}
	}
}

// What is sent is one JSON document that is read as what was judged, and says no more than what came.
func FuzzBody(f *testing.F) {
	for _, text := range []string{
		`{"metadata":{"name":"web"},"spec":{"hostPID":true}}`, "a: 1\nb:\n- x\n- y: \"z\"\n", `[{"op":"add","path":"/spec/hostPID","value":true}]`, `{"dryRun":["All"]}`, `{"a":1e400,"b":-0}`, "a: 'é'\n", "{a: [b, {c: 1.0}]}",
	} {
		for kind := range byte(8) {
			f.Add(kind, []byte(text))
		}
	}
	requests := []struct{ line, mediaType string }{
		{createPod, typeJSON}, {createPod, typeYAML}, {patchPod, typeJSONPatch}, {patchWeb, typeMergePatch}, {patchWeb, typeStrategicPatch}, {patchWeb, typeApplyPatch}, {deletePod, typeJSON}, {createRollout, typeYAML},
	}
	f.Fuzz(func(t *testing.T, kind byte, text []byte) {
		c := requests[int(kind)%len(requests)]
		tuple, b, _ := readBody(t, c.line, c.mediaType, string(text))
		if b == nil || b.Type == "" {
			return
		}
		sent := b.JSON()
		if !json.Valid(sent) {
			t.Fatalf("%q is sent", sent)
		}
		again, r := ReadBody(tuple, b.Type, sent)
		if r != nil {
			if len(sent) > maxBody {
				return
			}
			t.Fatalf("%q is sent and refused: %s", sent, r.Message)
		}
		if !equalFacts(again.Facts, b.Facts) || !bytes.Equal(again.JSON(), sent) {
			t.Fatalf("%q is judged as %+v, and %q sent as %+v", text, b.Facts, sent, again.Facts)
		}
	})
}
