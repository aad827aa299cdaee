package kube

import "testing"

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
