package kube_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

const accountsPolicy = `version: 1
rules: [{name: change, effects: [write], kube: {resources: ["*"], service_accounts: [app]}, verdict: VERDICT}]
`

// What the gateway looked at is what the cluster is asked to change, and the look is taken as the person.
func TestAnApplyWithoutAnAccountIsForTheVersionThatWasLookedAt(t *testing.T) {
	const web, line = "/apis/apps/v1/namespaces/stg/deployments/web", "PATCH /apis/apps/v1/namespaces/stg/deployments/web?fieldManager=a"
	pod := func(fields string) string { return `{"f:spec":{"f:template":{"f:spec":` + fields + `}}}` }
	by := func(manager, operation, fields string) string {
		return fmt.Sprintf(`{"manager":%q,"operation":%q,"fieldsV1":%s}`, manager, operation, fields)
	}
	allow := strings.Replace(accountsPolicy, "VERDICT", "allow", 1)
	for name, c := range map[string]struct {
		rules, line, status, managers, body string
		passes                              bool
		looks                               int
	}{
		"nobody applied it":         {allow, line, "200", "", `{"spec":{"replicas":2}}`, true, 1},
		"somebody else did":         {allow, line, "200", by("b", "Apply", pod(`{"f:serviceAccountName":{}}`)), `{"spec":{"replicas":2}}`, true, 1},
		"it was set in another way": {allow, line, "200", by("a", "Update", pod(`{"f:serviceAccountName":{}}`)), `{"spec":{"replicas":2}}`, true, 1},
		"of a pod without it":       {allow, line, "200", "", `{"spec":{"template":{"spec":{"containers":[]}}}}`, true, 1},
		"this manager did":          {allow, line, "200", by("b", "Apply", pod(`{}`)) + "," + by("a", "Apply", pod(`{"f:serviceAccountName":{}}`)), `{"spec":{"replicas":2}}`, false, 1},
		"by its old name":           {allow, line, "200", by("a", "Apply", pod(`{"f:serviceAccount":{}}`)), `{"spec":{"replicas":2}}`, false, 1},
		"fields that can't be read": {allow, line, "200", by("a", "Apply", `{"f:spec":{},"f:spec":{}}`), `{"spec":{"replicas":2}}`, false, 1},
		"it is not there":           {allow, line, "404", "", `{"spec":{"replicas":2}}`, false, 1},
		"it may not be looked at":   {allow, line, "403", "", `{"spec":{"replicas":2}}`, false, 1},
		"for this version":          {allow, line, "200", "", `{"metadata":{"resourceVersion":"7"},"spec":{"replicas":2}}`, true, 1},
		"for another version":       {allow, line, "200", "", `{"metadata":{"resourceVersion":"6"},"spec":{"replicas":2}}`, false, 1},
		"for another object":        {allow, line, "200", "", `{"metadata":{"uid":"v"},"spec":{"replicas":2}}`, false, 1},
		"no manager":                {allow, "PATCH " + web, "200", "", `{"spec":{"replicas":2}}`, false, 0},
		"an account":                {allow, line, "200", "", `{"spec":{"template":{"spec":{"serviceAccountName":"app"}}}}`, true, 0},
		"another account":           {allow, line, "200", "", `{"spec":{"template":{"spec":{"serviceAccountName":"admin"}}}}`, false, 0},
		"none":                      {allow, line, "200", "", `{"spec":{"template":{"spec":{"serviceAccountName":null}}}}`, false, 0},
		"no pod":                    {allow, line, "200", "", `{"spec":{"template":null}}`, false, 0},
		"an account elsewhere":      {allow, line, "200", "", `{"spec":{"other":{"serviceAccountName":"admin"}}}`, false, 1},
		"a kind that nobody knows":  {allow, "PATCH /apis/example.com/v1/namespaces/stg/widgets/w?fieldManager=a", "200", "", `{"spec":{"replicas":2}}`, false, 0},
		"no rule asks for it":       {"version: 1\nrules: [{name: change, effects: [write], verdict: allow}]\n", line, "200", "", `{"spec":{"replicas":2}}`, true, 0},
		"another kind of patch":     {allow, line, "200", "", `[]`, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			log := &httpform.Journal{}
			target := at(httpform.Logging(t, log, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.Method == "GET" && c.status != "200" {
					w.WriteHeader(403)
				}
				fmt.Fprintf(w, `{"metadata":{"uid":"u","resourceVersion":"7","managedFields":[%s]}}`, c.managers)
			}))
			mediaType := "application/apply-patch+yaml"
			if c.body == "[]" {
				mediaType = "application/json-patch+json"
			}
			a := open(t, target, c.rules).Ask(c.line, "Content-Type: "+mediaType, c.body)
			if (a.StatusCode == 200) != c.passes || log.Count("PATCH") > 0 != c.passes || log.Count("GET") != c.looks {
				t.Errorf("%s %s\n%s", a.Status, a.Text, log)
			}
			if c.passes && c.looks > 0 && log.Count(`\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\"}`) != 1 {
				t.Errorf("it is sent for whatever version: %s", log)
			}
			if c.looks > 0 && log.Count("Impersonate-User:[dev]") != log.Count(" /") {
				t.Errorf("not all was asked as the person: %s", log)
			}
		})
	}
}

// While a person is asked the object changes, and the request stays the same one.
func TestARequestForAnApplyIsTheSameForEveryVersion(t *testing.T) {
	var version atomic.Int64
	s := open(t, at(httpform.Site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"metadata":{"uid":"u","resourceVersion":"%d"}}`, version.Add(1))
	})), `version: 1
rules:
  - {name: change, effects: [write], kube: {namespaces: [stg]}, verdict: approve, approval: {by: {groups: [dba]}}}
  - {name: accounts, effects: [write], kube: {service_accounts: [admin]}, verdict: deny}
`)
	for range 2 {
		s.Ask("PATCH /apis/apps/v1/namespaces/stg/deployments/web?fieldManager=a", "Content-Type: application/apply-patch+yaml", `{"spec":{"replicas":2}}`)
	}
	asked := s.Desk.Asked()
	if len(asked) != 2 || asked[0].Digest != asked[1].Digest || !strings.Contains(asked[0].Command, `"resourceVersion":"1"`) || !strings.Contains(asked[1].Command, `"resourceVersion":"2"`) {
		t.Errorf("%+v", asked)
	}
}
