package localproxy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func TestTheEndpointSpeaksOfItsSecretOnlyWhereItIsAsked(t *testing.T) {
	p, err := localproxy.Listen(options())
	must(t, err)
	defer p.Close()
	e := p.Endpoint()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "endpoint", e, "secret", e.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "endpoint", e, "secret", e.Password)
	object, err := json.Marshal(e)
	must(t, err)
	all := fmt.Sprint(e, e.Password, &e) + fmt.Sprintf("%v %+v %#v %s %q %x %d", e.Password, e, e.Password, e.Password, e.Password, e.Password, e.Password) +
		fmt.Sprintf("%+v %#v", struct{ E localproxy.Endpoint }{e}, struct{ E localproxy.Endpoint }{e}) + log.String() + string(object)
	if strings.Contains(all, e.Password.Reveal()) || strings.Contains(all, fmt.Sprintf("%x", e.Password.Reveal())) {
		t.Fatalf("the secret is in %s", all)
	}
	u, err := url.Parse(e.URL())
	must(t, err)
	if password, _ := u.User.Password(); password != e.Password.Reveal() || u.Path != "/app" || u.Query().Get("sslmode") != "disable" {
		t.Errorf("URL %v", u)
	}
}

func TestEnvFormatsSurviveTheirReaders(t *testing.T) {
	vars := []localproxy.Var{{Name: "A", Value: `it's "$HOME" \ & ; # %41`}, {Name: "B", Value: "plain-1"}}
	out, err := localproxy.FormatEnv("sh", vars)
	must(t, err)
	got, err := exec.Command("sh", "-c", out+`printf '%s|%s' "$A" "$B"`).Output()
	if err != nil || string(got) != vars[0].Value+"|plain-1" {
		t.Errorf("sh read %q (%v)", got, err)
	}
	out, err = localproxy.FormatEnv("dotenv", vars)
	must(t, err)
	got, err = exec.Command("sh", "-c", "set -a; "+out+`printf '%s|%s' "$A" "$B"`).Output()
	if err != nil || string(got) != vars[0].Value+"|plain-1" {
		t.Errorf("dotenv, sourced, read %q (%v)", got, err)
	}
	want := map[string]string{
		"fish":       `set -gx A 'it\'s "$HOME" \\ & ; # %41'` + "\nset -gx B 'plain-1'\n",
		"powershell": `$env:A = 'it''s "$HOME" \ & ; # %41'` + "\n$env:B = 'plain-1'\n",
		"github":     `A=it's "$HOME" \ & ; # %41` + "\nB=plain-1\n",
		"json":       `{"A":"it's \"$HOME\" \\ \u0026 ; # %41","B":"plain-1"}` + "\n",
		"dotenv":     `A="it's \"\$HOME\" \\ & ; # %41"` + "\nB=plain-1\n",
	}
	for format, text := range want {
		if out, err := localproxy.FormatEnv(format, vars); err != nil || out != text {
			t.Errorf("%s: %q (%v)", format, out, err)
		}
	}
	for _, format := range localproxy.Formats() {
		_, err := localproxy.FormatEnv(format, []localproxy.Var{{Name: "A", Value: "x\nB=y"}})
		if (err == nil) != (format == "json") {
			t.Errorf("%s took a value with a line break: %v", format, err)
		}
	}
	if _, err := localproxy.FormatEnv("xml", vars); err == nil {
		t.Error("an unknown format was written")
	}
}

func TestInheritedVariablesOfTheKindAreNamed(t *testing.T) {
	for kind, names := range map[string]map[string]bool{
		"postgres":   {"PGHOST": true, "PGSERVICE": true, "PGPASSFILE": true, "DATABASE_URL": true, "PATH": false, "HOME": false, "KUBECONFIG": false},
		"ssh":        {"GIT_SSH_COMMAND": true, "PGHOST": false},
		"kubernetes": {"KUBECONFIG": true, "KUBERNETES_SERVICE_HOST": true, "HOOP_URL": false, "PATH": false},
		"http":       {"HOOP_URL": true, "HOOP_URL_GRAFANA": true, "HOOP_SOCKET": true, "HOOP_BROKER": false, "HTTP_PROXY": false},
		"novel":      {"PATH": false},
	} {
		for name, want := range names {
			if localproxy.Inherited(kind, name) != want {
				t.Errorf("%s, %s: inherited is %v", kind, name, !want)
			}
		}
	}
}

func service(name string) localproxy.Endpoint {
	return localproxy.Endpoint{Kind: "http", Name: name, Host: "127.0.0.1", Port: 4000, User: "hoop"}
}

func TestEachOfSeveralServicesHasAVariableOfItsOwn(t *testing.T) {
	vars, _, err := localproxy.Environment([]localproxy.Endpoint{service("grafana")})
	must(t, err)
	if fmt.Sprint(vars) != "[{HOOP_URL http://hoop:@127.0.0.1:4000}]" {
		t.Errorf("one: %v", vars)
	}
	db := localproxy.Endpoint{Kind: "postgres", Host: "127.0.0.1", Port: 5432, User: "hoop", Database: "app"}
	vars, _, err = localproxy.Environment([]localproxy.Endpoint{service("grafana"), db, service("wiki.x-1")})
	must(t, err)
	if names := strings.Join([]string{vars[0].Name, vars[1].Name, vars[2].Name}, " "); names != "HOOP_URL_GRAFANA HOOP_URL_WIKI_X_1 PGHOST" {
		t.Errorf("several: %v", names)
	}
	for _, all := range [][]localproxy.Endpoint{{service("a-b"), service("a.b")}, {db, db}} {
		vars, _, err = localproxy.Environment(all)
		wantCode(t, err, api.CodeUsage)
		if len(vars) > 0 {
			t.Errorf("%v", vars)
		}
	}
	unix := service("grafana")
	unix.Socket = "/s/http.sock"
	if vars := fmt.Sprint(unix.Env()); vars != "[{HOOP_URL http://localhost} {HOOP_SOCKET /s/http.sock}]" {
		t.Errorf("by a socket: %s", vars)
	}
}

func TestLoopbackIsNotReachedThroughAnotherProxy(t *testing.T) {
	for _, c := range []struct {
		kinds       []string
		upper, both string
		want        string
	}{
		{[]string{"postgres", "ssh"}, "a", "", "[]"},
		{[]string{"http"}, "", "", "[{NO_PROXY 127.0.0.1,localhost} {no_proxy 127.0.0.1,localhost}]"},
		{[]string{"ssh", "kubernetes"}, "a.test, b.test", "", "[{NO_PROXY a.test,b.test,127.0.0.1,localhost} {no_proxy a.test,b.test,127.0.0.1,localhost}]"},
		{[]string{"http"}, "a", "b", "[{NO_PROXY a,127.0.0.1,localhost} {no_proxy b,127.0.0.1,localhost}]"},
		{[]string{"http"}, "*", "", "[{NO_PROXY *} {no_proxy *}]"},
	} {
		got := fmt.Sprint(localproxy.Direct(c.kinds, func(name string) string { return map[string]string{"NO_PROXY": c.upper, "no_proxy": c.both}[name] }))
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.kinds, got, c.want)
		}
	}
}
