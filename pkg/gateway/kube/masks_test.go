package kube

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const canary = "Y2FuYXJ5"

// filtered is an answer as somebody sees it for whom fields are masked.
func filtered(t *testing.T, fields []field, mediaType, text string) string {
	t.Helper()
	all, err := paths(fields)
	if err != nil {
		t.Fatal(err)
	}
	f, err := body.New(mediaType, body.Rules{Paths: all})
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Write(nil, []byte(text))
	if err == nil {
		out, err = f.Close(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestSecretsAreMaskedInEveryShapeOfAnswer(t *testing.T) {
	secret := `{"kind":"Secret","metadata":{"name":"db","annotations":{"team":"a","kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"` + canary +
		`\"}}"}},"data":{"p":"` + canary + `","release":"` + canary + `"},"stringData":{"q":"` + canary + `"},"type":"helm.sh/release.v1"}`
	row := `{"cells":["db","Opaque",2,"1d"],"object":` + secret + `}`
	for _, c := range []struct{ line, mediaType, answer string }{
		{"GET /api/v1/namespaces/stg/secrets/db", typeJSON, secret},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeJSON, secret},
		{"POST /api/v1/namespaces/stg/secrets", typeJSON, secret},
		{"GET /api/v1/secrets", typeJSON, `{"kind":"SecretList","items":[` + secret + `,` + secret + `]}`},
		{"GET /api/v1/secrets?watch=true", "application/json;stream=watch", `{"type":"ADDED","object":` + secret + "}\n" + `{"type":"DELETED","object":` + secret + "}\n"},
		{"GET /api/v1/secrets?fieldSelector=metadata.name=db", typeJSON, `{"kind":"Table","rows":[` + row + `]}`},
		{"GET /api/v1/secrets?watch=1&includeObject=Object", "application/json;stream=watch", `{"type":"ADDED","object":{"kind":"Table","rows":[` + row + "]}}\n"},
		{"DELETE /api/v1/namespaces/stg/secrets", typeJSON, `{"kind":"SecretList","items":[` + secret + `]}`},
	} {
		tuple, why := parseLine(c.line)
		if tuple == nil {
			t.Fatal(why)
		}
		got := filtered(t, fields(tuple, nil, false), c.mediaType, c.answer)
		if strings.Contains(got, canary) {
			t.Errorf("%s: %s", c.line, got)
		}
		if !strings.Contains(got, `"team":"a"`) || !strings.Contains(got, `"name":"db"`) {
			t.Errorf("%s: more than the values is masked: %s", c.line, got)
		}
	}
}

// What programs keep of an object beside it is the object once more: kapp all of it, Rancher's packed, and OpenShift the token that data has.
func TestNoAnnotationThatKeepsAnObjectShowsWhatIsMaskedInIt(t *testing.T) {
	for _, key := range []string{
		"kapp.k14s.io/original", "objectset.rio.cattle.io/applied", "kopf.zalando.org/last-handled-configuration", "banzaicloud.com/last-applied",
		"metacontroller.k8s.io/last-applied-configuration", "app.oam.dev/last-applied-configuration", "openshift.io/token-secret.value",
	} {
		metadata := `{"name":"db","annotations":{"team":"a","` + key + `":"` + canary + `"}}`
		for line, masks := range map[string][]policy.Mask{
			"GET /api/v1/namespaces/stg/secrets/db":             nil,
			"GET /apis/apps/v1/namespaces/stg/deployments/db":   {{Fields: []string{"*..env[*].value"}}},
			"PATCH /api/v1/namespaces/stg/configmaps/db/status": {{Fields: []string{"configmaps.data.password"}}},
		} {
			tuple, why := parseLine(line)
			if tuple == nil {
				t.Fatal(why)
			}
			masked := fields(tuple, masks, false)
			if got := filtered(t, masked, typeJSON, `{"metadata":`+metadata+`}`); strings.Contains(got, canary) || !strings.Contains(got, `"team":"a"`) {
				t.Errorf("%s with %s: %s", line, key, got)
			}
			b := &Body{Type: typeJSON, Document: object{{"metadata", object{{"annotations", object{{key, nil}}}}}}}
			if why := b.WrittenBack(tuple, masked, false); why == nil {
				t.Errorf("%s: the mask of %s is written back", line, key)
			}
		}
		tuple, _ := parseLine("GET /api/v1/namespaces/stg/secrets/db")
		if got := filtered(t, unrecorded(tuple), typeJSON, `{"metadata":`+metadata+`}`); strings.Contains(got, canary) {
			t.Errorf("recorded with %s: %s", key, got)
		}
	}
}

func TestWhatIsMaskedIsSaidByThePolicyAndByDefaultForSecrets(t *testing.T) {
	for _, c := range []struct {
		line, answer string
		masks        []policy.Mask
		own          bool
		masked       bool
	}{
		{"GET /api/v1/namespaces/stg/secrets/db", `{"data":{"p":"` + canary + `"}}`, nil, false, true},
		{"GET /api/v1/namespaces/stg/secrets/db", `{"data":{"p":"` + canary + `"}}`, nil, true, false},
		{"GET /api/v1/namespaces/stg/secrets/db", `{"data":{"p":"` + canary + `"}}`, []policy.Mask{{Fields: []string{"secrets.data.*"}}}, true, true},
		{"GET /api/v1/namespaces/stg/secrets/db", `{"data":{"p":"` + canary + `"}}`, []policy.Mask{{Fields: []string{"secrets.data.q"}}}, true, false},
		{"GET /api/v1/namespaces/stg/secrets/db", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"` + canary + `"}}}`, []policy.Mask{{Fields: []string{"secrets.data.q"}}}, true, true},
		{"GET /api/v1/namespaces/stg/configmaps/db", `{"data":{"p":"` + canary + `"}}`, nil, false, false},
		{"GET /api/v1/namespaces/stg/configmaps/db", `{"data":{"p":"` + canary + `"}}`, []policy.Mask{{Fields: []string{"configmaps.data.p"}, As: "last4"}}, false, true},
		{"GET /api/v1/namespaces/stg/pods/web", `{"spec":{"containers":[{"env":[{"name":"P","value":"` + canary + `"}]}]}}`, []policy.Mask{{Fields: []string{"pods.spec.containers[*].env[*].value"}}}, false, true},
		{"GET /apis/apps/v1/namespaces/stg/deployments/web", `{"spec":{"template":{"spec":{"containers":[{"env":[{"value":"` + canary + `"}]}]}}}}`, []policy.Mask{{Fields: []string{"*..env[*].value"}}}, false, true},
		{"GET /api/v1/namespaces/stg/pods/web", `{"spec":"` + canary + `"}`, []policy.Mask{{Fields: []string{"configmaps.spec"}}}, false, false},
		{"GET /apis/apps/v1/namespaces/stg/deployments/web/status", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"` + canary + `"}}}`, []policy.Mask{{Fields: []string{"*..env[*].value"}}}, false, true},
		{"GET /apis/example.com/v1/namespaces/stg/widgets/w", `{"metadata":{"managedFields":[{"fieldsV1":{"f:spec":{"f:tags":{"v:\"` + canary + `\"":{}}}}}]}}`, []policy.Mask{{Fields: []string{"widgets.spec.tags[*]"}}}, false, true},
		{"GET /api/v1/namespaces/stg/pods/web", `{"metadata":{"managedFields":[{"fieldsV1":{"f:spec":{"` + canary + `":{}}}}]}}`, nil, false, false},
		{"POST /api/v1/namespaces/stg/serviceaccounts/ci/token", `{"status":{"token":"` + canary + `"}}`, nil, false, true},
		{"POST /api/v1/namespaces/stg/serviceaccounts/ci/token", `{"status":{"token":"` + canary + `"}}`, []policy.Mask{{Fields: []string{"secrets.data.*"}}}, true, true},
		{"POST /api/v1/namespaces/stg/serviceaccounts/ci/token", `{"status":{"token":"` + canary + `"}}`, nil, true, false},
	} {
		tuple, why := parseLine(c.line)
		if tuple == nil {
			t.Fatal(why)
		}
		got := filtered(t, fields(tuple, c.masks, c.own), typeJSON, c.answer)
		if strings.Contains(got, canary) == c.masked {
			t.Errorf("%s with %v, own %t: %s", c.line, c.masks, c.own, got)
		}
	}
}

// L1: a mask that has to do with Secrets does not show them to everybody whom it does not hold for.
func TestSecretsAreShownOnlyToWhomAMaskShowsThem(t *testing.T) {
	tuple, _ := parseLine("GET /api/v1/namespaces/stg/secrets/db")
	for mask, shown := range map[string]bool{
		`unless: {groups: [ops]}, fields: ["secrets.data.*"]`:                             true,
		`unless: {groups: [ops]}, fields: ["configmaps.data.*", "secrets.data"]`:          true,
		`unless: {groups: [dba]}, fields: ["secrets.data.*"]`:                             false,
		`who: {groups: [dba]}, fields: ["secrets.data.*"]`:                                false,
		`unless: {groups: [ops]}, fields: ["secrets.metadata.labels.team"]`:               false,
		`unless: {groups: [ops]}, fields: ["secrets.data.password"]`:                      false,
		`unless: {groups: [ops]}, fields: ["secrets.stringData.*"]`:                       false,
		`unless: {groups: [ops]}, fields: ["*.data.*"]`:                                   false,
		`unless: {groups: [ops]}, on: {connections: [other]}, fields: ["secrets.data.*"]`: false,
	} {
		p, problems := policy.Parse([]byte("version: 1\nmasks: [{name: m, as: redact, "+mask+"}]\n"), "policy.yaml")
		if p == nil {
			t.Fatal(problems)
		}
		now := &guard.Standing{Standing: p.Standing(policy.Subject{User: "pia", Groups: []string{"ops"}}, policy.Connection{Name: "stg", Kind: Kind})}
		got := filtered(t, fieldsOf(tuple, now), typeJSON, `{"data":{"release":"`+canary+`"}}`)
		if strings.Contains(got, canary) != shown {
			t.Errorf("%s: %s", mask, got)
		}
	}
}

func TestRecordingsHoldNoMaskedValueOfARequest(t *testing.T) {
	for _, c := range []struct{ line, mediaType, text string }{
		{"POST /api/v1/namespaces/stg/secrets", typeJSON, `{"data":{"p":"` + canary + `"},"stringData":{"q":"` + canary + `"}}`},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeStrategicPatch, `{"data":{"p":"` + canary + `"}}`},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeApplyPatch, "data:\n  p: " + canary + "\n"},
		{"PATCH /api/v1/namespaces/stg/secrets/db", typeJSONPatch, `[{"op":"add","path":"/data/p","value":"` + canary + `"},{"op":"add","path":"/data","value":{"p":"` + canary + `"}}]`},
	} {
		tuple, b, why := readBody(t, c.line, c.mediaType, c.text)
		if b == nil {
			t.Fatal(why)
		}
		got, err := b.recorded(fields(tuple, nil, false))
		if err != nil || strings.Contains(got, canary) || got == "" {
			t.Errorf("%s %s: %s, %v", c.line, c.text, got, err)
		}
	}
}

func TestNoRecordingHasATokenThatAReviewIsAbout(t *testing.T) {
	const line, text = "POST /apis/authentication.k8s.io/v1/tokenreviews", `{"kind":"TokenReview","spec":{"token":"` + canary + `","audiences":["api"]}}`
	tuple, b, why := readBody(t, line, typeJSON, text)
	if b == nil {
		t.Fatal(why)
	}
	asked, err := b.recorded(append(unrecorded(tuple), fields(tuple, nil, false)...))
	answered := filtered(t, unrecorded(tuple), typeJSON, text) // API servers say it again
	if err != nil || strings.Contains(asked+answered, canary) || !strings.Contains(asked, "audiences") || !strings.Contains(answered, "audiences") {
		t.Errorf("%s, %v\n%s", asked, err, answered)
	}
	if shown := filtered(t, fields(tuple, nil, false), typeJSON, text); shown != text {
		t.Errorf("who asks sees %s", shown)
	}
}

func TestAnswersAreAskedForAsJSON(t *testing.T) {
	const table = typeJSON + ";as=Table;g=meta.k8s.io;v=v1"
	for _, c := range []struct {
		asked  string
		tables bool
		want   string
	}{
		{"", true, typeJSON},
		{"*/*", true, typeJSON},
		{"application/vnd.kubernetes.protobuf, */*", true, typeJSON},
		{"application/yaml", true, typeJSON},
		{"application/cbor;stream=watch", true, typeJSON},
		{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", true, table + "," + typeJSON + ";as=Table;g=meta.k8s.io;v=v1beta1," + typeJSON},
		{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json", false, typeJSON},
		{"application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", false, typeJSON + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," + typeJSON},
		{"application/json;as=Table;v=v9;g=meta.k8s.io", true, typeJSON},
		{"application/json;as=Secret;v=v1;g=meta.k8s.io", true, typeJSON},
		{"text/html;as=Table;v=v1;g=meta.k8s.io", true, typeJSON},
		{";;;\x00", true, typeJSON},
	} {
		if got := Accept(c.asked, c.tables); got != c.want {
			t.Errorf("%q, tables %t: %s, want %s", c.asked, c.tables, got, c.want)
		}
	}
	for contentType, want := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "application/json;charset=utf-16": false, "": false, "text/plain": false,
		"application/vnd.kubernetes.protobuf": false, "application/cbor": false, "application/yaml": false,
	} {
		if answersJSON(contentType) != want {
			t.Errorf("%q is taken for JSON: %t", contentType, !want)
		}
	}
}

// What is masked whatever a policy says is read once, not for every request.
func TestPlacesThatNoPolicyNamesAreReadOnce(t *testing.T) {
	secret, _ := parseLine("GET /api/v1/namespaces/stg/secrets/db")
	token, _ := parseLine("POST /api/v1/namespaces/stg/serviceaccounts/ci/token")
	for _, f := range append(append(fields(secret, nil, false), fields(token, nil, false)...), managers) {
		want, err := f.parsed(forms)
		got, again := f.in(forms)
		if err != nil || again != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %v, %v, %v", f.place, got, err, again)
		}
		if n := testing.AllocsPerRun(10, func() { _, _ = f.in(forms) }); n > 0 {
			t.Errorf("%s is read anew, with %.0f allocations", f.place, n)
		}
	}
}
