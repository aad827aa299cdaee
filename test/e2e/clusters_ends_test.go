package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// follows starts kubectl through hoop and waits until it has shown a word.
func (u *user) follows(t *testing.T, word, connection string, args ...string) *listener {
	t.Helper()
	l := u.spawn(t, append([]string{"connect", connection, "--", kubetest.Program(t, "clients/"+kubetest.Newest+"/kubectl"), "-n", "stg"}, args...)...)
	eventually(t, commandTime, word+" is shown", func() bool { return strings.Contains(l.events.String(), word) })
	return l
}

// A watch, a followed log and a forwarded port are cut with their grants.
func TestWhatRunsInAClusterEndsWithItsGrant(t *testing.T) {
	w := withClusters(t)
	agent := w.user(t, "agent")
	eventually(t, commandTime, "earlier grants are over", func() bool { return len(agent.activeGrants(t)) == 0 })
	running := map[string]*listener{
		"a watch":          agent.follows(t, "web", "k8s-stg", "get", "pods", "-w"),
		"a followed log":   agent.follows(t, "ready", "k8s-stg", "logs", "-f", "web", "-c", "app"),
		"a forwarded port": agent.follows(t, "Forwarding from", "k8s-stg", "port-forward", "pod/web", ":8080"),
	}
	for _, id := range agent.activeGrants(t) {
		agent.must(t, "grants", "end", id)
	}
	late := time.After(3 * time.Second)
	for what, l := range running {
		select {
		case <-l.done: // kubectl may be gone before hoop hears why
		case <-late:
			t.Fatalf("%s goes on: %s%s", what, l.events, l.stderr)
		}
	}
	// Of a request that runs the cluster's log has no end yet.
	eventually(t, 2*time.Second, "they are over in the cluster's own log", func() bool {
		return len(w.cluster.Audited(t, func(e kubetest.Event) bool {
			return e.Stage == "ResponseComplete" && e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == "hoop:agent" && (e.Verb == "watch" || e.ObjectRef.Subresource != "")
		})) == len(running)
	})
}

// A policy that no longer allows a watch ends it, and so does a lock.
func TestAPolicyAndALockEndAWatch(t *testing.T) {
	w := ownClusters(t)
	dev, security := w.user(t, "dev"), w.user(t, "security")
	watch := dev.follows(t, "web", "k8s-stg", "get", "pods", "-w")
	over := len(w.watches(t))
	w.setPolicy(t, strings.Replace(clusterPolicy, "rules:\n", "rules:\n  - {name: closed, on: {connections: [k8s-stg]}, kube: {resources: [pods]}, verdict: deny, message: Not now.}\n", 1))
	eventually(t, 2*time.Second, "the watch is over", func() bool { return len(w.watches(t)) > over })
	watch.stop()
	w.setPolicy(t, clusterPolicy)
	eventually(t, commandTime, "the policy is back", func() bool {
		return dev.kubectl(t, kubetest.Newest, "k8s-stg", "-n", "stg", "get", "pods").code == 0
	})
	watch = dev.follows(t, "web", "k8s-stg", "get", "pods", "-w")
	over = len(w.watches(t))
	security.must(t, "lock", "dev")
	eventually(t, time.Second, "the watch is over", func() bool { return len(w.watches(t)) > over })
	<-watch.done
}

// watches are those of dev that have ended.
func (w *clusterWorld) watches(t *testing.T) []kubetest.Event {
	return w.cluster.Audited(t, func(e kubetest.Event) bool {
		return e.Verb == "watch" && e.Stage == "ResponseComplete" && e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == "hoop:dev"
	})
}

// What was done in a cluster is read afterwards in words.
func TestASessionOfAClusterIsListedAndReplayed(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	for _, args := range [][]string{{"get", "pod", "web", "-o", "name"}, {"exec", "web", "-c", "app", "--", "echo", "replayed-word"}, {"get", "--raw", "/metrics"}} {
		dev.kubectl(t, kubetest.Newest, "k8s-stg", append([]string{"-n", "stg"}, args...)...)
	}
	var list struct {
		Sessions []struct{ ID, Connection string }
	}
	dev.json(t, &list, "sessions", "ls")
	var all strings.Builder
	for _, s := range list.Sessions[:min(8, len(list.Sessions))] {
		all.WriteString(dev.must(t, "sessions", "replay", s.ID))
		all.WriteString(dev.must(t, "sessions", "export", s.ID, "--format", "text"))
		dev.must(t, "sessions", "verify", s.ID)
	}
	for _, want := range []string{"GET /api/v1/namespaces/stg/pods/web", "replayed-word\n", "REFUSED", "/metrics"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the replays lack %q", want)
		}
	}
	for _, wrong := range []string{"connected as \n", "(0 rows"} {
		if strings.Contains(all.String(), wrong) {
			t.Errorf("the replays say %q", wrong)
		}
	}
	if t.Failed() || os.Getenv("SHOW") != "" {
		t.Logf("%s", all.String())
	}
}
