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
	for name, want := range map[string]bool{"PGHOST": true, "PGSERVICE": true, "PGPASSFILE": true, "DATABASE_URL": true, "PATH": false, "HOME": false} {
		if localproxy.Inherited("postgres", name) != want {
			t.Errorf("%s: inherited is %v", name, !want)
		}
	}
}
