package e2e

import (
	"strings"
	"testing"
	"time"
)

// running is the one open session on a connection.
func (u *user) running(t *testing.T, connection string) (id string) {
	t.Helper()
	eventually(t, commandTime, "the session is listed", func() bool {
		for _, s := range u.sessions(t) {
			if s.Connection == connection && s.State == "open" {
				id = s.ID
			}
		}
		return id != ""
	})
	return id
}

// A terminal on a host is watched as it goes, ended, played, exported and verified; and what was seen of it outlives a gateway
// that is killed.
func TestATerminalOnAHostIsWatchedEndedAndPlayed(t *testing.T) {
	w := ownWorld(t)
	dev, security := w.user(t, "dev"), w.user(t, "security")
	begin := func() (shell, watcher *listener, id string) {
		shell = dev.spawn(t, "connect", "web-2", "--", "ssh", "-tt", "web-2", "echo shown-$((6*7)); sleep 300")
		eventually(t, commandTime, "its output is seen", func() bool { return strings.Contains(shell.events.String(), "shown-42") })
		id = security.running(t, "web-2")
		watcher = security.spawn(t, "sessions", "watch", id)
		eventually(t, commandTime, "it is watched", func() bool { return strings.Contains(watcher.events.String(), "shown-42") })
		return shell, watcher, id
	}
	played := func(id string) {
		t.Helper()
		for _, args := range [][]string{{"replay", id}, {"export", id, "--format", "text"}, {"export", id, "--format", "cast"}, {"export", id, "--format", "ndjson"}} {
			if out := security.must(t, append([]string{"sessions"}, args...)...); !strings.Contains(out, "shown-42") {
				t.Errorf("%v: %s", args, out)
			}
		}
		security.must(t, "sessions", "verify", id)
	}
	shell, watcher, id := begin()
	began := time.Now()
	security.must(t, "sessions", "end", id)
	<-shell.done
	if took := time.Since(began); took > 2*time.Second || shell.cmd.ProcessState.ExitCode() == 0 {
		t.Errorf("it ended after %s with %d: %s", took, shell.cmd.ProcessState.ExitCode(), shell.stderr)
	}
	<-watcher.done
	played(id)

	_, _, id = begin()
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-w.done
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	played(id)
}
