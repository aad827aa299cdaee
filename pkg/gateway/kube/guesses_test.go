package kube

import (
	"strings"
	"testing"
)

// L3: a test of a JSON patch compares with the value as it is stored, and must not tell who sees a mask in its place.
func TestAPatchDoesNotGuessWhatIsMasked(t *testing.T) {
	for _, c := range []struct {
		path, body string
		refused    bool
	}{
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"test","path":"/data/pin","value":"MTIzNA=="}]`, true},
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"test","path":"/data","value":{"pin":"MTIzNA=="}}]`, true},
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"test","path":"","value":{}}]`, true},
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"test","path":"/metadata/annotations","value":{}}]`, true},
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"add","path":"/data/a","value":"eA=="},{"op":"test","path":"/d~0ata","value":1}]`, true},
		{"/api/v1/namespaces/stg/secrets/db", `[{"op":"test","path":"/metadata/resourceVersion","value":"7"},{"op":"remove","path":"/data/a"}]`, false},
		{"/api/v1/namespaces/stg/pods/web", `[{"op":"test","path":"/spec/hostPID","value":true}]`, false},
	} {
		tuple, b, why := readBody(t, "PATCH "+c.path, typeJSONPatch, c.body)
		if b == nil {
			t.Fatal(why)
		}
		if r := b.guesses(fields(tuple, nil, false)); (r != nil) != c.refused {
			t.Errorf("%s: %+v", c.body, r)
		}
	}
}

// L4: what is said of a change that is not taken quotes the values that are stored.
func TestARefusedChangeDoesNotQuoteWhatIsMasked(t *testing.T) {
	masked := []field{{".spec.containers[*].env[*].value", "redact"}}
	answer := `{"kind":"Status","message":"Pod \"web\" is invalid: - Value: \"` + canary + `\"","details":{"name":"web","causes":[{"message":"` + canary + `","field":"spec"}]},"code":422}`
	for line, status := range map[string]int{"PATCH /api/v1/namespaces/stg/pods/web": 422, "PUT /api/v1/namespaces/stg/pods/web": 422} {
		tuple, why := parseLine(line)
		if tuple == nil {
			t.Fatal(why)
		}
		got := filtered(t, quoted(tuple, status, masked), typeJSON, answer)
		if strings.Contains(got, canary) || !strings.Contains(got, `"field":"spec"`) {
			t.Errorf("%s: %s", line, got)
		}
		if len(quoted(tuple, 404, masked)) != 1 || quoted(tuple, status, nil) != nil {
			t.Errorf("%s: more than what quotes is masked", line)
		}
	}
}
