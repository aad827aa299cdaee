package policy_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// requested is a request to a service: "GET /a?b=c".
func requested(t testing.TB, line string, more ...func(*policy.HTTP)) policy.Command {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	h := &policy.HTTP{Method: method, Path: path, Query: values}
	for _, m := range more {
		m(h)
	}
	effect := map[string]policy.Effect{"GET": policy.Read, "HEAD": policy.Read, "DELETE": policy.Delete}[method]
	if effect == "" {
		effect = policy.Write
	}
	return policy.Command{Accesses: []policy.Access{{Effect: effect, Object: path}}, HTTP: h}
}

func calls(tool string) func(*policy.HTTP) {
	return func(h *policy.HTTP) {
		h.RPC, h.Tool = "tools/call", tool
		h.Arguments = map[string]any{"amount": json.Number("12"), "rate": json.Number("0.5"), "to": []any{"a", json.Number("3")}}
	}
}

func header(name string, values ...string) func(*policy.HTTP) {
	return func(h *policy.HTTP) { h.Headers = map[string][]string{name: values} }
}

// slashes says that a service may take encoded slashes for slashes.
func slashes(h *policy.HTTP) { h.Decoded = strings.ReplaceAll(h.Path, "%2F", "/") }

func httpRule(fields, verdict string) string {
	return strings.Replace(kubeRule(fields, verdict), "kube:", "http:", 1)
}

// TestMatchingOfServices is the table of what rules can ask of requests to HTTP services.
func TestMatchingOfServices(t *testing.T) {
	all := "verdict: allow"
	allow := func(fields string) []string { return []string{httpRule(fields, "allow")} }
	deny := func(fields string) []string { return []string{all, httpRule(fields, "deny")} }
	ask := func(line string, more ...func(*policy.HTTP)) policy.Command { return requested(t, line, more...) }
	for _, c := range []struct {
		rule    string
		rules   []string
		command policy.Command
		want    string
	}{
		{"a method", allow("methods: [GET]"), ask("GET /a"), "allow r0"},
		{"HEAD is GET", allow("methods: [GET]"), ask("HEAD /a"), "allow r0"},
		{"and denied with it", deny("methods: [GET]"), ask("HEAD /a"), "deny r1"},
		{"GET is not HEAD", allow("methods: [HEAD]"), ask("GET /a"), "deny default"},
		{"another method", allow("methods: [GET]"), ask("POST /a"), "deny default"},

		{"a path", allow("paths: [/api/users]"), ask("GET /api/users"), "allow r0"},
		{"not one below it", allow("paths: [/api/users]"), ask("GET /api/users/1"), "deny default"},
		{"not one that begins like it", allow("paths: [/api/users]"), ask("GET /api/users2"), "deny default"},
		{"a slash at its end is another path", allow("paths: [/api/users]"), ask("GET /api/users/"), "deny default"},
		{"so is another case", allow("paths: [/api/users]"), ask("GET /API/users"), "deny default"},
		{"but neither evades a rule that denies", deny("paths: [/api/users]"), ask("GET /Api/Users/"), "deny r1"},
		{"nor does its lack", deny("paths: [/api/users/]"), ask("GET /api/users"), "deny r1"},
		{"nor one that is asked for", []string{all, httpRule("paths: [/api/users]", "approve")}, ask("GET /api/users/"), "approve r1"},
		{"but nobody is asked to admit it", []string{httpRule("paths: [/api/users]", "approve")}, ask("GET /api/users/"), "deny default"},
		{"a segment", allow(`paths: ["/api/users/{id}"]`), ask("GET /api/users/1"), "allow r0"},
		{"that a star stands for", allow(`paths: ["/api/*/keys"]`), ask("GET /api/1/keys"), "allow r0"},
		{"is not two", allow(`paths: ["/api/users/{id}"]`), ask("GET /api/users/1/keys"), "deny default"},
		{"is not none", allow(`paths: ["/api/users/{id}"]`), ask("GET /api/users/"), "deny default"},
		{"any further segments", allow(`paths: ["/api/**"]`), ask("GET /api/users/1/keys"), "allow r0"},
		{"none of them", allow(`paths: ["/api/**"]`), ask("GET /api"), "allow r0"},
		{"but no other path", allow(`paths: ["/api/**"]`), ask("GET /apis/x"), "deny default"},
		{"every path", allow(`paths: ["/**"]`), ask("GET /"), "allow r0"},
		{"what is encoded is as in the path", allow(`paths: ["/a%20b/{x}"]`), ask("GET /a%20b/c"), "allow r0"},
		{"a path that is not known allows nothing", allow(`paths: ["/**"]`), ask("GET "), "deny default"},
		{"and is denied", deny("paths: [/admin]"), ask("GET "), "deny r1"},

		{"nor dots and spaces at the end of a name", deny(`paths: ["/admin/{x}"]`), ask("GET /Admin.%20./a%20"), "deny r1"},
		{"nor an encoded slash", deny(`paths: ["/x/admin/**"]`), ask("GET /x%2Fadmin/a", slashes), "deny r1"},
		{"which is one segment as well", deny(`paths: ["/{x}/a"]`), ask("GET /x%2Fadmin/a", slashes), "deny r1"},
		{"to conditions too", []string{all, `if: 'http.path == "/x/admin"', verdict: deny`}, ask("GET /x%2Fadmin", slashes), "deny r1"},
		{"in both readings it is admitted", allow(`paths: ["/projects/**"]`), ask("GET /projects/a%2Fb", slashes), "allow r0"},
		{"or by two rules", []string{httpRule(`paths: ["/projects/{id}"]`, "allow"), httpRule(`paths: ["/projects/{a}/{b}"]`, "allow")}, ask("GET /projects/a%2Fb", slashes), "allow r0"},
		{"and not in one alone", allow(`paths: ["/projects/{id}"]`), ask("GET /projects/a%2Fb", slashes), "deny default"},
		{"nor in the other", allow(`paths: ["/projects/{a}/{b}"]`), ask("GET /projects/a%2Fb", slashes), "deny default"},
		{"but where the service has one reading", allow(`paths: ["/projects/{id}"]`), ask("GET /projects/a%2Fb"), "allow r0"},
		{"a reading that needs an approval needs one", []string{httpRule(`paths: ["/projects/**"]`, "allow"), httpRule(`paths: ["/projects/{a}/{b}"]`, "approve")}, ask("GET /projects/a%2Fb", slashes), "approve r1"},
		{"a rule's objects have both", []string{"verdict: allow", `objects: ["/x/*"], verdict: deny`}, ask("GET /x%2Fadmin", slashes), "deny r1"},

		{"a parameter", allow("query: {index: [public, news]}"), ask("GET /a?index=news"), "allow r0"},
		{"must be there", allow("query: {index: [public, news]}"), ask("GET /a"), "deny default"},
		{"all its values are listed", allow("query: {index: [public, news]}"), ask("GET /a?index=news&index=secret"), "deny default"},
		{"no other parameter is admitted", allow("query: {index: public}"), ask("GET /a?index=public&full=1"), "deny default"},
		{"unless it is named", allow(`query: {index: public, full: "*"}`), ask("GET /a?index=public&full=1"), "allow r0"},
		{"and then may be left out", allow(`query: {index: public, full: "*"}`), ask("GET /a?index=public"), "allow r0"},
		{"or all others are", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&x=1&y=2"), "allow r0"},
		{"which does not mean the named one", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=secret"), "deny default"},
		{"nor in a spelling of it", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&Index=secret"), "deny default"},
		{"or as a list", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&index[]=secret"), "deny default"},
		{"or behind a space", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&+index=secret"), "deny default"},
		{"or with more behind a NUL", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&index%00x=secret"), "deny default"},
		{"which may say the same", allow(`query: {index: public, "*": "*"}`), ask("GET /a?index=public&index[]=public&x=1"), "allow r0"},
		{"a name with a dot", deny(`query: {"as_user": "*"}`), ask("GET /a?as.user=root"), "deny r1"},
		{"a name as a list", deny(`query: {sudo: root}`), ask("GET /a?sudo[0]=root"), "deny r1"},
		{"a value in another case", deny(`query: {sudo: root}`), ask("GET /a?sudo=+Root"), "deny r1"},
		{"a value is denied", deny("query: {index: secret}"), ask("GET /a?index=public&index=secret"), "deny r1"},
		{"however its name is written", deny("query: {index: secret}"), ask("GET /a?Index=secret"), "deny r1"},
		{"a parameter is denied by being there", deny(`query: {force: "*"}`), ask("DELETE /a?force"), "deny r1"},
		{"each of them", deny("query: {a: x, b: y}"), ask("GET /a?a=x&b=z"), "allow r0"},
		{"a header", allow("headers: {X-Tenant: [a, b]}"), ask("GET /a", header("x-tenant", "b")), "allow r0"},
		{"must be there too", allow("headers: {X-Tenant: [a, b]}"), ask("GET /a"), "deny default"},
		{"with none but listed values", allow("headers: {X-Tenant: [a, b]}"), ask("GET /a", header("x-tenant", "a", "c")), "deny default"},
		{"one is enough to deny", deny("headers: {X-Tenant: c}"), ask("GET /a", header("x-tenant", "a", "c")), "deny r1"},

		{"in a list too", deny("headers: {X-Tenant: c}"), ask("GET /a", header("x-tenant", "a, C")), "deny r1"},
		{"a list is no listed value", allow("headers: {X-Tenant: [a, b]}"), ask("GET /a", header("x-tenant", "a, b")), "deny default"},

		{"a tool", allow(`tools: ["get_*"]`), ask("POST /mcp", calls("get_user")), "allow r0"},
		{"another tool", allow(`tools: ["get_*"]`), ask("POST /mcp", calls("delete_user")), "deny default"},
		{"what calls none", allow(`tools: ["*"]`), ask("POST /mcp"), "deny default"},
		{"a tool is denied", deny(`tools: ["delete_*"]`), ask("POST /mcp", calls("delete_user")), "deny r1"},
		{"in any case", deny(`tools: ["delete_*"]`), ask("POST /mcp", calls("Delete_User")), "deny r1"},
		{"though it is admitted in its own alone", allow(`tools: ["delete_*"]`), ask("POST /mcp", calls("Delete_User")), "deny default"},
		{"a method of JSON-RPC", allow(`rpc: ["tools/*", initialize]`), ask("POST /mcp", calls("a")), "allow r0"},
		{"what is no JSON-RPC has none", allow(`rpc: ["*"]`), ask("POST /mcp"), "deny default"},
		{"what a condition sees of a tool", []string{httpRule("tools: [pay]", "allow") + `, if: 'http.arguments.amount < 100 && http.arguments.rate < 1.0 && http.arguments.to[1] == 3'`}, ask("POST /mcp", calls("pay")), "allow r0"},
		{"what it can't compare refuses", []string{httpRule("tools: [pay]", "allow") + `, if: 'http.arguments.none < 100'`}, ask("POST /mcp", calls("pay")), "deny r0"},
		{"what a condition sees of a request", []string{"verdict: allow, if: 'http.method == \"GET\" && \"x\" in http.query.a && !(\"b\" in http.headers)'"}, ask("GET /a?a=x"), "allow r0"},
		{"nothing of it holds for other kinds", allow("methods: [GET]"), does("read", "public.users"), "deny default"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := parse(t, policyOf(c.rules))
			d := p.Decide(person("dev", "developers"), policy.Connection{Name: "grafana", Kind: "http"}, c.command)
			if got := d.Verdict.String() + " " + d.Rule; got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Message, c.want)
			}
		})
	}
}

func TestRulesForOneKindMeetNoOther(t *testing.T) {
	cluster, service := policy.Connection{Name: "a", Kind: "kubernetes"}, policy.Connection{Name: "a", Kind: "http"}
	for _, c := range []struct {
		rule string
		on   policy.Connection
		cmd  policy.Command
	}{
		{kubeRule("verbs: [get]", "allow"), service, requested(t, "GET /a")},
		{httpRule("methods: [GET]", "allow"), cluster, asked("get pods stg a")},
		{kubeRule("verbs: [get]", "allow"), dbProd(), asked("get pods stg a")},
		{"sql: {filter: none}, verdict: allow", cluster, asked("get pods stg a")},
		{"ssh: {operators: none}, verdict: allow", cluster, asked("create pods/exec stg a")},
		{"files: {operations: [read]}, verdict: allow", service, requested(t, "GET /a")},
	} {
		p := parse(t, policyOf([]string{c.rule}))
		if !strings.HasPrefix(c.rule, "sql") && (!p.ReadOnly(person("dev"), c.on) || len(p.Rules(person("dev"), c.on)) > 0) {
			t.Errorf("%s counts on %s", c.rule, c.on.Kind)
		}
		if d := p.Decide(person("dev"), c.on, c.cmd); d.Verdict != policy.Deny || d.Rule != policy.RuleDefault {
			t.Errorf("%s on %s: %s by %s", c.rule, c.on.Kind, d.Verdict, d.Rule)
		}
	}
}

func TestRulesForClustersAndServicesAreReadStrictly(t *testing.T) {
	for fields, want := range map[string]string{
		"kube: {verbs: [gett]}":                                     `did you mean "get"?`,
		"kube: {verb: [get]}":                                       `did you mean "verbs"?`,
		"kube: {}":                                                  "it asks for nothing",
		"kube: {resources: [Pods]}":                                 `"Pods" is no resource`,
		"kube: {resources: [deployments]}":                          `write "deployments.apps"`,
		"kube: {resources: [deployments/scale]}":                    `write "deployments.apps/scale"`,
		"kube: {resources: [pods/]}":                                `"pods/" is no resource`,
		"kube: {resources: [pods.]}":                                `"pods." is no resource`,
		"kube: {resources: [pods/a/b]}":                             `"pods/a/b" is no resource`,
		"kube: {resources: [pods/exec], subresources: [a]}":         "subresources stand beside a resource that names one",
		"kube: {paths: [/metrics], namespaces: [a]}":                "no request has both",
		"kube: {paths: [metrics]}":                                  "a path begins with a slash",
		`kube: {resources: ["pods/portforward"], ports: [0]}`:       `"0" is no port`,
		`kube: {resources: ["pods/portforward"], ports: ["90-80"]}`: `"90-80" is no port`,
		`kube: {resources: ["pods/portforward"], ports: ["*"]}`:     `"*" is no port`,
		`kube: {resources: ["pods/portforward"], ports: [080]}`:     "is no port",
		"kube: {ports: [80]}":                                       "ports are those of port-forward",
		"kube: {resources: [pods], ports: [80]}":                    "ports are those of port-forward",
		"kube: {paths: [/a], ports: [80]}":                          "no request has both",
		"kube: {verbs: [post]}":                                     "post is a method of what is no resource",
		"kube: {privileged: no}":                                    `unknown value "no"`,
		"kube: {namespace_labels: {}}":                              "an empty mapping says nothing",
		"kube: {argv: [ls]}":                                        "a program's words are a list",
		"kube: {verbs: [get]}, http: {methods: [GET]}":              "a rule asks for facts of one kind, not of http and kubernetes",
		"kube: {verbs: [get]}, sql: {filter: none}":                 "of kubernetes and postgres",
		"kube: {verbs: [get]}, max_rows_affected: 5":                "max_rows_affected counts the rows of a SQL command",
		"http: {methods: [get]}":                                    `unknown method "get"`,
		"http: {paths: [api]}":                                      "a path begins with a slash",
		`http: {paths: ["/a/**/b"]}`:                                "so it is the last segment",
		`http: {paths: ["/a*"]}`:                                    "stand for one whole segment",
		`http: {paths: ["/{a"]}`:                                    "stand for one whole segment",
		`http: {paths: ["/a/../b"]}`:                                "never matches",
		`http: {paths: ["/a//b"]}`:                                  "never matches",
		`http: {paths: ["/a b"]}`:                                   "stands in no canonical path",
		`http: {paths: ["/a?b"]}`:                                   "stands in no canonical path",
		`http: {paths: ["/a%2db"]}`:                                 "stands in no canonical path",
		`http: {paths: ["/%41"]}`:                                   "stands in no canonical path",
		`http: {headers: {"*": a}}`:                                 "headers are named in full",
		`http: {query: {"a*": a}}`:                                  "names stand in full",
		`if: 'kube.verbs == "get"'`:                                 "undeclared reference",
		`if: 'http.path == 3'`:                                      "found no matching overload",
	} {
		if got := problems(t, policyOf([]string{fields + ", verdict: allow"})).Error(); !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", fields, got, want)
		}
	}
	ports := kubeRule(`resources: ["pods/portforward"], ports: [80]`, "approve")
	if got := problems(t, policyOf([]string{ports})).Error(); !strings.Contains(got, "nobody can be asked for each of its connections") {
		t.Errorf("%s: %s", ports, got)
	}
	for condition, refused := range map[string]bool{
		`kube.port == 80`: true, `kube .port == 80`: true, `kube. port in [0, 80]`: true, `.kube.port > 0`: true, `true || [1].exists(x, x == kube.port)`: true,
		`kube.name == "kube.port"`: false,
	} {
		text := policyOf([]string{"kube: {resources: [\"pods/portforward\"]}, if: '" + condition + "', verdict: approve, approval: {by: {groups: [ops]}}"})
		if _, err := policy.Parse([]byte(text), "policy.yaml"); (err != nil && strings.Contains(err.Error(), "nobody can be asked for each of its connections")) != refused {
			t.Errorf("%s: %v", condition, err)
		}
	}
}

func TestLintFindsRulesForClustersThatAreHardlyMeant(t *testing.T) {
	for rule, want := range map[string]string{
		"on: {kinds: [postgres]}, kube: {verbs: [get]}, verdict: allow":                   "rule r0 never matches",
		"kube: {images: [a]}, verdict: allow":                                             "objects of every kind",
		"objects: [web-1], kube: {verbs: [get]}, verdict: allow":                          "names objects that no cluster has",
		"on: {kinds: [kubernetes]}, objects: [stg/*], kube: {names: [a]}, verdict: allow": "",
	} {
		text := strings.Replace(policyOf([]string{rule}), "rules:", "reach: [{name: r, who: {groups: [x]}}]\nrules:", 1)
		if got := policy.Problems(parse(t, text).Lint()).Error(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}

func TestLintFindsMasksOfSecretsThatShowThemToNobody(t *testing.T) {
	for mask, warned := range map[string]bool{
		`unless: {groups: [x]}, fields: ["secrets.data.*"], as: "null"`:                             false,
		`unless: {groups: [x]}, fields: ["secrets.data[*]", "secrets.metadata.labels"], as: "null"`: false,
		`unless: {users: ["*"]}, fields: ["secrets.data.*"], as: "null"`:                            false,
		`unless: {groups: [x]}, fields: ["configmaps.data.*", "*.data.*"], as: "null"`:              false,
		`unless: {groups: [x]}, fields: ["secrets.data.password"], as: "null"`:                      true,
		`unless: {groups: [x]}, fields: ["secrets..password"], as: "null"`:                          true,
		`who: {groups: [x]}, fields: ["secrets.data.*"], as: "null"`:                                true,
		`fields: ["secrets.data.*"], as: "null"`:                                                    true,
	} {
		text := "version: 1\nreach: [{name: r, who: {groups: [x]}}]\nmasks: [{name: m, " + mask + "}]\n"
		if got := policy.Problems(parse(t, text).Lint()).Error(); strings.Contains(got, "mask m shows nobody the values of Secrets") != warned || !warned && got != "" {
			t.Errorf("%s: %q", mask, got)
		}
	}
}

func TestWhatHoldsBeforeAnyRequest(t *testing.T) {
	p := parse(t, `version: 1
rules:
  - {name: look, on: {kinds: [kubernetes]}, effects: [read, session], kube: {namespaces: [stg]}, verdict: allow}
  - {name: all, on: {kinds: [http]}, effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown], verdict: allow}
masks:
  - {name: secrets, unless: {groups: [ops]}, fields: ["secrets.data.*"], as: "null"}
  - {name: people, on: {kinds: [http]}, json: ["$..ssn"], as: last4, writable: true}
  - {name: contractors, who: {groups: [contractors]}, fields: ["secrets.stringData.*"], as: "null"}
  - {name: elsewhere, on: {connections: [other]}, unless: {groups: [ops]}, fields: ["secrets.stringData.*"], as: "null"}
`)
	cluster, service := policy.Connection{Name: "k8s", Kind: "kubernetes"}, policy.Connection{Name: "web", Kind: "http"}
	s := p.Standing(person("dev"), cluster)
	if !s.ReadOnly || s.Unrestricted || len(s.Masks) != 1 || s.Masks[0].Fields[0] != "secrets.data.*" || s.Masks[0].As != "null" {
		t.Errorf("a cluster: %+v", s)
	}
	if len(s.Shown) != 0 {
		t.Errorf("a mask shows %q to whom it holds for", s.Shown)
	}
	if s = p.Standing(person("pia", "ops"), cluster); len(s.Masks) != 0 || len(s.Shown) != 1 || s.Shown[0] != "secrets.data.*" {
		t.Errorf("a cluster, for whom nothing is masked: %+v", s)
	}
	if s = p.Standing(person("pia", "ops"), service); s.ReadOnly || s.Unrestricted || len(s.Masks) != 1 || s.Masks[0].JSON[0] != "$..ssn" || !s.Masks[0].Writable {
		t.Errorf("a service: %+v", s)
	}
	if r := p.Rules(person("dev"), cluster); len(r) != 1 || r[0].Facts != "kube: {namespaces: [stg]}" {
		t.Errorf("rules: %+v", r)
	}
}
