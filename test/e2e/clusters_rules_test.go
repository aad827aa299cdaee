package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// No value of a Secret is in what a masked person sees, whatever they ask it as, nor in a recording or the gateway's log.
func TestNoValueOfASecretIsShownThroughHoop(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	var seen strings.Builder
	for _, version := range kubectls {
		config := dev.open(t, "k8s-stg").kubeconfig(t, "stg")
		for _, args := range [][]string{
			{"get", "secrets"}, {"get", "secrets", "-o", "wide"}, {"get", "secrets", "-o", "json"}, {"get", "secrets", "-A", "-o", "yaml"},
			{"get", "secret", "db-credentials", "-o", "jsonpath={.data.password}"}, {"get", "secrets", "-o", "custom-columns=A:.data"},
			{"get", "--raw", "/api/v1/namespaces/stg/secrets/db-credentials"}, {"describe", "secret", "db-credentials"},
			{"get", "configmap", "app-config", "-o", "yaml"}, {"get", "pod", "web", "-o", "yaml"},
		} {
			r := dev.program(t, "", kubetest.Program(t, "clients/"+version+"/kubectl"), append([]string{"--kubeconfig", config}, args...)...)
			if r.code != 0 {
				t.Errorf("%s %v: exit %d %s", version, args, r.code, r.stderr)
			}
			seen.WriteString(r.stdout + r.stderr)
		}
	}
	if !strings.Contains(seen.String(), "db-credentials") || !strings.Contains(seen.String(), "LOG_LEVEL: info") {
		t.Error("nothing was seen at all")
	}
	everywhere := map[string]string{"the client": seen.String(), "the log": w.log.String()}
	recordings := 0
	if err := filepath.WalkDir(filepath.Join(w.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".hrec") {
			recordings++
		}
		return err
	}); err != nil || recordings == 0 {
		t.Errorf("%d recordings: %v", recordings, err)
	}
	var list struct {
		Sessions []struct{ ID, Connection string }
	}
	dev.json(t, &list, "sessions", "ls")
	for _, s := range list.Sessions[:min(12, len(list.Sessions))] {
		everywhere["the export of "+s.ID] = dev.must(t, "sessions", "export", s.ID, "--format", "ndjson")
	}
	for where, text := range everywhere {
		for _, canary := range []string{kubetest.CanarySecret, kubetest.CanaryConfigMap, kubetest.CanaryEnv, w.cluster.GatewayToken} {
			if strings.Contains(text, canary) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(canary))) {
				t.Errorf("%s has the canary %s", where, canary)
			}
		}
	}
}

// A deletion waits for an approval, with kubectl waiting, and runs once.
func TestADeletionWaitsForItsApprovalAndRunsOnce(t *testing.T) {
	w := withClusters(t)
	dev, dba := w.user(t, "dev"), w.user(t, "dba")
	for _, version := range kubectls {
		t.Run(version, func(t *testing.T) {
			name := "approved-" + version
			path := "/api/v1/namespaces/stg/configmaps/" + name
			if status, text := w.cluster.Do(t, "POST", "/api/v1/namespaces/stg/configmaps", `{"metadata":{"name":"`+name+`"}}`); status != 201 {
				t.Fatalf("%d %s", status, text)
			}
			deleted := func() int {
				return len(w.cluster.Audited(t, func(e kubetest.Event) bool {
					return e.Verb == "delete" && e.ObjectRef.Name == name && e.Stage == "RequestReceived"
				}))
			}
			l := dev.spawn(t, "connect", "k8s-stg", "--", kubetest.Program(t, "clients/"+version+"/kubectl"), "-n", "stg", "delete", "configmap", name, "--wait=false")
			eventually(t, commandTime, "it is asked for", func() bool { return len(dba.approvals(t, name)) == 1 })
			if status, _ := w.cluster.Do(t, "GET", path, ""); status != 200 || deleted() != 0 {
				t.Fatal("it ran before it was approved")
			}
			dba.must(t, "approvals", "approve", dba.approvals(t, name)[0].ID)
			<-l.done
			if code := l.cmd.ProcessState.ExitCode(); code != 0 || deleted() != 1 {
				t.Errorf("exit %d, deleted %d times: %s%s", code, deleted(), l.events, l.stderr)
			}
			t.Logf("kubectl said: %s%s", l.events, l.stderr)
		})
	}
}

// A deletion that nobody approves is asked for again by kubectl itself, until it is told in words.
func TestADeletionThatNobodyApprovesIsRefusedInWords(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	for _, version := range kubectls {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // it waits for longer than client-go's ten tries take
			name := "unapproved-" + version
			if status, text := w.cluster.Do(t, "POST", "/api/v1/namespaces/stg/configmaps", `{"metadata":{"name":"`+name+`"}}`); status != 201 {
				t.Fatalf("%d %s", status, text)
			}
			defer w.cluster.Do(t, "DELETE", "/api/v1/namespaces/stg/configmaps/"+name, "") // other tests list what there is
			r := dev.kubectl(t, version, "k8s-stg", "-n", "stg", "delete", "configmap", name, "--wait=false")
			if r.code == 0 || !strings.Contains(r.stderr, "hoop: This command needs an approval: request ap_") || r.took < 30*time.Second {
				t.Errorf("exit %d after %v: %s%s", r.code, r.took, r.stdout, r.stderr)
			}
			for _, e := range w.cluster.Audited(t, func(e kubetest.Event) bool { return e.Verb == "delete" && e.ObjectRef.Name == name }) {
				t.Errorf("it reached the cluster: %s", e.RequestURI)
			}
			t.Logf("kubectl said: %s", r.stderr)
		})
	}
}

// What is refused is told in words, and the cluster knows nothing of it.
func TestWhatIsRefusedDoesNotReachTheCluster(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	for name, args := range map[string][]string{
		"Nothing is deleted in prod.": {"-n", "prod", "delete", "pod", "web", "--wait=false"},
		"hoop: ":                      {"-n", "stg", "exec", "web", "-c", "app", "--", "touch", "refused-exec"},
		"hoop:":                       {"create", "clusterrolebinding", "refused-binding", "--clusterrole=cluster-admin", "--user=dev"},
	} {
		for _, version := range kubectls {
			r := dev.kubectl(t, version, "k8s-stg", args...)
			if r.code == 0 || !strings.Contains(r.stdout+r.stderr, name) {
				t.Errorf("%s %v: exit %d %s%s", version, args, r.code, r.stdout, r.stderr)
			}
		}
	}
	for _, e := range w.cluster.Audited(t, func(e kubetest.Event) bool {
		return strings.Contains(e.RequestURI, "refused-") || e.Verb == "delete" && e.ObjectRef.Namespace == "prod" || e.ObjectRef.Resource == "clusterrolebindings" && e.Verb == "create" && e.ImpersonatedUser != nil
	}) {
		t.Errorf("it reached the cluster: %+v", e)
	}
}

// Two connections stand in one file with a context each, and what the person has of their own is left alone.
func TestTwoClustersAtOnceLeaveAPersonsOwnFileAlone(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	own := filepath.Join(strings.TrimPrefix(dev.env[0], "HOME="), ".kube", "config")
	if err := os.Mkdir(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	const mine = "apiVersion: v1\nkind: Config\ncurrent-context: mine\n"
	if err := os.WriteFile(own, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl := kubetest.Program(t, "clients/"+kubetest.Newest+"/kubectl")
	script := kubectl + " config get-contexts -o name; " + kubectl + " config use-context k8s-too >/dev/null; " + kubectl + " -n stg get pods -o name; " + kubectl + " --context k8s-stg -n prod get pods -o name"
	r := dev.run(t, "connect", "k8s-stg", "k8s-too", "--", "sh", "-c", script)
	if r.code != 0 || r.stdout != "k8s-stg\nk8s-too\npod/web\npod/web\n" {
		t.Errorf("exit %d %q %q", r.code, r.stdout, r.stderr)
	}
	if text, err := os.ReadFile(own); err != nil || string(text) != mine {
		t.Errorf("%v: %s", err, text)
	}
}
