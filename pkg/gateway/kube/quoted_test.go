package kube

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// shownOf is an answer as somebody sees it for whom fields are masked, in pieces of one byte.
func shownOf(t *testing.T, tuple *Tuple, status int, masked []field, text string) string {
	t.Helper()
	filter, err := telling(tuple, &http1.Answer{Status: status}, masked, func(f []field) (exchange.Filter, error) {
		all, err := paths(f)
		if err != nil {
			return nil, err
		}
		return body.New(typeJSON, body.Rules{Paths: all})
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for i := range text {
		if out, err = filter.Write(out, []byte(text[i:i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if out, err = filter.Close(out); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// L4: what is said of a change that is not taken quotes the values that are stored, whatever its status.
func TestARefusedChangeDoesNotQuoteWhatIsMasked(t *testing.T) {
	masked := []field{{".spec.containers[*].env[*].value", "redact"}}
	saying := func(words string) string {
		return `{"kind":"Status","message":"` + words + `","details":{"name":"web","causes":[{"message":"` + words + `","field":"spec"}]},"code":422}`
	}
	long := strings.Repeat("x", mostSaid) + canary
	for _, line := range []string{
		"PATCH /api/v1/namespaces/stg/pods/web", "PUT /api/v1/namespaces/stg/pods/web", "POST /api/v1/namespaces/stg/pods", "DELETE /api/v1/namespaces/stg/pods/web",
		"PATCH /api/v1/namespaces/stg/secrets/db", "PATCH /api/v1/namespaces/stg/pods/web/status",
	} {
		tuple, why := parseLine(line)
		if tuple == nil {
			t.Fatal(why)
		}
		for _, status := range []int{400, 403, 404, 409, 422, 500, 504} {
			for _, words := range []string{`Pod is invalid: Value: ` + canary, long} {
				got := shownOf(t, tuple, status, masked, saying(words))
				if strings.Contains(got, canary) || !strings.Contains(got, `"field":"spec"`) {
					t.Errorf("%s %d: %.300s", line, status, got)
				}
			}
		}
		if got := shownOf(t, tuple, 422, nil, saying(canary)); !strings.Contains(got, canary) {
			t.Errorf("%s, nothing masked: %s", line, got)
		}
	}
}

func TestPlainWordsOfAnAPIServerAreShown(t *testing.T) {
	masked := []field{{".data.*", "null"}}
	tuple, _ := parseLine("PATCH /api/v1/namespaces/stg/secrets/db")
	for words, shown := range map[string]bool{
		`secrets \"db\" not found`:             true,
		`secrets \"db\" already exists`:        true,
		`deployments.apps \"web\" not found`:   true,
		`secrets \"db\" not found: ` + canary:  false,
		canary + ` secrets \"db\" not found`:   false,
		`secrets \"db\" \n not found`:          false,
		`Unauthorized`:                         true,
		`admission webhook \"x\" denied it`:    false,
		`secrets \"db\" is forbidden: it is x`: false,
		`Operation cannot be fulfilled on secrets \"db\": the object has been modified; please apply your changes to the latest version and try again`: true,
		`Operation cannot be fulfilled on secrets \"db\": StorageError: invalid object, ` + canary:                                                     false,
		`secrets \"db\" is forbidden: User \"dev\" cannot patch resource \"secrets\" in API group \"\" in the namespace \"stg\"`:                       true,
		`secrets is forbidden: User \"dev\" cannot list resource \"secrets\" in API group \"\" at the cluster scope`:                                   true,
		`secrets is forbidden: User \"dev\" cannot list resource \"secrets\" in API group \"\" at the cluster scope: ` + canary:                        false,
		`the server rejected our request due to an error in our request`:                                                                               true,
	} {
		text := `{"kind":"Status","message":"` + words + `","code":404}`
		if got := shownOf(t, tuple, 404, masked, text); (got == text) != shown {
			t.Errorf("%s", got)
		}
		for _, other := range []string{
			`{"message":"` + words + `","details":{"causes":[{"message":"` + canary + `"}]}}`, `{"message":"` + words + `","message":"` + canary + `"}`,
		} {
			if got := shownOf(t, tuple, 404, masked, other); strings.Contains(got, canary) {
				t.Errorf("%s", got)
			}
		}
	}
	read, _ := parseLine("GET /api/v1/namespaces/stg/secrets/db")
	for status, shown := range map[int]bool{400: true, 404: true, 410: true, 422: false, 500: false, 503: false} {
		if got := shownOf(t, read, status, masked, `{"message":"`+canary+`"}`); strings.Contains(got, canary) != shown {
			t.Errorf("a read, %d: %s", status, got)
		}
	}
}

// A field that is misspelt, and one that somebody else applied, are what people most often have to be told of.
func TestWordsAboutFieldsAreShownWithoutTheirValues(t *testing.T) {
	masked := []field{{".data.*", "null"}}
	tuple, _ := parseLine("PATCH /apis/apps/v1/namespaces/stg/deployments/web")
	const strict = `: strict decoding error: unknown field \"spec.replica\", duplicate field \"spec.x\"`
	conflict := `{"kind":"Status","message":"Apply failed with 2 conflicts: conflicts with \"b\" using v1:\n- .data.a\n- .spec.containers[name=\"app\"].image","details":{"causes":[{"message":"conflict with \"b\" using v1","field":".data.a"}]}}`
	misspelt := func(value string) string {
		return `{"kind":"Status","message":" \"\" is invalid: patch: Invalid value: \"` + value + `\"` + strict + `","details":{"causes":[{"message":"Invalid value: \"` + value + `\"` + strict + `","field":"patch"}]}}`
	}
	for text, want := range map[string]string{
		conflict: conflict,
		`{"kind":"Status","message":"Deployment in version \"v1\" cannot be handled as a Deployment` + strict + `"}`: `{"kind":"Status","message":"Deployment in version \"v1\" cannot be handled as a Deployment` + strict + `"}`,
		misspelt(canary): misspelt("***") + "\n",
		misspelt(`{\\\"a\\\":\\\"` + canary + `\\\"}` + strings.Repeat("x", 32<<10)): misspelt("***") + "\n",
	} {
		if got := shownOf(t, tuple, 422, masked, text); got != want {
			t.Errorf("%.400s\nwant %.400s", got, want)
		}
	}
	for _, words := range []string{
		` \"\" is invalid: patch: Invalid value: \"x\": ` + canary + strict, ` \"\" is invalid: patch: Invalid value: \"x\"` + strict + canary, ` \"\" is invalid: patch: Invalid value: ` + canary + strict,
		`Apply failed with 1 conflict: ` + canary, `Apply failed with 1 conflict: conflict with \"b\" using v1: ` + canary, `conflict with \"b\" using v1` + canary,
	} {
		for _, text := range []string{`{"kind":"Status","message":"` + words + `"}`, `{"kind":"Status","message":{"m":"` + words + `"}}`, `{"kind":"Status","details":{"causes":[{"message":"` + words + `"}]}}`, `{"kind":"Status","details":{"causes":{"a":{"message":"` + words + `"}}}}`} {
			if got := shownOf(t, tuple, 422, masked, text); strings.Contains(got, canary) {
				t.Errorf("%s is shown as %s", text, got)
			}
		}
	}
}

func TestWarningsDoNotQuoteWhatIsMasked(t *testing.T) {
	patch, _ := parseLine("PATCH /api/v1/namespaces/stg/secrets/db")
	read, _ := parseLine("GET /api/v1/namespaces/stg/secrets/db")
	for value, plain := range map[string]bool{
		`299 - "policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+"`:            true,
		`299 - "autoscaling/v2beta2 X is deprecated in v1.23+, unavailable in v1.26+; use autoscaling/v2 X"`: true,
		`299 - "unknown field \"spec.x\""`: true,
		`299 - "Validation failed for ValidatingAdmissionPolicy 'x' with binding 'y': it is ` + canary + `"`: false,
		`299 - "` + canary + ` \" is deprecated in v1.2+"`:                                                   false,
	} {
		a := &http1.Answer{Status: 200, Fields: http1.Fields{{Name: "Warning", Value: value}}}
		for _, c := range []struct {
			tuple  *Tuple
			masked bool
			shown  bool
		}{{patch, true, plain}, {patch, false, true}, {read, true, true}} {
			if got := answered(c.tuple, a, false, c.masked); len(got) != 1 || (got[0].Value == value) != c.shown || !c.shown && !strings.Contains(got[0].Value, "hoop hides") {
				t.Errorf("%s of %s: %v", value, c.tuple.Verb, got)
			}
		}
	}
}
