package sshhost_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// What is asked about in advance is judged as it is in a session.
func TestForwardsCanBeAskedAbout(t *testing.T) {
	p := sshhost.New(slog.New(slog.DiscardHandler)).WithNames(names)
	rules, err := policy.Parse([]byte(`
version: 1
rules:
  - {name: there, ssh: {channels: [forward], forwards: ["far.test:443", "127.0.0.1:5432", "10.0.0.0/8:80"]}, verdict: allow}
  - {name: listen, ssh: {channels: [remote-forward], binds: ["127.0.0.1:8080"], sockets: ["/tmp/*"]}, verdict: allow}
  - {name: lend, ssh: {channels: [agent, forward-socket], sockets: ["/run/*"]}, verdict: allow}
`), "policy")
	must(t, err)
	for command, want := range map[string]string{
		"(forward far.test:443)":                    "problem",
		"(forward far.test:443 at 192.0.2.1)":       "allow there",
		"(forward far.test:443 at 127.0.0.1)":       "deny default",
		"(forward own.test:5432)":                   "problem",
		"(forward 10.1.2.3:80)":                     "allow there",
		"(forward 10.1.2.3:81)":                     "deny default",
		"(forward localhost:5432)":                  "allow there",
		"(forward a.test:80 at 10.1.2.3, 10.1.2.4)": "allow there",
		"(forward a.test:80 at 10.1.2.3, 11.1.2.4)": "deny default",
		"(forward a.test:80 at x)":                  "problem",
		"(forward 0.0.0.0:80)":                      "problem",
		"(forward 10.1.2.3)":                        "problem",
		"(remote-forward 127.0.0.1:8080)":           "allow listen",
		"(remote-forward :8080)":                    "deny default",
		"(remote-forward /tmp/x)":                   "allow listen",
		"(forward-socket /run/x)":                   "allow lend",
		"(forward-socket /run/../x)":                "problem",
		"(agent)":                                   "allow lend",
		"(x11)":                                     "deny default",
		"(uptime)":                                  "deny default",
	} {
		judged, err := p.Judge(t.Context(), gateway.Target{}, nil, command)
		must(t, err)
		for _, j := range []gateway.Judgement{judged, p.JudgeText(t.Context(), nil, command)} {
			got := "problem"
			if j.Problem == nil {
				d := rules.Decide(policy.Subject{User: "dev"}, policy.Connection{Name: "web-1", Kind: "ssh"}, j.Facts)
				got = d.Verdict.String() + " " + d.Rule
			}
			if got != want {
				t.Errorf("%s: got %s, want %s", command, got, want)
			}
		}
	}
}

// FuzzWritten: what is written down of a connection reads as the same connection.
func FuzzWritten(f *testing.F) {
	for _, text := range []string{"(forward a.test:443 at 192.0.2.1, 10.0.0.1)", "(forward [::1]:5)", "(remote-forward :8080)", "(agent)", "(forward-socket /a b)", "(forward x)", "((", "()"} {
		f.Add(text)
	}
	p := sshhost.New(slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, in string) {
		j := p.JudgeText(t.Context(), nil, in)
		if j.Problem != nil || j.Facts.SSH.Channel == "exec" {
			return
		}
		again := p.JudgeText(t.Context(), nil, j.Rewritten)
		if again.Problem != nil || again.Rewritten != j.Rewritten || again.Facts.SSH.Channel != j.Facts.SSH.Channel || len(again.Facts.Accesses) != len(j.Facts.Accesses) {
			t.Fatalf("%q is %q, and that %q", in, j.Rewritten, again.Rewritten)
		}
		if strings.ContainsAny(j.Rewritten, "\n\x00\x1b") {
			t.Fatalf("%q is shown as %q", in, j.Rewritten)
		}
	})
}
