package kube

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// saidInvalid is the Status of an API server for faults, each a field and words.
func saidInvalid(about string, causes ...[2]string) string {
	o, list, messages := object{{"kind", "Status"}, {"reason", "Invalid"}}, []any{}, []string{}
	for _, c := range causes {
		list = append(list, object{{"reason", "FieldValueInvalid"}, {"message", c[1]}, {"field", c[0]}})
		messages = append(messages, c[0]+": "+c[1])
	}
	o = append(o, member{"details", object{{"causes", list}}}, member{"message", about + " is invalid: " + listed(messages)})
	return string(appendJSON(nil, o))
}

// What an API server asks of a field is shown, and no value, be it of a field that is not masked.
func TestWhatIsAskedOfAFieldIsShownWithoutItsValue(t *testing.T) {
	masked := []field{{".spec..env[*].value", "redact"}, {".spec.hidden", "redact"}, {".data.*", "null"}, {".spec.tags['0']", "null"}, {".spec.list[3]", "null"}, {".spec.shown", "redact"}}
	tuple, _ := parseLine("PATCH /apis/apps/v1/namespaces/stg/deployments/web")
	const about = `Deployment.apps "web"`
	for _, c := range []struct{ place, words, shown string }{
		{"spec.replicas", "Invalid value: -1: must be greater than or equal to 0", "Invalid value: ***: must be greater than or equal to 0"},
		{"spec.ports[0].port", "Invalid value: 0: must be between 1 and 65535, inclusive", "Invalid value: ***: must be between 1 and 65535, inclusive"},
		{"spec.selector", `Invalid value: {"matchLabels":{"a":"` + canary + `"}}: field is immutable`, "Invalid value: ***: field is immutable"},
		{"spec.template.metadata.labels", `Invalid value: {"a":"` + canary + "\"}: `selector` does not match template `labels`", "Invalid value: ***: `selector` does not match template `labels`"},
		{"spec.a", `Unsupported value: "` + canary + `": supported values: "Always", "Never"`, `Unsupported value: ***: supported values: "Always", "Never"`},
		{"spec.a", `Unsupported value: ": supported values: ` + canary + `": supported values: "Always"`, `Unsupported value: ***: supported values: "Always"`},
		{"spec.a", `Unsupported value: "x": supported values: "a ` + canary + `"`, ""},
		{"spec.a", `Duplicate value: "` + canary + `"`, "Duplicate value: ***"},
		{"spec.a[1].name", `Not found: "` + canary + `"`, "Not found: ***"},
		{"spec.a", "Required value", "Required value"},
		{"spec.a", "Required value: it was " + canary, ""},
		{"spec.a", `Too long: may not be more than 63 bytes`, `Too long: may not be more than 63 bytes`},
		{"spec.a", `Invalid value: "` + canary + `"`, ""},
		{"spec.a", `Invalid value: "x": must match ` + canary, ""},
		{"spec.a", `Invalid value: "x": field is immutable, as ` + canary, ""},
		{"spec.a", `Invalid value: 7: must be less than or equal to cpu limit of 6`, ""},
		{"spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.tolerations` (only additions to existing tolerations)\n@@ " + canary,
			"Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.tolerations` (only additions to existing tolerations)"},
		{"spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image` " + canary, ""},
		{"spec.hidden", "Invalid value: -1: must be greater than or equal to 0", ""},
		{"spec.hidden.below", "Required value", ""},
		{"spec.template.spec.containers[1].env[0].value", "Required value", ""},
		{"spec.template.spec.containers[1].env[0].name", "Required value", "Required value"},
		{"data[a.key]", "Required value", ""},
		{"spec.tags[0]", "Required value", ""},
		{"spec.list[3]", "Required value", ""},
		{"spec.list[2]", "Required value", "Required value"},
		{"spec.list[9999]", "Required value", ""},
		{"spec.shown", "Required value", ""},
		{"spec.odd]", "Required value", "Required value"},
		{"spec.odd[", "Required value", ""},
		{"spec..a", "Required value", ""},
	} {
		want := c.shown
		if want == "" {
			want = unspoken
		}
		if got, want := shownOf(t, tuple, 422, masked, saidInvalid(about, [2]string{c.place, c.words})), saidInvalid(about, [2]string{c.place, want})+"\n"; got != want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.place, c.words, got, want)
		}
	}
	one, two := [2]string{"spec.a", "Required value"}, [2]string{"spec.hidden", "Invalid value: 1: " + canary}
	got := shownOf(t, tuple, 422, masked, saidInvalid(about, two, one, two, [2]string{"spec.b", canary}))
	hidden := [2]string{"spec.hidden", unspoken}
	if want := saidInvalid(about, hidden, one, [2]string{"spec.hidden", stars}, [2]string{"spec.b", stars}) + "\n"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Whoever judges changes for a cluster says what it likes, and its causes may be made to look like a cluster's.
func TestCausesThatAreNotTheClustersOwnAreHidden(t *testing.T) {
	masked := []field{{".spec.hidden", "redact"}}
	tuple, _ := parseLine("PATCH /apis/apps/v1/namespaces/stg/deployments/web")
	own := saidInvalid(`Deployment.apps "web"`, [2]string{"spec.a", "Required value"})
	for _, text := range []string{
		strings.Replace(own, `"message":"Deployment`, `"message":"admission webhook \"x\" denied the request: Deployment`, 1), strings.Replace(own, "is invalid: spec.a", "is invalid: spec.b", 1),
		strings.Replace(own, `"reason":"Invalid"`, `"reason":"Forbidden"`, 1), strings.Replace(own, `,"field":"spec.a"`, "", 1),
	} {
		if got := shownOf(t, tuple, 422, masked, text); strings.Contains(got, "Required value") || !strings.Contains(got, "hoop hides") {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

// A value is never taken for words of a cluster, whatever it is like.
func FuzzFault(f *testing.F) {
	f.Add("x", "Invalid value", uint8(0))
	f.Add(`": field is immutable`, "Invalid value", uint8(1))
	f.Add(`": supported values: "Secret"`, "Unsupported value", uint8(2))
	f.Add("\n@@ `spec.containers[*].image`", "Too many", uint8(3))
	asked := []string{": field is immutable", ": must be greater than 0", ": `selector` does not match template `labels`", ": must have at most 63 bytes"}
	f.Fuzz(func(t *testing.T, value, kind string, n uint8) {
		if kind != "Invalid value" && kind != "Unsupported value" && kind != "Too many" {
			return
		}
		inObject, err := json.Marshal(map[string]any{"a": []string{value}})
		if err != nil {
			return
		}
		inList, _ := json.Marshal([]string{value})
		asks := asked[int(n)%len(asked)]
		if kind == "Unsupported value" {
			asks = `: supported values: "Always", "Never"`
		}
		for _, quoted := range []string{strconv.Quote(value), string(inObject), string(inList)} {
			if got := fault(kind + ": " + quoted); got != "" {
				t.Errorf("%s is shown as %q", quoted, got)
			}
			if got, want := fault(kind+": "+quoted+asks), kind+": ***"+asks; got != want {
				t.Errorf("%s is shown as %q", quoted, got)
			}
		}
	})
}
