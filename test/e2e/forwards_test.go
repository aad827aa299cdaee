package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// echoing is a service of the host's that says back what it is told, and counts who came.
func echoing(t *testing.T) (place string, came *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	came = &atomic.Int64{}
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	return l.Addr().String(), came
}

func TestConnectionsGoThroughAHostWhereARuleNamesThem(t *testing.T) {
	agent := shared.user(t, "agent")
	place, came := echoing(t)
	ssh := []string{"--", "ssh", "-o", "LogLevel=INFO", "-W"}
	if r := agent.runIn(t, "there and back\n", append(append([]string{"connect", "web-2"}, ssh...), place, "web-2")...); r.stdout != "there and back\n" || came.Load() != 1 {
		t.Errorf("exit %d: %q %q, %d came", r.code, r.stdout, r.stderr, came.Load())
	}
	const opened = "ctype direct-tcpip" // said at the opening; what is said of the end may come later
	if !strings.Contains(shared.hostLog(t, 0), opened) {
		t.Error("the host's log does not tell of what was opened")
	}
	from := len(shared.hostLog(t, 0))
	for host, to := range map[string]string{"web-1": place, "web-2": "169.254.169.254:80"} {
		r := agent.runIn(t, "x\n", append(append([]string{"connect", host}, ssh...), to, host)...)
		if r.code != 255 || r.stdout != "" || !strings.Contains(r.stderr, "administratively prohibited: hoop: no rule allows agent the effect transfer") {
			t.Errorf("%s by %s: exit %d: %q %q", to, host, r.code, r.stdout, r.stderr)
		}
	}
	if came.Load() != 1 || strings.Contains(shared.hostLog(t, from), opened) {
		t.Error("the host was asked")
	}
	for to, want := range map[string]string{place: "allow", "169.254.169.254:80": "deny"} {
		if r := agent.run(t, "can", "web-2", fmt.Sprintf("(forward %s)", to)); !strings.Contains(r.stdout, "verdict:     "+want) {
			t.Errorf("can forward %s: exit %d: %q %q", to, r.code, r.stdout, r.stderr)
		}
	}
}
