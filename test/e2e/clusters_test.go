package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// clusterWorld is a `hoopd dev` with connections of kind kubernetes to one private cluster: k8s-all, where everything is allowed to the
// dba and nothing is masked from them; k8s-stg, whose rules are below; and k8s-too, which is k8s-stg by another name. The gateway's
// account may do nothing but impersonate, and ask for tokens of an administrator: k8s-minted and k8s-told are the cluster by such a
// token, k8s-told with more of a person told to it, and k8s-blind is the cluster by the account itself, which can't look at namespaces. In the cluster all may do everything but privacy, so that what is refused the gateway refused.
type clusterWorld struct {
	*world
	cluster *kubetest.Cluster
}

var (
	clustersOnce  sync.Once
	clusters      *clusterWorld
	clustersError error
)

// clusterPolicy is that of the world with clusters.
const clusterPolicy = `version: 1
reach:
  - {name: clusters, who: {groups: [developers, agents, dba, privacy]}, on: {kinds: [kubernetes]}, ttl: 1h}
rules:
  - name: all
    who: {groups: [dba]}
    on: {connections: [k8s-all]}
    effects: [read, write, delete, schema, execute, transfer, privilege, session, admin, shell, unknown]
    verdict: allow
  - name: all-streams
    who: {groups: [dba]}
    on: {connections: [k8s-all]}
    effects: [read, write, delete, schema, execute, transfer, privilege, session, admin, shell, unknown]
    kube: {resources: [pods/exec, pods/attach, pods/portforward, pods/ephemeralcontainers, serviceaccounts/token]}
    verdict: allow
  - {name: look, who: {groups: [developers, agents, privacy]}, on: {kinds: [kubernetes]}, effects: [read, session], verdict: allow}
  - name: look-inside
    who: {groups: [developers, agents]}
    on: {connections: [k8s-stg, k8s-too]}
    kube: {resources: [pods/exec], namespaces: [stg], argv: [[echo, "*"], [cat, "*"], [sleep, "*"], [env]]}
    verdict: allow
  - name: reach-ports
    who: {groups: [agents]}
    on: {connections: [k8s-stg]}
    kube: {resources: [pods/portforward], namespaces: [stg]}
    verdict: allow
  - name: some-ports
    who: {groups: [agents]}
    on: {connections: [k8s-told]}
    kube: {resources: [pods/portforward], namespaces: [stg], ports: ["30000-39999"]}
    verdict: allow
  - name: terminal
    who: {groups: [agents]}
    on: {connections: [k8s-stg]}
    effects: [execute, shell, read, write, delete, session, unknown]
    kube: {resources: [pods/exec], namespaces: [stg], names: [web]}
    verdict: allow
  - name: by-label
    who: {groups: [developers]}
    on: {connections: [k8s-told, k8s-blind]}
    effects: [write]
    kube: {resources: [configmaps], namespace_labels: {env: [stg, dev]}}
    verdict: allow
  - name: no-labels
    who: {groups: [developers]}
    on: {connections: [k8s-told, k8s-blind]}
    effects: [read]
    kube: {resources: [services], namespace_labels: {env: prod}}
    verdict: deny
    message: Services of production are not looked at.
  - name: settings
    who: {groups: [developers]}
    on: {connections: [k8s-stg]}
    effects: [write]
    kube: {resources: [configmaps, secrets], namespaces: [stg]}
    verdict: allow
  - name: pods
    who: {groups: [developers]}
    on: {connections: [k8s-stg]}
    effects: [write]
    kube: {resources: [pods], namespaces: [stg], privileged: false, host_path: false, service_accounts: [default], images: ["registry.example.com/*"]}
    verdict: allow
  - name: deletions
    who: {groups: [developers, agents]}
    on: {connections: [k8s-stg]}
    effects: [delete]
    kube: {namespaces: [stg]}
    verdict: approve
    approval: {by: {groups: [dba]}, hold: 1s, ttl: 10m}
  - name: nothing-in-prod
    who: {groups: [developers]}
    on: {connections: [k8s-stg]}
    effects: [delete]
    kube: {namespaces: [prod]}
    verdict: deny
    message: Nothing is deleted in prod.
masks:
  - {name: secrets, unless: {groups: [dba]}, fields: ["secrets.data.*", "secrets.stringData.*"], as: redact}
  - {name: settings, unless: {groups: [dba]}, fields: [configmaps.data.password, "pods.spec.containers[*].env[*].value"], as: redact}
  - {name: leaks, who: {groups: [developers]}, detect: [email, credit_card, us_ssn], as: redact}
powers:
  - {name: security, who: {groups: [security]}, may: [sessions.read, sessions.watch, sessions.end, grants.end, locks, policy.explain]}
`

// withClusters starts the world once for all tests that ask for it.
func withClusters(t *testing.T) *clusterWorld {
	t.Helper()
	c := kubetest.Start(t)
	clustersOnce.Do(func() {
		clusters, clustersError = newClusterWorld(filepath.Join(filepath.Dir(shared.dir), "clusters"), t, c)
	})
	if clustersError != nil {
		t.Fatal(clustersError)
	}
	return clusters
}

// ownClusters is for tests that change the policy or lock people.
func ownClusters(t *testing.T) *clusterWorld {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(shared.dir), "own-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	w, err := newClusterWorld(filepath.Join(dir, "own"), t, kubetest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func newClusterWorld(dir string, t *testing.T, c *kubetest.Cluster) (*clusterWorld, error) {
	const bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
	binding := `{"metadata":{"name":"people"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[`
	for i, group := range []string{"dba", "developers", "agents"} {
		binding += strings.Repeat(",", min(i, 1)) + fmt.Sprintf(`{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"hoop:%s"}`, group)
	}
	if status, text := c.Do(t, "POST", bindings, binding+"]}"); status != 201 && status != 409 {
		return nil, fmt.Errorf("bind people to roles: %d: %s", status, text)
	}
	var connections strings.Builder
	for _, name := range []string{"k8s-all", "k8s-stg", "k8s-too"} {
		fmt.Fprintf(&connections, "  - {name: %s, kind: kubernetes, address: %q, tls: {ca_file: %q}, credential: {token: {file: k8s.token}}, impersonate: {user: 'hoop:{user}', groups: 'hoop:{groups}'}}\n",
			name, c.URL, c.CAFile)
	}
	base := fmt.Sprintf("kind: kubernetes, address: %q, tls: {ca_file: %q}, credential: ", c.URL, c.CAFile)
	const minted = "{token_request: {token: {file: k8s.token}, service_account: hoop/deployer}}"
	connections.WriteString("  - {name: k8s-minted, " + base + minted + "}\n" +
		"  - {name: k8s-told, " + base + minted + ", impersonate: {user: 'hoop:{user}', groups: ['hoop:{groups}', 'hoop:people'],\n" +
		"      extra: {hoop.example.com/issuer: '{issuer}', hoop.example.com/groups: ['of {groups}', 'by hoop']}}}\n" +
		"  - {name: k8s-blind, " + base + "{token: {file: k8s.token}}, impersonate: {user: 'hoop:{user}', groups: 'hoop:{groups}'}}\n")
	w, err := newWorldWith(dir, &extra{connections: connections.String(), policy: clusterPolicy, files: map[string]string{"k8s.token": c.GatewayToken + "\n"}})
	return &clusterWorld{w, c}, err
}

// stopClusters ends the world with clusters, where a test started it.
func stopClusters() error {
	if clusters == nil || clusters.world == nil {
		return nil
	}
	return clusters.stop()
}

// kubeconfig is that of a held connection, with the namespace stg and the context of kubetest's own.
func (l *listener) kubeconfig(t *testing.T, namespace string) string {
	t.Helper()
	var said struct{ Env map[string]string }
	if err := json.Unmarshal([]byte(strings.SplitN(l.events.String(), "\n", 2)[0]), &said); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(said.Env["KUBECONFIG"])
	if err != nil {
		t.Fatalf("%v: %s", err, l.events)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "namespace: default", "namespace: "+namespace)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubectl runs `hoop connect CONNECTION -- kubectl …` with a kubectl of a version.
func (u *user) kubectl(t *testing.T, version, connection string, args ...string) result {
	t.Helper()
	return u.kubectlWith(t, "", version, connection, args...)
}

func (u *user) kubectlWith(t *testing.T, stdin, version, connection string, args ...string) result {
	t.Helper()
	return u.runIn(t, stdin, append([]string{"connect", connection, "--", kubetest.Program(t, "clients/"+version+"/kubectl")}, args...)...)
}

var kubectls = []string{kubetest.Oldest, kubetest.Newest}

// otherwise are the scenarios that say something else through the gateway, and why that is right.
var otherwise = map[string]string{
	kubetest.AsAnother: "clients say whom to take them for, which only the gateway may",
}

func TestKubectlAndHelmSayThroughHoopWhatTheySayDirectly(t *testing.T) {
	w := withClusters(t)
	dba := w.user(t, "dba")
	config := dba.open(t, "k8s-all").kubeconfig(t, "stg")
	for _, version := range kubectls {
		for _, s := range kubetest.Scenarios() {
			if otherwise[s.Name] != "" {
				continue
			}
			t.Run(version+"/"+s.Name, func(t *testing.T) {
				got := strings.ReplaceAll(s.Transcript(t, w.cluster, config, version), "hoop:dba", "hoop-robot")
				if diff := missing(s.Reference(t, version), got); diff != "" {
					t.Errorf("it differs:\n%s", diff)
				}
			})
		}
	}
}

// missing are the lines that are in one text only: helm and describe have lines in an order of chance.
func missing(want, got string) string {
	var out strings.Builder
	for _, x := range []struct{ sign, a, b string }{{"-", want, got}, {"+", got, want}} {
		for line := range strings.Lines(x.a) {
			if !strings.Contains(x.b, line) {
				out.WriteString(x.sign + line)
			}
		}
	}
	return out.String()
}

// Nobody says that they are somebody else. kubectl asks what there is first, and says of that refusal no more than that it was one.
func TestWhoAsksToBeSomebodyElseIsRefused(t *testing.T) {
	w := withClusters(t)
	for _, version := range kubectls {
		r := w.user(t, "dba").kubectl(t, version, "k8s-all", "get", "secrets", "-n", "stg", "--as", "weak", "-o", "name")
		if r.code == 0 || r.stdout != "" || r.stderr == "" {
			t.Errorf("%s: exit %d %q %q", version, r.code, r.stdout, r.stderr)
		}
	}
	if seen := w.cluster.Audited(t, func(e kubetest.Event) bool {
		return e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == "weak" && e.User.Username == "hoop-gateway"
	}); len(seen) != 0 {
		t.Errorf("it reached the cluster: %+v", seen)
	}
}

// The cluster's log has each person by name, and its own roles hold for them.
func TestTheClusterKnowsWhoAsks(t *testing.T) {
	w := withClusters(t)
	if r := w.user(t, "dev").kubectl(t, kubetest.Newest, "k8s-stg", "get", "pods", "-n", "stg", "-o", "name"); r.code != 0 || r.stdout != "pod/web\n" || r.stderr != "" {
		t.Errorf("exit %d %q %q", r.code, r.stdout, r.stderr)
	}
	r := w.user(t, "privacy").kubectl(t, kubetest.Newest, "k8s-stg", "get", "pods", "-n", "stg")
	if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, `User "hoop:privacy" cannot list resource "pods"`) {
		t.Errorf("exit %d %q %q", r.code, r.stdout, r.stderr)
	}
	seen := w.cluster.Audited(t, func(e kubetest.Event) bool {
		return e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == "hoop:dev" && strings.HasPrefix(e.RequestURI, "/api/v1/namespaces/stg/pods")
	})
	if len(seen) == 0 || seen[0].User.Username != "hoop-gateway" || strings.Join(seen[0].ImpersonatedUser.Groups, " ") != "hoop:developers system:authenticated" && strings.Join(seen[0].ImpersonatedUser.Groups, " ") != "hoop:developers" {
		t.Errorf("the cluster saw %+v", seen)
	}
}

func TestInformersSeeEveryChangeThroughHoop(t *testing.T) {
	w := withClusters(t)
	length := 2 * time.Second
	if text := os.Getenv("KUBE_WATCH"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	config := w.user(t, "dba").open(t, "k8s-all").kubeconfig(t, "stg")
	for name, accept := range map[string]string{"the library's own": "", "json": "application/json", "protobuf": "application/vnd.kubernetes.protobuf"} {
		t.Run(name, func(t *testing.T) {
			seen, done := w.cluster.Informers(t, config, accept, length, 100*time.Millisecond)
			want := kubetest.Counts{Added: 2 + done.Rounds, Updated: done.Rounds, Deleted: done.Rounds, Left: 3}
			if seen.Secrets != want || seen.Errors != 0 || done.Rounds < 3 || seen.Pods.Added != 1+done.Rounds || seen.Pods.Deleted != done.Rounds || seen.Pods.Left != 2 {
				t.Errorf("%d rounds: %+v", done.Rounds, seen)
			}
		})
	}
}
