package policy_test

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// asked is a request to a cluster: "delete pods.group/sub stg web-1", "-" for no namespace or no name; more fills in what else it says.
func asked(line string, more ...func(*policy.Kube)) policy.Command {
	words := append(strings.Fields(line), "-", "-")
	k := &policy.Kube{Verb: words[0], Version: "v1"}
	what, sub, _ := strings.Cut(words[1], "/")
	k.Resource, k.Group, _ = strings.Cut(what, ".")
	k.Subresource = sub
	if words[2] != "-" {
		k.Namespace = words[2]
	}
	if words[3] != "-" {
		k.Name = words[3]
	}
	for _, m := range more {
		m(k)
	}
	effect := map[string]policy.Effect{"get": policy.Read, "list": policy.Read, "watch": policy.Read, "delete": policy.Delete, "deletecollection": policy.Delete}[k.Verb]
	switch sub {
	case "exec", "attach", "ephemeralcontainers":
		effect = policy.Execute
	case "portforward", "proxy":
		effect = policy.Transfer
	case "token", "approval":
		effect = policy.Privilege
	}
	return policy.Command{
		Accesses: []policy.Access{{Effect: cmp.Or(effect, policy.Write), Object: words[2] + "/" + what + "/" + cmp.Or(k.Name, "*")}}, Kube: k,
	}
}

func runs(argv ...[]string) func(*policy.Kube) { return func(k *policy.Kube) { k.Argv = argv } }

func labelled(name, value string) func(*policy.Kube) {
	return func(k *policy.Kube) { k.NamespaceLabels = map[string]string{name: value} }
}

func images(all ...string) func(*policy.Kube) { return func(k *policy.Kube) { k.Images = all } }

func accounts(all ...string) func(*policy.Kube) {
	return func(k *policy.Kube) { k.ServiceAccounts = all }
}

func port(n uint16) func(*policy.Kube) { return func(k *policy.Kube) { k.Port = n } }

func serverPath(method, path string, effect policy.Effect) policy.Command {
	return policy.Command{Accesses: []policy.Access{{Effect: effect, Object: path}}, Kube: &policy.Kube{Verb: method, Path: path}}
}

func kubeRule(fields, verdict string) string {
	return "kube: {" + fields + "}, verdict: " + verdict + map[string]string{"approve": ", approval: {by: {groups: [ops]}}"}[verdict]
}

// TestMatchingOfClusters is the table of what rules can ask of requests to clusters.
func TestMatchingOfClusters(t *testing.T) {
	all := "verdict: allow"
	allow := func(fields string) []string { return []string{kubeRule(fields, "allow")} }
	deny := func(fields string) []string { return []string{all, kubeRule(fields, "deny")} }
	privileged := func(k *policy.Kube) { k.Privileged = true }
	dry := func(k *policy.Kube) { k.DryRun = true }
	redirecting := func(k *policy.Kube) {
		k.Argv, k.Operators = [][]string{{"cat", "/a"}}, []string{">"}
	}
	for _, c := range []struct {
		rule    string
		rules   []string
		command policy.Command
		want    string
	}{
		{"a verb", allow("verbs: [get, list]"), asked("get pods stg web-1"), "allow r0"},
		{"another verb", allow("verbs: [get, list]"), asked("delete pods stg web-1"), "deny default"},
		{"a resource of the core group", allow("resources: [pods]"), asked("get pods stg web-1"), "allow r0"},
		{"is not one of the same name in another group", allow("resources: [pods]"), asked("get pods.metrics.k8s.io stg web-1"), "deny default"},
		{"but to a rule that denies", deny("resources: [events]"), asked("list events.events.k8s.io stg"), "deny r1"},
		{"and it asks for it, where another allows", []string{all, kubeRule("resources: [events]", "approve")}, asked("list events.events.k8s.io stg"), "approve r1"},
		{"but admits no other by that", []string{kubeRule("resources: [events]", "approve")}, asked("list events.events.k8s.io stg"), "deny default"},
		{"a resource of a group", allow(`resources: ["deployments.apps"]`), asked("update deployments.apps stg web"), "allow r0"},
		{"a group", allow(`resources: ["*.example.com"]`), asked("get backups.example.com stg b"), "allow r0"},
		{"not a longer group", allow(`resources: ["*.example.com"]`), asked("get backups.evil.example.com stg b"), "deny default"},
		{"every resource", allow(`resources: ["*"]`), asked("get backups.example.com stg b"), "allow r0"},
		{"with what belongs to reading it", allow(`resources: ["*"]`), asked("get pods/log stg web-1"), "allow r0"},
		{"but without what must be named", allow(`resources: ["*"]`), asked("get pods/exec stg web-1"), "deny default"},

		{"a resource is not its subresources", allow("resources: [pods]"), asked("get pods/log stg web-1"), "deny default"},
		{"of which each is named", allow(`resources: ["pods/log"]`), asked("get pods/log stg web-1"), "allow r0"},
		{"and does not mean the resource", allow(`resources: ["pods/log"]`), asked("get pods stg web-1"), "deny default"},
		{"or named apart", allow("resources: [pods], subresources: [exec]"), asked("create pods/exec stg web-1"), "allow r0"},
		{"which does not mean the resource either", allow("resources: [pods], subresources: [exec]"), asked("create pods stg web-1"), "deny default"},
		{"a denied resource is denied with its subresources", deny("resources: [pods]"), asked("get pods/log stg web-1"), "deny r1"},
		{"and asked for", []string{all, kubeRule("resources: [pods]", "approve")}, asked("get pods/log stg web-1"), "approve r1"},
		{"but nobody is asked to admit them", []string{kubeRule("resources: [pods]", "approve")}, asked("get pods/log stg web-1"), "deny default"},
		{"a star means no subresource that must be named", allow(`resources: ["pods/*"]`), asked("get pods/exec stg web-1"), "deny default"},
		{"in no place", allow(`subresources: ["*"]`), asked("create pods/attach stg web-1"), "deny default"},
		{"of them neither an unknown one", allow(`resources: ["*/*"]`), asked("get machines.example.com/console stg m"), "deny default"},
		{"but those of reading", allow(`resources: ["pods/*"]`), asked("get pods/log stg web-1"), "allow r0"},
		{"to a rule that denies it means all", deny(`resources: ["pods/*"]`), asked("get pods/log stg web-1"), "deny r1"},

		{"exec is to create it, by GET too", allow(`verbs: [create], resources: ["pods/exec"]`), asked("get pods/exec stg web-1"), "allow r0"},
		{"a verb does not evade what is denied of it", []string{kubeRule(`resources: ["pods/exec"]`, "allow"), kubeRule(`verbs: [create], resources: ["pods/exec"]`, "deny")}, asked("get pods/exec stg web-1"), "deny r1"},
		{"nor of a proxy", []string{kubeRule(`resources: ["nodes/proxy"]`, "allow"), kubeRule(`verbs: [create], resources: ["nodes/proxy"]`, "deny")}, asked("get nodes/proxy - n1"), "deny r1"},
		{"a watch does not evade what is denied of a list", deny("verbs: [list], resources: [secrets]"), asked("watch secrets stg"), "deny r1"},
		{"nor a list what is denied of each", deny("verbs: [get], resources: [secrets]"), asked("list secrets stg"), "deny r1"},
		{"nor a get by its name what is denied of lists", deny("verbs: [list], resources: [secrets]"), asked("get secrets stg a"), "allow r0"},
		{"nor the end of a collection", deny("verbs: [delete], resources: [pods]"), asked("deletecollection pods stg"), "deny r1"},
		{"nor an eviction", []string{kubeRule(`resources: ["pods/eviction"]`, "allow"), kubeRule("verbs: [delete], resources: [pods]", "deny")}, asked("create pods/eviction stg web-1"), "deny r1"},
		{"nor a patch an update", deny("verbs: [update]"), asked("patch pods stg web-1"), "deny r1"},
		{"nor what creates by another verb", deny("verbs: [create]"), asked("patch pods stg web-1", func(k *policy.Kube) { k.Creates = true }), "deny r1"},
		{"which is no patch of what is there", deny("verbs: [create]"), asked("patch pods stg web-1"), "allow r0"},
		{"an allowed list is no watch", allow("verbs: [list]"), asked("watch pods stg"), "deny default"},
		{"nor is an allowed deletion that of a collection", allow("verbs: [delete]"), asked("deletecollection pods stg"), "deny default"},

		{"a port does not evade a denied name", []string{kubeRule(`resources: ["pods/proxy"]`, "allow"), kubeRule(`names: ["db-*"]`, "deny")}, asked("get pods/proxy stg db-0:5432"), "deny r1"},
		{"nor does a scheme", []string{kubeRule(`resources: ["pods/proxy"]`, "allow"), kubeRule(`names: [db-0]`, "deny")}, asked("get pods/proxy stg https:db-0:5432"), "deny r1"},
		{"nor an empty one", []string{kubeRule(`resources: ["pods/proxy"]`, "allow"), `objects: ["stg/pods/db-0"], verdict: deny`}, asked("get pods/proxy stg :db-0:"), "deny r1"},
		{"an allowed name is one without a port", allow(`resources: ["pods/proxy"], names: [web]`), asked("get pods/proxy stg web:8080"), "deny default"},
		{"a name of another group has its colons", deny(`names: [node]`), asked("get clusterroles.rbac.authorization.k8s.io - system:node"), "allow r0"},
		{"a denied object is denied in a list over all namespaces", []string{all, `objects: ["prod/*"], verdict: deny`}, asked("list pods -"), "deny r1"},
		{"and in one of its own", []string{all, `objects: ["prod/pods/db-*"], verdict: deny`}, asked("watch pods prod"), "deny r1"},
		{"and with a collection", []string{all, `objects: ["*/pods/db"], verdict: deny`}, asked("deletecollection pods -"), "deny r1"},
		{"and where its name is the server's to make", []string{all, `objects: ["prod/pods/db-*"], verdict: deny`}, asked("create pods prod"), "deny r1"},
		{"but not in another namespace", []string{all, `objects: ["prod/*"], verdict: deny`}, asked("list pods stg"), "allow r0"},
		{"nor of another resource", []string{all, `objects: ["prod/secrets/*"], verdict: deny`}, asked("list pods -"), "allow r0"},
		{"nor by another name", []string{all, `objects: ["prod/pods/db"], verdict: deny`}, asked("list pods prod web"), "allow r0"},
		{"nor where there are no namespaces", []string{all, `objects: ["prod/*"], verdict: deny`}, asked("list nodes -"), "allow r0"},
		{"a list over all namespaces is asked for, where one of them must be", []string{all, `objects: ["prod/*"], verdict: approve, approval: {by: {groups: [ops]}}`}, asked("list pods -"), "approve r1"},
		{"which admits no list by that", []string{`objects: ["prod/*"], verdict: approve, approval: {by: {groups: [ops]}}`}, asked("list pods -"), "deny default"},
		{"an allowed object admits none", []string{`objects: ["prod/*"], verdict: allow`}, asked("list pods -"), "deny default"},

		{"a namespace", allow(`namespaces: ["stg-*"]`), asked("get pods stg-1 web"), "allow r0"},
		{"not another", allow(`namespaces: ["stg-*"]`), asked("get pods prod web"), "deny default"},
		{"not all of them", allow(`namespaces: ["stg-*"]`), asked("list pods"), "deny default"},
		{"not none", allow(`namespaces: ["stg-*"]`), asked("get nodes - n1"), "deny default"},
		{"all are denied where one is", deny("namespaces: [prod]"), asked("list pods"), "deny r1"},
		{"also where an object of them is asked for by its name", deny("namespaces: [prod]"), asked("list pods - web"), "deny r1"},
		{"also of kinds that nobody knows", deny("namespaces: [prod]"), asked("watch backups.example.com"), "deny r1"},
		{"but not what stands in none", deny("namespaces: [prod]"), asked("list nodes"), "allow r0"},
		{"a name", allow(`names: ["web-*"]`), asked("get pods stg web-1"), "allow r0"},
		{"not every name", allow(`names: ["web-*"]`), asked("list pods stg"), "deny default"},
		{"a list is denied where it would show a denied name", deny("names: [db], resources: [secrets]"), asked("list secrets stg"), "deny r1"},
		{"so is one that the server makes", deny(`names: ["kube-*"]`), asked("create pods stg"), "deny r1"},
		{"labels of the namespace", allow("namespace_labels: {env: [stg, dev]}"), asked("get pods a web", labelled("env", "dev")), "allow r0"},
		{"other labels", allow("namespace_labels: {env: [stg, dev]}"), asked("get pods a web", labelled("env", "prod")), "deny default"},
		{"a label that it does not have", allow("namespace_labels: {env: [stg, dev]}"), asked("get pods a web", labelled("tier", "dev")), "deny default"},
		{"labels that are not known allow nothing", allow(`namespace_labels: {env: "*"}`), asked("get pods a web"), "deny default"},
		{"and deny", deny("namespace_labels: {env: prod}"), asked("get pods a web"), "deny r1"},
		{"in all namespaces too", deny("namespace_labels: {env: prod}"), asked("list pods"), "deny r1"},
		{"but what stands in none has no such label", deny("namespace_labels: {env: prod}"), asked("get nodes - n1"), "allow r0"},
		{"labels that are known deny where they are so", deny("namespace_labels: {env: prod}"), asked("get pods a web", labelled("env", "dev")), "allow r0"},
		{"labels that are not known are asked for, where another allows", []string{all, kubeRule("namespace_labels: {env: prod}", "approve")}, asked("get pods a web"), "approve r1"},
		{"and admit nothing", []string{kubeRule("namespace_labels: {env: prod}", "approve")}, asked("get pods a web"), "deny default"},

		{"a dry run", allow("dry_run: true"), asked("create pods stg web", dry), "allow r0"},
		{"is none", allow("dry_run: true"), asked("create pods stg web"), "deny default"},
		{"what runs is denied", deny("dry_run: false, verbs: [create]"), asked("create pods stg web"), "deny r1"},
		{"what does not is not", deny("dry_run: false, verbs: [create]"), asked("create pods stg web", dry), "allow r0"},
		{"nothing privileged", allow("privileged: false"), asked("create pods stg web"), "allow r0"},
		{"something privileged", allow("privileged: false"), asked("create pods stg web", privileged), "deny default"},
		{"is denied", deny("privileged: true"), asked("create pods stg web", privileged), "deny r1"},
		{"a path of the host", allow("host_path: false"), asked("create pods stg web", func(k *policy.Kube) { k.HostPath = true }), "deny default"},
		{"images", allow(`images: ["reg.example.com/*"]`), asked("create pods stg web", images("reg.example.com/a", "reg.example.com/b")), "allow r0"},
		{"all of them", allow(`images: ["reg.example.com/*"]`), asked("create pods stg web", images("reg.example.com/a", "evil/b")), "deny default"},
		{"at least one", allow(`images: ["reg.example.com/*"]`), asked("create configmaps stg web"), "deny default"},
		{"but for a patch, which leaves them", allow(`images: ["reg.example.com/*"]`), asked("patch pods stg web"), "allow r0"},
		{"and a change of scale", allow(`service_accounts: [web], resources: ["deployments.apps/scale"]`), asked("update deployments.apps/scale stg web"), "allow r0"},
		{"and a patch of it", allow(`service_accounts: [web], images: [i], resources: ["deployments.apps/scale"]`), asked("patch deployments.apps/scale stg web"), "allow r0"},
		{"and of no other subresource", allow(`service_accounts: [web], resources: ["pods/ephemeralcontainers"]`), asked("patch pods/ephemeralcontainers stg web"), "deny default"},
		{"one is enough to deny", deny(`images: ["*:latest"]`), asked("create pods stg web", images("a:1", "b:latest")), "deny r1"},
		{"and none is not", deny(`images: ["*:latest"]`), asked("get pods stg web"), "allow r0"},
		{"accounts", allow("service_accounts: [web, default]"), asked("create pods stg web", accounts("web")), "allow r0"},
		{"another account", allow("service_accounts: [web, default]"), asked("create pods stg web", accounts("web", "admin")), "deny default"},

		{"a program", allow(`resources: ["pods/exec"], argv: [["ls", "*"]]`), asked("create pods/exec stg web", runs([]string{"ls", "/srv"})), "allow r0"},
		{"all programs", allow(`resources: ["pods/exec"], argv: [["ls", "*"]]`), asked("create pods/exec stg web", runs([]string{"ls"}, []string{"rm", "x"})), "deny default"},
		{"no flag that is not written out", allow(`resources: ["pods/exec"], argv: [["tar", "*"]]`), asked("create pods/exec stg web", runs([]string{"tar", "--to-command=sh"})), "deny default"},
		{"none that is not known", allow(`resources: ["pods/exec", "pods/attach"], argv: [["*"]]`), asked("create pods/attach stg web"), "deny default"},
		{"no file that its output goes to", allow(`resources: ["pods/exec"], argv: [["cat", "*"]]`), asked("create pods/exec stg web", redirecting), "deny default"},
		{"unless that is written", allow(`resources: ["pods/exec"], argv: [["cat", "*"]], operators: some`), asked("create pods/exec stg web", redirecting), "allow r0"},
		{"without operators", allow(`resources: ["pods/exec"], operators: none`), asked("create pods/exec stg web", redirecting), "deny default"},
		{"one program is enough to deny", []string{kubeRule(`resources: ["pods/exec"]`, "allow"), kubeRule(`argv: [["rm", "*"]]`, "deny")}, asked("create pods/exec stg web", runs([]string{"ls"}, []string{"rm", "x"})), "deny r1"},
		{"what is not known may be it", []string{kubeRule(`resources: ["pods/attach"]`, "allow"), kubeRule(`argv: [["rm", "*"]]`, "deny")}, asked("create pods/attach stg web"), "deny r1"},
		{"what runs nothing is not", deny(`argv: [["rm", "*"]]`), asked("get pods stg web"), "allow r0"},
		{"nor has it operators", deny("operators: some"), asked("get pods stg web"), "allow r0"},

		{"a port", allow(`resources: ["pods/portforward"], ports: [8080, "9000-9009"]`), asked("create pods/portforward stg web-1", port(8080)), "allow r0"},
		{"a port of a range", allow(`resources: ["pods/portforward"], ports: [8080, "9000-9009"]`), asked("create pods/portforward stg web-1", port(9009)), "allow r0"},
		{"another port", allow(`resources: ["pods/portforward"], ports: [8080, "9000-9009"]`), asked("create pods/portforward stg web-1", port(22)), "deny default"},
		{"the request for some of them", allow(`subresources: [portforward], ports: [8080]`), asked("create pods/portforward stg web-1"), "allow r0"},
		{"but of no other pod", allow(`resources: ["pods/portforward"], ports: [8080], names: [web-2]`), asked("create pods/portforward stg web-1"), "deny default"},
		{"nothing else", allow(`resources: ["pods/portforward", pods], ports: [8080]`), asked("get pods stg web-1"), "deny default"},
		{"a denied port", []string{kubeRule(`resources: ["pods/portforward"]`, "allow"), kubeRule(`resources: ["pods/portforward"], ports: [22]`, "deny")}, asked("get pods/portforward stg web-1", port(22)), "deny r1"},
		{"beside which there are others", []string{kubeRule(`resources: ["pods/portforward"]`, "allow"), kubeRule(`resources: ["pods/portforward"], ports: [22]`, "deny")}, asked("get pods/portforward stg web-1", port(80)), "allow r0"},
		{"a port that a condition allows", []string{`kube: {resources: ["pods/portforward"]}, if: 'kube.port in [0, 8080]', verdict: allow`}, asked("get pods/portforward stg web-1", port(8080)), "allow r0"},
		{"and no other one", []string{`kube: {resources: ["pods/portforward"]}, if: 'kube.port in [0, 8080]', verdict: allow`}, asked("get pods/portforward stg web-1", port(22)), "deny default"},
		{"the request, whose port is 0 there", []string{`kube: {resources: ["pods/portforward"]}, if: 'kube.port in [0, 8080]', verdict: allow`}, asked("get pods/portforward stg web-1"), "allow r0"},
		{"a port that a condition denies", []string{kubeRule(`resources: ["pods/portforward"]`, "allow"), `if: 'kube.port > 0 && kube.port < 1024', verdict: deny`}, asked("get pods/portforward stg web-1", port(22)), "deny r1"},
		{"and not the request", []string{kubeRule(`resources: ["pods/portforward"]`, "allow"), `if: 'kube.port > 0 && kube.port < 1024', verdict: deny`}, asked("get pods/portforward stg web-1"), "allow r0"},
		{"is not the request's", []string{kubeRule(`resources: ["pods/portforward"]`, "allow"), kubeRule(`resources: ["pods/portforward"], ports: [22]`, "deny")}, asked("get pods/portforward stg web-1"), "allow r0"},

		{"a path of the server", allow(`paths: ["/metrics", "/healthz*"]`), serverPath("get", "/healthz/ping", policy.Session), "allow r0"},
		{"another path", allow(`paths: ["/metrics", "/healthz*"]`), serverPath("get", "/logs", policy.Session), "deny default"},
		{"objects are no paths", allow(`paths: ["*"]`), asked("get pods stg web"), "deny default"},
		{"paths are no objects", allow(`resources: ["*"]`), serverPath("get", "/metrics", policy.Session), "deny default"},
		{"nor do they stand in a namespace", allow(`namespaces: ["*"]`), serverPath("get", "/metrics", policy.Session), "deny default"},
		{"what is not known of a server needs its effect", allow(`paths: ["/metrics"]`), serverPath("get", "/metrics", policy.Unknown), "deny default"},
		{"which a rule can name", []string{`effects: [unknown], kube: {paths: ["/metrics"]}, verdict: allow`}, serverPath("get", "/metrics", policy.Unknown), "allow r0"},
		{"nothing of it holds for other kinds", allow("verbs: [get]"), does("read", "public.users"), "deny default"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := parse(t, policyOf(c.rules))
			d := p.Decide(person("dev", "developers"), policy.Connection{Name: "k8s", Kind: "kubernetes"}, c.command)
			if got := d.Verdict.String() + " " + d.Rule; got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Message, c.want)
			}
		})
	}
}

// TestASubresourceThatRunsOrGrantsIsAdmittedByItsName holds that no rule reaches one by naming anything else.
func TestASubresourceThatRunsOrGrantsIsAdmittedByItsName(t *testing.T) {
	cluster := policy.Connection{Name: "k8s", Kind: "kubernetes"}
	everything := "effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, shell, unknown]"
	for _, what := range []string{
		"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy", "pods/ephemeralcontainers", "pods/eviction",
		"pods/binding", "pods/resize", "serviceaccounts/token", "certificatesigningrequests.certificates.k8s.io/approval", "namespaces/finalize",
		"virtualmachineinstances.subresources.kubevirt.io/console", "pods/anything",
	} {
		resource, sub, _ := strings.Cut(what, "/")
		for _, verb := range []string{"get", "create", "update", "delete"} {
			c := asked(verb + " " + what + " stg a")
			for _, rule := range []string{
				everything, everything + ", kube: {verbs: [get, create, update, delete]}", everything + ", kube: {resources: [" + resource + "]}",
				everything + `, kube: {resources: ["*"]}`, everything + `, kube: {resources: ["*.*"]}`, everything + `, kube: {resources: ["` + resource + `/*"]}`,
				everything + `, kube: {subresources: ["*"]}`, everything + `, kube: {resources: ["*/` + sub[:2] + `*"]}`, everything + `, kube: {namespaces: ["*"], names: ["*"]}`,
			} {
				for _, verdict := range []string{"allow", "approve, approval: {by: {groups: [ops]}}"} {
					d := parse(t, policyOf([]string{rule + ", verdict: " + verdict})).Decide(person("dev"), cluster, c)
					if d.Verdict != policy.Deny || !strings.Contains(d.Message, "only a rule with kube: {resources: ["+what+"]} does") {
						t.Errorf("%s %s by %s, verdict: %s: %s, %s", verb, what, rule, verdict, d.Verdict, d.Message)
					}
				}
			}
			for _, rule := range []string{everything + `, kube: {resources: ["` + what + `"]}`, everything + `, kube: {subresources: [` + sub + `]}`} {
				if d := parse(t, policyOf([]string{rule + ", verdict: allow"})).Decide(person("dev"), cluster, c); d.Verdict != policy.Allow {
					t.Errorf("%s %s by %s: %s", verb, what, rule, d.Message)
				}
			}
		}
	}
}

// TestADenyRuleMeetsWhateverTheSameAllowRuleDoes holds that the wary reading of a rule is never the narrower one.
func TestADenyRuleMeetsWhateverTheSameAllowRuleDoes(t *testing.T) {
	one := func(t *rapid.T, name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	rapid.Check(t, func(rt *rapid.T) {
		var fields []string
		for _, f := range []string{
			one(rt, "verbs", "", "verbs: [get]", "verbs: [create, patch]", "verbs: [delete]"),
			one(rt, "resources", "", "resources: [pods]", `resources: ["*"]`, `resources: ["pods/exec"]`, `resources: ["*.example.com"]`, "subresources: [exec, log]"),
			one(rt, "namespaces", "", "namespaces: [stg]", `namespaces: ["*"]`),
			one(rt, "names", "", `names: ["a*"]`),
			one(rt, "labels", "", "namespace_labels: {env: dev}"),
			one(rt, "facts", "", "privileged: false", "dry_run: true", `images: ["reg/*"]`, "service_accounts: [web]", `argv: [["ls", "*"]]`, "operators: none"),
		} {
			if f != "" {
				fields = append(fields, f)
			}
		}
		if len(fields) == 0 {
			return
		}
		c := asked(one(rt, "verb", "get", "list", "watch", "create", "patch", "delete", "deletecollection") + " " +
			one(rt, "what", "pods", "pods/exec", "pods/log", "backups.example.com", "nodes") + " " + one(rt, "namespace", "stg", "prod", "-") + " " + one(rt, "name", "a", "b", "-"))
		if rapid.Bool().Draw(rt, "known") {
			labelled("env", one(rt, "env", "dev", "prod"))(c.Kube)
		}
		if rapid.Bool().Draw(rt, "images") {
			images(one(rt, "image", "reg/a", "b"), "reg/c")(c.Kube)
			accounts(one(rt, "account", "web", "admin"))(c.Kube)
		}
		if c.Kube.Subresource == "exec" && rapid.Bool().Draw(rt, "runs") {
			runs([]string{one(rt, "program", "ls", "rm")})(c.Kube)
		}
		cluster := policy.Connection{Name: "k8s", Kind: "kubernetes"}
		rule := strings.Join(fields, ", ")
		allowed := parse(t, policyOf([]string{kubeRule(rule, "allow")})).Decide(person("dev"), cluster, c)
		asked := parse(t, policyOf([]string{kubeRule(rule, "approve")})).Decide(person("dev"), cluster, c)
		denied := parse(t, policyOf([]string{kubeRule(rule, "deny")})).Decide(person("dev"), cluster, c)
		if len(c.Kube.Images) == 0 && (strings.Contains(rule, "images") || strings.Contains(rule, "service_accounts")) {
			return // a patch that names none leaves what there is, and nothing in it is denied
		}
		if allowed.Verdict == policy.Allow && (denied.Rule != "r0" || asked.Verdict != policy.Approve) {
			rt.Fatalf("%s admits %+v, and denies it by %s, and asks %s", rule, *c.Kube, denied.Rule, asked.Verdict)
		}
	})
}

// What is refused because nobody knows the labels of the namespace says so, and nothing else does.
func TestWhatIsRefusedForWantOfLabelsSaysSo(t *testing.T) {
	const unknown = "; the labels of the namespace a, which a rule asks for, are not known"
	cluster := policy.Connection{Name: "k8s", Kind: "kubernetes"}
	byLabel, byName := kubeRule("resources: [pods], namespace_labels: {env: dev}", "allow"), kubeRule("resources: [pods], namespaces: [b]", "allow")
	for name, c := range map[string]struct {
		rules   []string
		command policy.Command
		said    bool
	}{
		"a rule that would allow":      {[]string{byLabel}, asked("get pods a web"), true},
		"that would ask":               {[]string{kubeRule("namespace_labels: {env: dev}", "approve")}, asked("get pods a web"), true},
		"that denies":                  {[]string{kubeRule("namespaces: [a]", "allow"), kubeRule("namespace_labels: {env: prod}", "deny")}, asked("get pods a web"), true},
		"of another resource":          {[]string{byLabel}, asked("get secrets a web"), false},
		"no rule with labels":          {[]string{byName}, asked("get pods a web"), false},
		"labels that are known":        {[]string{byLabel}, asked("get pods a web", labelled("env", "prod")), false},
		"what stands in no namespace":  {[]string{byLabel}, asked("get nodes - n1"), false},
		"a rule that denies otherwise": {[]string{byLabel, kubeRule("names: [web]", "deny")}, asked("get pods a web"), false},
	} {
		d := parse(t, policyOf(c.rules)).Decide(person("dev"), cluster, c.command)
		if d.Verdict != policy.Deny || strings.HasSuffix(d.Message, unknown) != c.said {
			t.Errorf("%s: %s %q", name, d.Verdict, d.Message)
		}
	}
}

// What is refused for what its body says, or does not say, is told which rule asked for it and what to do.
func TestWhatIsRefusedForItsBodySaysSo(t *testing.T) {
	cluster := policy.Connection{Name: "k8s", Kind: "kubernetes"}
	deploy := kubeRule("namespaces: [stg], service_accounts: [app, \"web-*\"]", "allow")
	for name, c := range map[string]struct {
		rules   []string
		command policy.Command
		want    string // "": it says nothing of a rule
	}{
		"no account": {[]string{deploy}, asked("create configmaps stg c"),
			"; rule r0 would, but it asks for service_accounts: [app, web-*], of which this names none (what has none needs a rule for configmaps without service_accounts)"},
		"another account": {[]string{deploy}, asked("create pods stg web", accounts("admin", "app")), "; rule r0 would, but it asks for service_accounts: [app, web-*], and this names admin"},
		"the account of who names none": {[]string{deploy}, asked("create deployments.apps stg web", accounts("default")),
			"; rule r0 would, but it asks for service_accounts: [app, web-*], and this names default (as it pods run whose serviceAccountName nobody sets: name it)"},
		"with an approval": {[]string{kubeRule("service_accounts: [app]", "approve")}, asked("create pods stg web", accounts("admin")), "; rule r0 would, but it asks for service_accounts: [app], and this names admin"},
		"an image":         {[]string{kubeRule(`images: ["reg.example.com/*"]`, "allow")}, asked("create pods stg web", images("reg.example.com/a", "evil/b")), "; rule r0 would, but it asks for images: [reg.example.com/*], and this names evil/b"},
		"several": {[]string{kubeRule("privileged: false, host_path: false, dry_run: true", "allow")},
			asked("create pods stg web", func(k *policy.Kube) { k.Privileged, k.HostPath = true, true }), "; rule r0 would, but it asks for dry_run: true (--dry-run=server makes one), and for privileged: false (a privileged container, a namespace of the host and a strong capability count as such), and for host_path: false (a volume that is a path of the host counts as such)"},
		"an effect of what a rule names": {[]string{"effects: [read], " + kubeRule("resources: [pods/exec]", "allow")}, asked("create pods/exec stg web"), "; rule r0 is one, but execute is not among its effects"},
		"not where it names another":     {[]string{"effects: [read], " + kubeRule("resources: [pods/attach]", "allow")}, asked("create pods/exec stg web"), ""},
		"the second rule":                {[]string{kubeRule("namespaces: [prod], service_accounts: [app]", "allow"), deploy}, asked("create pods stg web", accounts("admin")), "; rule r1 would, but it asks for service_accounts: [app, web-*], and this names admin"},
		"a condition that is":            {[]string{`kube: {service_accounts: [app]}, if: 'kube.namespace == "stg"', verdict: allow`}, asked("create pods stg web", accounts("admin")), "; rule r0 would, but it asks for service_accounts: [app], and this names admin"},
		"and one that is not":            {[]string{`kube: {service_accounts: [app]}, if: 'kube.namespace == "prod"', verdict: allow`}, asked("create pods stg web", accounts("admin")), ""},
		"another namespace":              {[]string{deploy}, asked("create pods prod web", accounts("admin")), ""},
		"another effect":                 {[]string{"effects: [read], " + deploy}, asked("create pods stg web", accounts("admin")), ""},
		"a rule that denies":             {[]string{deploy, kubeRule("service_accounts: [admin]", "deny")}, asked("create pods stg web", accounts("admin")), ""},
		"a rule for others":              {[]string{"who: {users: [alice]}, " + deploy}, asked("create pods stg web", accounts("admin")), ""},
		"what is no resource":            {[]string{deploy}, serverPath("get", "/metrics", policy.Session), ""},
		"a rule without facts":           {[]string{kubeRule("namespaces: [prod]", "allow")}, asked("create pods stg web", accounts("admin")), ""},
	} {
		d := parse(t, policyOf(c.rules)).Decide(person("dev"), cluster, c.command)
		_, said, found := strings.Cut(d.Message, "; rule ")
		if d.Verdict != policy.Deny || found != (c.want != "") || found && "; rule "+said != c.want {
			t.Errorf("%s: %s %q", name, d.Verdict, d.Message)
		}
	}
}
