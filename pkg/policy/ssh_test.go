package policy_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// TestMatchingOfHosts is the table of what rules can ask of commands on hosts.
func TestMatchingOfHosts(t *testing.T) {
	exec := func(operators []string, argv ...[]string) policy.Command {
		return policy.Command{
			Accesses: []policy.Access{{Effect: policy.Read, Object: "a"}}, SSH: &policy.SSH{Channel: "exec", Argv: argv, Operators: operators},
		}
	}
	run := func(argv ...[]string) policy.Command { return exec(nil, argv...) }
	into := func(effect policy.Effect, object string, argv []string) policy.Command {
		c := exec([]string{object}, argv)
		c.Accesses = append(c.Accesses, policy.Access{Effect: effect, Object: object})
		return c
	}
	shell := policy.Command{Accesses: []policy.Access{{Effect: policy.Shell}}, SSH: &policy.SSH{Channel: "shell"}}
	line := func(argv ...[]string) policy.Command {
		c := run(argv...)
		c.SSH.Channel = "lines"
		return c
	}
	file := func(operation string, paths ...string) policy.Command {
		return policy.Command{
			Accesses: []policy.Access{{Effect: policy.Read, Object: "a"}}, SSH: &policy.SSH{Channel: "sftp"}, Files: &policy.Files{Operation: operation, Paths: paths},
		}
	}
	opens := policy.Command{Opens: true, Accesses: []policy.Access{{Effect: policy.Session}}, SSH: &policy.SSH{Channel: "sftp"}}
	status := `ssh: {argv: [["systemctl", "status", "*"], ["uptime"]]}, verdict: allow`
	for _, c := range []struct {
		rule    string
		rules   []string
		command policy.Command
		want    string
	}{
		{"a last star stands for further words", []string{status}, run([]string{"systemctl", "status", "nginx", "sshd"}), "allow r0"},
		{"but for no flag", []string{status}, run([]string{"systemctl", "status", "nginx", "-Hroot@other"}), "deny default"},
		{"a flag is written out", []string{`ssh: {argv: [["ls", "-*", "*"]]}, verdict: allow`}, run([]string{"ls", "-la", "/srv"}), "allow r0"},
		{"and for no way up", []string{`ssh: {argv: [["cat", "/var/log/*"]]}, verdict: allow`}, run([]string{"cat", "/var/log/../../etc/shadow"}), "deny default"},
		{"allow no file that the line itself writes", []string{status}, into("write", ">", []string{"uptime"}), "deny default"},
		{"nor one that it reads", []string{status, "effects: [write], verdict: allow"}, into("read", "<", []string{"uptime"}), "deny default"},
		{"but a rule for the effect may", []string{status, "effects: [write], verdict: allow"}, into("write", ">>", []string{"uptime"}), "allow r0"},
		{"and what nothing is kept of", []string{status}, into("session", ">", []string{"uptime"}), "allow r0"},
		{"deny such a file", []string{"verdict: allow", `ssh: {argv: [["uptime"]]}, verdict: deny`}, into("write", ">", []string{"uptime"}), "deny r1"},
		{"a deny rule's star stands for everything", []string{"verdict: allow", `ssh: {argv: [["systemctl", "*"]]}, verdict: deny`}, run([]string{"systemctl", "-H", "../x"}), "deny r1"},
		{"and for none", []string{status}, run([]string{"systemctl", "status"}), "allow r0"},
		{"other words", []string{status}, run([]string{"systemctl", "stop", "nginx"}), "deny default"},
		{"fewer words", []string{status}, run([]string{"systemctl"}), "deny default"},
		{"more words than a form without a last star", []string{status}, run([]string{"uptime", "-p"}), "deny default"},
		{"a star within a word, or as the only one, is that word's", []string{`ssh: {argv: [["cat", "/var/log/*"], ["*"]]}, verdict: allow`}, run([]string{"cat", "/var/log/syslog"}, []string{"uptime"}), "allow r0"},
		{"a path is one word", []string{`ssh: {argv: [["cat", "/var/log/*"]]}, verdict: allow`}, run([]string{"cat", "/var/log/syslog", "/etc/shadow"}), "deny default"},
		{"allow only if all programs are listed", []string{status}, run([]string{"uptime"}, []string{"rm", "-rf", "/"}), "deny default"},
		{"allow nothing that is not known", []string{status}, exec(nil), "deny default"},
		{"deny if any program is listed", []string{"verdict: allow", `ssh: {argv: [["rm", "*"]]}, verdict: deny`}, run([]string{"uptime"}, []string{"rm", "x"}), "deny r1"},
		{"operators: none", []string{`ssh: {operators: none}, verdict: allow`}, run([]string{"uptime"}), "allow r0"},
		{"operators: none, and there is one", []string{`ssh: {operators: none}, verdict: allow`}, exec([]string{"|"}, []string{"uptime"}), "deny default"},
		{"operators: none, and they are not known", []string{`ssh: {operators: none}, verdict: allow`}, exec(nil), "deny default"},
		{"operators: some, where they are not known", []string{"verdict: allow", `ssh: {operators: some}, verdict: deny`}, exec(nil), "deny r1"},
		{"channels", []string{`ssh: {channels: [sftp]}, verdict: allow`}, run([]string{"uptime"}), "deny default"},
		{"a shell is not admitted by a rule for everything", []string{"verdict: allow", "verdict: approve"}, shell, "deny default"},
		{"nor by one that names the other effects", []string{"effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown], verdict: allow"}, shell, "deny default"},
		{"a shell is admitted by a rule that names it", []string{"effects: [shell], verdict: allow"}, shell, "allow r0"},
		{"a shell is denied by a rule for everything", []string{"effects: [shell], verdict: allow", "verdict: deny"}, shell, "deny r1"},
		{"a rule for programs opens no shell", []string{`effects: [shell, execute], ssh: {argv: [["*", "*"]]}, verdict: allow`}, shell, "deny default"},
		{"nor does one that asks for operators", []string{`effects: [shell], ssh: {operators: some}, verdict: allow`, `effects: [shell], ssh: {operators: none}, verdict: approve`}, shell, "deny default"},
		{"nor one for commands", []string{`effects: [shell, execute], ssh: {channels: [exec, lines]}, verdict: allow`}, shell, "deny default"},
		{"nor one for execute", []string{"effects: [execute], verdict: allow"}, shell, "deny default"},
		{"a shell is admitted by a rule for its channel", []string{`effects: [shell], ssh: {channels: [shell]}, verdict: allow`}, shell, "allow r0"},
		{"its channel alone names no effect", []string{`ssh: {channels: [shell]}, verdict: allow`}, shell, "deny default"},
		{"a rule for programs refuses the shell in which they could run", []string{"effects: [shell], verdict: allow", `ssh: {operators: some}, verdict: deny`}, shell, "deny r1"},
		{"a rule for commands allows no line", []string{`ssh: {channels: [exec]}, verdict: allow`}, line([]string{"uptime"}), "deny default"},
		{"a rule for lines does", []string{`ssh: {channels: [lines]}, verdict: allow`}, line([]string{"uptime"}), "allow r0"},
		{"what is refused as a command is as a line", []string{`ssh: {channels: [lines]}, verdict: allow`, `ssh: {channels: [exec], argv: [["rm", "*"]]}, verdict: deny`}, line([]string{"rm", "x"}), "deny r1"},
		{"files: operations and paths", []string{`ssh: {channels: [sftp]}, files: {operations: [read], paths: ["/srv/*"]}, verdict: allow`}, file("read", "/srv/a/b"), "allow r0"},
		{"files: another operation", []string{`ssh: {channels: [sftp]}, files: {operations: [read], paths: ["/srv/*"]}, verdict: allow`}, file("write", "/srv/a"), "deny default"},
		{"files: allow only if all paths are listed", []string{`ssh: {channels: [sftp]}, files: {paths: ["/srv/*"]}, verdict: allow`}, file("rename", "/srv/a", "/etc/cron.d/a"), "deny default"},
		{"files: allow no path that is not known", []string{`ssh: {channels: [sftp]}, files: {paths: ["*"]}, verdict: allow`}, file("read"), "deny default"},
		{"files: deny also what is done to paths that are not known", []string{`ssh: {channels: [sftp]}, verdict: allow`, `files: {paths: ["/etc/*"]}, verdict: deny`}, file("read"), "deny r1"},
		{"files: and ask for it", []string{`ssh: {channels: [sftp]}, verdict: allow`, `files: {paths: ["/etc/*"]}, verdict: approve, approval: {by: {groups: [ops]}}`}, file("read"), "approve r1"},
		{"files: deny if any path is listed", []string{"verdict: allow", `files: {paths: ["/etc/*"]}, verdict: deny`}, file("rename", "/srv/a", "/etc/cron.d/a"), "deny r1"},
		{"files: no channel is admitted without its name", []string{"verdict: allow", `ssh: {channels: [scp, rsync, git]}, verdict: allow`, `files: {operations: [read]}, verdict: allow`}, file("read", "/srv/a"), "deny default"},
		{"nor by asking somebody", []string{"verdict: allow", `verdict: approve, approval: {by: {groups: [ops]}}`}, file("read", "/srv/a"), "deny default"},
		{"a rule without its name still asks", []string{`ssh: {channels: [sftp]}, verdict: allow`, `verdict: approve, approval: {by: {groups: [ops]}}`}, file("read", "/srv/a"), "approve r1"},
		{"and still denies", []string{`ssh: {channels: [sftp]}, verdict: allow`, `effects: [read], verdict: deny`}, file("read", "/srv/a"), "deny r1"},
		{"a channel is opened where a rule names it, whatever it asks of files", []string{`effects: [write], ssh: {channels: [sftp]}, files: {operations: [write], paths: ["/srv/*"]}, verdict: allow`}, opens, "allow r0"},
		{"or where somebody is asked of files", []string{`ssh: {channels: [sftp]}, files: {paths: ["/srv/*"]}, verdict: approve, approval: {by: {groups: [ops]}}`}, opens, "allow r0"},
		{"a channel is not opened by a rule that does not name it", []string{"verdict: allow", `files: {paths: ["*"]}, verdict: allow`, `ssh: {channels: [scp]}, verdict: allow`}, opens, "deny default"},
		{"a channel is not opened against a rule that denies", []string{`ssh: {channels: [sftp]}, verdict: allow`, `ssh: {channels: [sftp]}, verdict: deny`}, opens, "deny r1"},
		{"a rule that denies some files leaves it open", []string{`ssh: {channels: [sftp]}, verdict: allow`, `files: {paths: ["/etc/*"]}, verdict: deny`, "effects: [write], verdict: deny"}, opens, "allow r0"},
		{"a channel is not opened for others", []string{`who: {groups: [ops]}, ssh: {channels: [sftp]}, verdict: allow`}, opens, "deny default"},
		{"files: nothing of it holds for commands", []string{`files: {operations: [read]}, verdict: allow`}, run([]string{"uptime"}), "deny default"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := parse(t, policyOf(c.rules))
			d := p.Decide(person("dev", "developers"), policy.Connection{Name: "web-1", Kind: "ssh"}, c.command)
			if got := d.Verdict.String() + " " + d.Rule; got != c.want {
				t.Errorf("got %s (%s), want %s", got, d.Message, c.want)
			}
		})
	}
}

func TestLineModeIsForThoseWhomARuleNames(t *testing.T) {
	web := policy.Connection{Name: "web-1", Kind: "ssh"}
	for rules, want := range map[string]bool{
		`effects: [read], ssh: {channels: [lines]}, verdict: allow`:                             true,
		`ssh: {channels: [exec, lines]}, verdict: approve, approval: {by: {groups: [ops]}}`:     true,
		`ssh: {channels: [lines]}, verdict: deny`:                                               false,
		`effects: [read, execute, shell, unknown], verdict: allow`:                              false,
		`who: {groups: [ops]}, ssh: {channels: [lines]}, verdict: allow`:                        false,
		`on: {connections: [web-2]}, effects: [read], ssh: {channels: [lines]}, verdict: allow`: false,
	} {
		if got := parse(t, policyOf([]string{rules})).Standing(person("dev", "developers"), web).Lines; got != want {
			t.Errorf("%s: %v", rules, got)
		}
	}
	if (*policy.Policy)(nil).Lines(person("dev"), web) {
		t.Error("no policy names it")
	}
}

func TestARuleForSomeProgramsIsNotTakenForOneForAll(t *testing.T) {
	p := parse(t, policyOf([]string{
		`effects: [execute], ssh: {argv: [["uptime"]]}, verdict: allow`, `effects: [execute], ssh: {argv: [["touch", "*"]]}, verdict: approve, approval: {by: {groups: [ops]}}`,
	}))
	for _, w := range p.Lint() {
		if strings.Contains(w.Message, "never decides") {
			t.Errorf("warned of nothing: %s", w)
		}
	}
}

func TestRulesForHostsLeaveTheReadOnlyLaneOfDatabases(t *testing.T) {
	p := parse(t, policyOf([]string{"effects: [read], verdict: allow", `effects: [execute], ssh: {channels: [exec]}, verdict: allow`}))
	if !p.ReadOnly(person("dev", "developers"), policy.Connection{Name: "db", Kind: "postgres"}) {
		t.Error("a rule that can hold for hosts alone takes a database's sessions out of the read-only lane")
	}
	if p.ReadOnly(person("dev", "developers"), policy.Connection{Name: "web-1", Kind: "ssh"}) {
		t.Error("the rule does not count for hosts")
	}
}
