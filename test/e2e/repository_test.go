package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// repositories serves a folder of git's as git's own program does, and logs what it is asked.
func repositories(t *testing.T, dir string, port int) (log func() string) {
	t.Helper()
	backend, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked strings.Builder
	git := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"}}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		fmt.Fprintf(&asked, "%s %s coding=%q long=%t\n", r.Method, r.URL, r.Header.Get("Content-Encoding"), r.ContentLength > 1024)
		mu.Unlock()
		git.ServeHTTP(w, r)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return asked.String()
	}
}

func TestGitClonesFetchesAndPushesOverHTTP(t *testing.T) {
	dir := t.TempDir()
	run := func(script string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const as = `git -c user.name=dev -c user.email=dev@example.com `
	run(`git init -q --bare -b main app.git; git -C app.git config http.receivepack true
		git clone -q app.git own 2>/dev/null; cd own; git checkout -q -b main; GIT_COMMITTER_DATE=2020-01-01T00:00:00Z ` + as + `commit -q --allow-empty -m first; git push -q origin main`)
	log := repositories(t, dir, shared.service)
	dev := shared.user(t, "dev")
	// What git has that the other side lacks is told in a body that it packs where it is long: the youngest first, until it comes to what
	// both have, which is older by years and not by less than a second.
	got := dev.run(t, "connect", "prom", "--", "sh", "-ec", `cd "$(mktemp -d)"; git clone -q "$HOOP_URL/app.git" mine; cd mine
		for n in $(seq 60); do `+as+`commit -q --allow-empty -m "mine $n"; done
		(cd '`+dir+`/own'; `+as+`commit -q --allow-empty -m theirs; git push -q origin main) >&2
		git fetch -q; git log -1 --format=%s origin/main; `+as+`merge -q -m both origin/main; git push -q; git log -1 --format=%s origin/main`)
	if got.code != 0 || got.stdout != "theirs\nboth\n" {
		t.Errorf("exit %d: %s%s\n%s", got.code, got.stdout, got.stderr, log())
	}
	if said := log(); !strings.Contains(said, `/app.git/git-upload-pack coding="" long=true`) || strings.Contains(said, "gzip") {
		t.Errorf("the service was asked for\n%s", said)
	}
}
