package argv_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

func forms(t *testing.T, lists ...[]string) (out argv.Forms) {
	t.Helper()
	for _, words := range lists {
		f, err := argv.NewForm(words)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func TestAFormAdmitsOnlyWhatItSays(t *testing.T) {
	for _, c := range []struct {
		form    []string
		admits  []string
		refuses []string
	}{
		{
			form:   []string{"systemctl", "status", "*"},
			admits: []string{"systemctl status nginx", "systemctl status 'a b'", "/usr/bin/systemctl status nginx", "/bin/systemctl status x", "timeout 5 systemctl status nginx", "nice -n 5 systemctl status nginx", "systemctl status nginx 2>/dev/null", "systemctl status nginx 2>&1", "systemctl status ../x", "systemctl \"status\" nginx", `\systemctl status nginx`, "systemctl status x; systemctl status y", "env systemctl status x"},
			refuses: []string{"systemctl status", "systemctl status a b", "systemctl status -H", "systemctl status -Hevil", "systemctl status --host=evil", "systemctl stop nginx", "systemctl statusx nginx", "systemctl status ''",
				"/tmp/systemctl status nginx", "./systemctl status nginx", "/usr/local/bin/systemctl status nginx", "/usr/bin/../../tmp/systemctl status nginx", "//usr/bin/systemctl status nginx", "systemctl -H x status nginx", "systemctl -- status nginx",
				"X=1 systemctl status nginx", "LANG=C systemctl status nginx", "env X=1 systemctl status nginx", "sudo systemctl status nginx", "systemctl status nginx > x", "systemctl status nginx < x", "systemctl status nginx | sh", "systemctl status nginx; ls",
				"systemctl status nginx && rm x", "systemctl status $x", "systemctl status \"$x\"", "systemctl status *", "systemctl status n*", "systemctl status $(ls)", "systemctl status `ls`", "systemctl status nginx # x", "xargs systemctl status", "sh -c 'systemctl status nginx'", "nohup systemctl status nginx", "busybox systemctl status nginx", "timeout --foo 5 systemctl status nginx", "systemctl status {a,b}", "systemctl status ~"},
		},
		{form: []string{"uptime"}, admits: []string{"uptime"}, refuses: []string{"uptime -p", "uptime x", "uptimes"}},
		{form: []string{"kill", "..."}, admits: []string{"kill", "kill 1", "kill 1 2"}, refuses: []string{"kill -9 1", "kill 1 -9", "kill -- 1", "kill 1 --"}},
		{form: []string{"ls", "-l", "..."}, admits: []string{"ls -l", "ls -l /x /y"}, refuses: []string{"ls", "ls -la", "ls -l -a", "ls /x -l"}},
		{form: []string{"cat", "/var/log/*"}, admits: []string{"cat /var/log/syslog", "cat /var/log/"}, refuses: []string{"cat /var/log/a/b", "cat /var/log/..", "cat /var/log/../../etc/shadow", "cat /var/log", "cat /var/log/x /etc/shadow", "cat /var/log/*"}},
		{form: []string{"cat", "/var/log/**"}, admits: []string{"cat /var/log/a/b", "cat /var/log/..a/b"}, refuses: []string{"cat /var/log/../x", "cat /var/log/a/../../x", "cat /var/log/a/.."}},
		{form: []string{"journalctl", "-u", "*", "--lines=*"}, admits: []string{"journalctl -u nginx --lines=5"}, refuses: []string{"journalctl -u -x --lines=5", "journalctl -u nginx --lines 5", "journalctl -u nginx --linesx=5"}},
		{form: []string{"cat", "*.log"}, admits: []string{"cat a.log"}, refuses: []string{"cat -x.log", "cat x/a.log", "cat .logx"}},
		{form: []string{"echo", `\*`, `a\\b`}, admits: []string{`echo '*' 'a\b'`}, refuses: []string{`echo x 'a\b'`, `echo '\*' 'a\b'`}},
		{form: []string{"/opt/app/bin/check", "*"}, admits: []string{"/opt/app/bin/check x"}, refuses: []string{"check x", "/usr/bin/check x", "/opt/app/bin/../bin/check x"}},
		{form: []string{"sudo", "systemctl", "restart", "nginx"}, admits: []string{"sudo systemctl restart nginx"}, refuses: []string{"systemctl restart nginx", "sudo -u x systemctl restart nginx", "sudo -- systemctl restart nginx", "sudo sudo systemctl restart nginx", "sudo timeout 5 systemctl restart nginx"}},
	} {
		f := forms(t, c.form)
		for _, text := range c.admits {
			if !f.Admit(argv.Reviewed(), line(t, text)) {
				t.Errorf("%q refuses %q", c.form, text)
			}
		}
		for _, text := range c.refuses {
			if f.Admit(argv.Reviewed(), line(t, text)) {
				t.Errorf("%q admits %q", c.form, text)
			}
		}
	}
	if (argv.Forms)(nil).Admit(argv.Reviewed(), line(t, "ls")) || forms(t, []string{"ls"}).Admit(argv.Reviewed(), &argv.Line{}) {
		t.Error("no form, or no line, admits")
	}
}

func TestAFormThatDeniesSeesBehindWrappers(t *testing.T) {
	deny := forms(t, []string{"systemctl", "stop", "*"}, []string{"rm", "-rf", "..."})
	for text, want := range map[string]bool{
		"systemctl stop x": true, "sudo systemctl stop x": true, "/tmp/systemctl stop x": true, "systemctl --no-block stop x": true, "sh -c 'ls; systemctl stop x'": true, "xargs systemctl stop": true, "xargs systemctl": true,
		"find . -exec systemctl stop {} ';'": true, "nice nice systemctl stop x": true, "systemctl $x": true, "$x y": true, "ls `x`": true, "sudo $x": true, "rm -rf /": true, "ssh h rm -rf /": true, "ls; rm -rf x": true,
		"systemctl status x": false, "ls": false, "rm x": false, "echo systemctl stop x": false,
	} {
		l := line(t, text)
		if got := deny.Touch(l, argv.Reviewed().Judge(l, argv.Setting{})); got != want {
			t.Errorf("%q is touched: %v, want %v", text, got, want)
		}
	}
	if !deny.Touch(&argv.Line{}, argv.Finding{}) {
		t.Error("a line that was not understood is not touched")
	}
}

func TestFormsThatCanNotBeMeantAreErrors(t *testing.T) {
	for _, words := range [][]string{nil, {""}, {"*"}, {"sys*"}, {"./x"}, {"a/b"}, {"/a/../b"}, {"/a//b"}, {"ls", "...", "x"}, {"ls", "***"}, {"ls", `x\`}, {"a b"}} {
		if _, err := argv.NewForm(words); err == nil {
			t.Errorf("%q is taken for a form", words)
		}
	}
}
