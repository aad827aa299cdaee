package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// confirm is a person at the device page: opens it, types the code, and says yes.
func confirm(t *testing.T, page, code, account string) {
	t.Helper()
	for _, step := range []struct {
		path string
		form url.Values
	}{
		{"", url.Values{"user_code": {code}, "account": {account}}},
		{"/confirm", url.Values{"user_code": {code}, "account": {account}, "decision": {"approve"}}},
	} {
		res, err := http.PostForm(page+step.path, step.form)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s%s: %d %v %s", page, step.path, res.StatusCode, err, body)
		}
	}
}

// signIn is `hoop login` by a person, once: what hoop is run for after it signs in no more.
func (u *user) signIn(t *testing.T, account string) {
	t.Helper()
	l := u.spawn(t, "login", "-o", "ndjson")
	var prompt struct{ Event, URL, Code string }
	eventually(t, commandTime, "hoop says where to sign in", func() bool {
		line, _, whole := strings.Cut(l.events.String(), "\n")
		return whole && json.Unmarshal([]byte(line), &prompt) == nil
	})
	if prompt.Event != "sign_in_required" || !strings.HasPrefix(prompt.URL, u.world.issuer()) || prompt.Code == "" {
		t.Fatalf("the prompt: %s", l.events)
	}
	eventually(t, commandTime, "the code on stderr, for the person", func() bool { return strings.Contains(l.stderr.String(), prompt.Code) })
	confirm(t, prompt.URL, prompt.Code, account)
	<-l.done
	if code := l.cmd.ProcessState.ExitCode(); code != 0 || !strings.Contains(l.events.String(), `"user":"`+account+`"`) {
		t.Fatalf("login: exit %d %s%s", code, l.events, l.stderr)
	}
}

func TestAPersonSignsInAtTheDevicePageAndStaysSignedIn(t *testing.T) {
	w := shared
	u := w.stranger(t)
	u.signIn(t, "dev")
	var who struct {
		User   string
		Groups []string
	}
	u.json(t, &who, "whoami")
	if who.User != "dev" || len(who.Groups) != 1 || who.Groups[0] != "developers" {
		t.Fatalf("whoami: %+v", who)
	}
	if r := u.psql(t, "SELECT 'signed in'"); r.code != 0 || !strings.Contains(r.stdout, "signed in") {
		t.Fatalf("psql: %s", r.stderr)
	}
	if out := u.must(t, "ls"); !strings.Contains(out, "db-prod") || strings.Contains(out, "db-free") {
		t.Errorf("within reach: %s", out)
	}
	// What is kept is private, and no token stands in it as it is.
	kept := 0
	home := strings.TrimPrefix(u.env[0], "HOME=")
	err := filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		kept++
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 || strings.Contains(string(content), "access_token") || strings.Contains(string(content), "refresh_token") {
			t.Errorf("%s: mode %v, %d bytes", path, info.Mode(), len(content))
		}
		return nil
	})
	if err != nil || kept == 0 {
		t.Fatalf("%d files are kept: %v", kept, err)
	}
	u.must(t, "logout")
	if r := u.run(t, "whoami"); r.code != 4 {
		t.Fatalf("after logout: exit %d %s", r.code, r.stdout)
	}
}
