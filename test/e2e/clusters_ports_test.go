package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// echoes answers what it is sent on a port of this machine in a range, and says how many connected.
func echoes(t *testing.T, low, high int) (port int, connected chan struct{}) {
	t.Helper()
	connected = make(chan struct{}, 16)
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // a port that is not in the range is held, so that it does not come again
		if port = l.Addr().(*net.TCPAddr).Port; port < low || port > high {
			continue
		}
		go func() { // ends with the listener
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				connected <- struct{}{}
				go func() {
					_, _ = io.Copy(conn, conn)
					_ = conn.Close()
				}()
			}
		}()
		return port, connected
	}
}

// replies is what a port on this machine answers to a word.
func replies(t *testing.T, address, word string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(commandTime)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, word)
	_ = conn.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(conn) // one that is refused may be reset
	return string(text)
}

// A rule with ports admits connections to those alone, though one port-forward may ask for others beside them.
func TestAPortForwardReachesThePortsOfItsRule(t *testing.T) {
	w := withClusters(t)
	agent := w.user(t, "agent")
	for _, version := range kubectls {
		t.Run(version, func(t *testing.T) {
			listed, came := echoes(t, 30000, 39999)
			other, never := echoes(t, 40000, 65535)
			l := agent.shows(t, fmt.Sprintf("-> %d", other), "connect", "k8s-told", "--", kubetest.Program(t, "clients/"+version+"/kubectl"), "-n", "stg",
				"port-forward", "--address=127.0.0.1", "pod/web", fmt.Sprint(":", listed), fmt.Sprint(":", other))
			at := map[int]string{}
			for line := range strings.Lines(l.events.String()) {
				var address string
				var port int
				if n, err := fmt.Sscanf(line, "Forwarding from %s -> %d", &address, &port); n == 2 && err == nil {
					at[port] = address
				}
			}
			if got := replies(t, at[listed], "echoed"); got != "echoed" {
				t.Fatalf("the port of the rule answers %q: %s", got, l.stderr)
			}
			<-came
			if got := replies(t, at[other], "echoed"); got != "" {
				t.Errorf("the other port answers %q", got)
			}
			eventually(t, commandTime, "kubectl says why", func() bool {
				return strings.Contains(l.stderr.String(), "hoop: no rule allows agent the effect transfer on stg/pods/web (k8s-told)")
			})
			l.stop()
			select {
			case <-never:
				t.Error("the other port was connected to")
			default:
			}
			for port, want := range map[int]int{listed: 1, other: 0} {
				ran := w.cluster.Ran(t, func(e kubetest.KubeletEvent) bool { return e.Kind == "portforward" && e.Port == port })
				if len(ran) != want {
					t.Errorf("the pod was connected to %d times at port %d, and %d were expected", len(ran), port, want)
				}
			}
		})
	}
	var list struct {
		Sessions []struct{ ID, Connection string }
	}
	agent.json(t, &list, "sessions", "ls")
	var all strings.Builder
	for _, s := range list.Sessions {
		if s.Connection == "k8s-told" {
			all.WriteString(agent.must(t, "sessions", "export", s.ID, "--format", "text"))
		}
	}
	if text := all.String(); strings.Count(text, "(port-forward stg/pods/web:") < 2 || !strings.Contains(text, "to stg/pods/web:") || !strings.Contains(text, "REFUSED") {
		t.Errorf("recorded: %s", text)
	}
	for port, want := range map[string]string{"30000": "allow", "22": "deny"} {
		if r := agent.run(t, "can", "k8s-told", "port-forward web "+port+" -n stg"); !strings.Contains(strings.ReplaceAll(r.stdout, " ", ""), "verdict:"+want) {
			t.Errorf("can port %s: %s%s", port, r.stdout, r.stderr)
		}
	}
}
