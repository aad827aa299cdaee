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
	return u.shows(t, word, append([]string{"connect", connection, "--", kubetest.Program(t, "clients/"+kubetest.Newest+"/kubectl"), "-n", "stg"}, args...)...)
}

// shows starts hoop, whose stdin stays open, and waits until a word was shown.
func (u *user) shows(t *testing.T, word string, args ...string) *listener {
	t.Helper()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), typed.Close() })
	l := u.spawnWith(t, in, args...)
	eventually(t, commandTime, word+" is shown", func() bool { return strings.Contains(l.events.String(), word) || over(l) })
	if over(l) {
		t.Fatalf("it ended before %s was shown: %s%s", word, l.events, l.stderr)
	}
	return l
}

func over(l *listener) bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// A watch, a followed log and a forwarded port are cut with their grants, and hoop says why, however kubectl takes their ends.
func TestWhatRunsInAClusterEndsWithItsGrant(t *testing.T) {
	w := withClusters(t)
	agent := w.user(t, "agent")
	eventually(t, commandTime, "earlier grants are over", func() bool { return len(agent.activeGrants(t)) == 0 })
	// Of a request that runs the cluster's log has no end yet, and of one before this test it may have it late.
	begun := time.Now()
	ended := func() int {
		return len(w.cluster.Audited(t, func(e kubetest.Event) bool {
			return e.Stage == "ResponseComplete" && e.RequestReceivedTimestamp.After(begun) && e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == "hoop:agent" &&
				(e.Verb == "watch" || e.ObjectRef.Subresource == "log" || e.ObjectRef.Subresource == "portforward")
		}))
	}
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
		case <-l.done:
		case <-late:
			t.Fatalf("%s goes on: %s%s", what, l.events, l.stderr)
		}
		if said := l.stderr.String(); strings.Count(said, "k8s-stg is closed: The grant was ended by agent.\n") != 1 {
			t.Errorf("%s: hoop said %q", what, said)
		}
		if code := l.cmd.ProcessState.ExitCode(); code != 0 && code != 1 { // kubectl's own
			t.Errorf("%s: exit %d", what, code)
		}
	}
	eventually(t, 2*time.Second, "they are over in the cluster's own log", func() bool { return ended() >= len(running) }) // kubectl may watch again
}

// executions are commands that run in a pod for the agent, over SPDY and WebSocket, on a terminal, reading, and neither.
type executions struct {
	w       *clusterWorld
	running map[string]*listener // by a word in the command
}

func (w *clusterWorld) executions(t *testing.T, agent *user, mark string) *executions {
	t.Helper()
	x := &executions{w, map[string]*listener{}}
	for _, version := range kubectls {
		kubectl := kubetest.Program(t, "clients/"+version+"/kubectl") + " -n stg exec %FLAGS web -c app -- sh -c 'echo %WORD; exec %PROGRAM'"
		for how, with := range map[string][2]string{"terminal": {"-it", "cat"}, "reading": {"-i", "cat"}, "silent": {"", "sleep 300"}} {
			word := strings.Join([]string{"runs", mark, version, how}, "-")
			line := strings.NewReplacer("%FLAGS", with[0], "%WORD", word, "%PROGRAM", with[1]).Replace(kubectl)
			program := []string{"sh", "-c", "exec " + line}
			if how == "terminal" {
				program = []string{"script", "-qec", line, "/dev/null"}
			}
			x.running[word] = agent.shows(t, word, append([]string{"connect", "k8s-stg", "--"}, program...)...)
		}
	}
	return x
}

// end is within a time in the cluster's log, and then in that of the kubelet's stand-in: what reads, or has a terminal, ends there too.
// kubectl says the words, with the exit code of its own for what failed, and hoop says closed; "" is nothing.
func (x *executions) end(t *testing.T, within time.Duration, words, closed string) {
	t.Helper()
	began := time.Now()
	eventually(t, within, "they are over in the cluster's own log", func() bool {
		ended := map[string]bool{}
		for _, e := range x.w.cluster.Audited(t, func(e kubetest.Event) bool {
			return e.Stage == "ResponseComplete" && strings.Contains(e.RequestURI, "runs-")
		}) {
			for word := range x.running {
				if strings.Contains(e.RequestURI, word) {
					ended[word] = true
				}
			}
		}
		return len(ended) == len(x.running)
	})
	t.Logf("they were over after %v", time.Since(began))
	eventually(t, commandTime, "they are over in the pod", func() bool {
		ended := 0
		for word := range x.running {
			ended += len(x.w.cluster.Ran(t, func(e kubetest.KubeletEvent) bool {
				return e.Kind == "ended" && strings.Contains(strings.Join(e.Argv, " "), word+"; exec cat")
			}))
		}
		return ended == len(x.running)*2/3
	})
	for word, l := range x.running {
		<-l.done
		if said := l.events.String() + l.stderr.String(); !strings.Contains(said, "hoop: "+words) {
			t.Errorf("%s: kubectl said %q", word, said)
		}
		if said := l.stderr.String(); strings.Contains(said, "k8s-stg is closed: ") != (closed != "") || !strings.Contains(said, closed) {
			t.Errorf("%s: hoop said %q", word, said)
		}
		if code := l.cmd.ProcessState.ExitCode(); code != 1 {
			t.Errorf("%s: exit %d", word, code)
		}
	}
}

func TestARunningCommandInAPodEndsWithItsGrant(t *testing.T) {
	w := withClusters(t)
	agent := w.user(t, "agent")
	eventually(t, commandTime, "earlier grants are over", func() bool { return len(agent.activeGrants(t)) == 0 })
	x := w.executions(t, agent, "grant")
	for _, id := range agent.activeGrants(t) {
		agent.must(t, "grants", "end", id)
	}
	x.end(t, time.Second, "The session was ended. Connect again with hoop connect, if you still may.", "The grant was ended by agent.\n")
}

func TestARunningCommandInAPodEndsWithAPolicyAndALock(t *testing.T) {
	w := ownClusters(t)
	agent, security := w.user(t, "agent"), w.user(t, "security")
	x := w.executions(t, agent, "policy")
	w.setPolicy(t, strings.Replace(clusterPolicy, "rules:\n", "rules:\n  - {name: closed, on: {connections: [k8s-stg]}, kube: {resources: [pods/exec]}, verdict: deny, message: Not now.}\n", 1))
	x.end(t, 2*time.Second, "Not now.", "")
	w.setPolicy(t, clusterPolicy)
	eventually(t, commandTime, "the policy is back", func() bool {
		return agent.kubectl(t, kubetest.Newest, "k8s-stg", "-n", "stg", "exec", "web", "-c", "app", "--", "echo", "back").code == 0
	})
	x = w.executions(t, agent, "lock")
	security.must(t, "lock", "agent")
	x.end(t, time.Second, "You were locked.", " locked.\n")
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
