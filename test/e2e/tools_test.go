package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tools are scripts that reach the host as people do. Each has $F, a configuration of ssh that knows the host as web-2, an
// empty folder $L here, where it runs, and $R, one there that does not exist yet.
var tools = map[string]string{
	"streams": `
		head -c 20000000 /dev/zero | tr '\0' 'x' | ssh -F "$F" web-2 'sha256sum'
		ssh -F "$F" web-2 'seq 1 900000' | sha256sum
		{ ssh -F "$F" web-2 'echo out; echo err >&2; exit 9'; echo "exit $?"; } 2>&1 | sort # two streams come in any order
		tar c -C / etc/hostname etc/passwd | ssh -F "$F" web-2 "mkdir -p $R && tar x -C $R && cat $R/etc/passwd" | cmp - /etc/passwd
		ssh -F "$F" web-2 'no-such-program'; echo "exit $?"`,
	"terminal": `
		ssh -F "$F" -tt web-2 'stty size; test -t 0 && echo a terminal; echo "$TERM"; exit 4' </dev/null; echo "exit $?"`,
	"rsync": `
		mkdir -p src/sub && seq 1 50000 >src/numbers && echo 'a name' >'src/sub/with spaces.txt' && ln -s numbers src/link && chmod 640 src/numbers
		rsync -a -e "ssh -F $F" src/ "web-2:$R/"
		echo changed >>src/numbers && rm src/link && touch -d 2026-01-02T03:04:05Z src/numbers src # else the times may be those of before
		rsync -a --delete -i -e "ssh -F $F" src/ "web-2:$R/"
		rsync -a -e "ssh -F $F" "web-2:$R/" back/ && diff -r src back && echo same
		rsync -a -e "ssh -F $F" web-2:/no/such/folder/ nothing/; echo "exit $?"`,
	"scp -O": `
		mkdir -p up/sub && seq 1 3000 >up/a && echo b >'up/sub/b c' && chmod 600 up/a
		ssh -F "$F" web-2 mkdir "$R"
		scp -O -q -p -r -F "$F" up "web-2:$R/"
		scp -O -q -p -r -F "$F" "web-2:$R/up" down && diff -r up down && stat -c '%a %Y' up/a down/a | uniq | wc -l
		scp -O -q -F "$F" web-2:/no/such/file x; echo "exit $?"`,
	"scp": `
		mkdir -p up/sub && seq 1 3000 >up/a && echo b >'up/sub/b c' && chmod 600 up/a
		ssh -F "$F" web-2 mkdir "$R"
		scp -q -p -r -F "$F" up "web-2:$R/"
		scp -q -p -r -F "$F" "web-2:$R/up" down && diff -r up down
		scp -q -F "$F" web-2:/no/such/file x; echo "exit $?"`,
	"sftp": `
		seq 1 90000 >numbers && mkdir folder && echo x >'folder/a b'
		printf '%s\n' "-mkdir $R" "cd $R" 'put numbers' 'put -r folder' 'ls -1' 'rename numbers again' 'chmod 600 again' 'ls -1 folder' 'ln -s again link' \
			'get again back' 'mkdir made' 'rmdir made' 'rm link' 'pwd' '-get /no/such/file' >batch
		sftp -q -F "$F" -b batch web-2; echo "exit $?"
		cmp numbers back && echo same`,
	"git": `
		export GIT_SSH_COMMAND="ssh -F $F" GIT_AUTHOR_DATE='2026-01-02T03:04:05Z' GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' GIT_CONFIG_GLOBAL=/dev/null
		git='git -c user.name=e2e -c user.email=e2e@example.com -c init.defaultBranch=main'
		ssh -F "$F" web-2 "git -c init.defaultBranch=main init -q --bare $R"
		$git clone -q "web-2:$R" one 2>/dev/null && cd one && seq 1 20000 >file && $git add file && $git commit -qm first && $git push -q origin HEAD:main
		cd .. && $git clone -q "ssh://web-2$R" two && cd two && git log --format='%H %s' && echo more >>file && $git commit -qam second && $git push -q origin HEAD:main
		cd ../one && $git fetch -q origin && git log --format='%H %s' origin/main && ssh -F "$F" web-2 "git -C $R fsck --full"
		$git clone -q web-2:/no/such/repository three; echo "exit $?"`,
	"ansible over sftp": `
		export ANSIBLE_SSH_ARGS="-F $F" ANSIBLE_SSH_TRANSFER_METHOD=sftp ANSIBLE_LOCAL_TEMP=$L/.ansible ANSIBLE_NOCOLOR=1 ANSIBLE_REMOTE_TEMP=$R ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3 ANSIBLE_DEPRECATION_WARNINGS=False
		printf 'web-2\n' >hosts && echo copied >file
		ansible -i hosts all -m ping && ansible -i hosts all -m copy -a "src=$L/file dest=$R/file" | grep -v ansible-tmp`,
	"ansible": `
		export ANSIBLE_SSH_ARGS="-F $F" ANSIBLE_SSH_TRANSFER_METHOD=piped ANSIBLE_LOCAL_TEMP=$L/.ansible ANSIBLE_NOCOLOR=1 ANSIBLE_REMOTE_TEMP=$R ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3 ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_DEPRECATION_WARNINGS=False
		printf 'web-2\n' >hosts
		cat >play.yaml <<-END
		- hosts: all
		  gather_facts: true
		  tasks:
		    - {name: a folder, file: {path: "$R/made", state: directory, mode: "0750"}}
		    - {name: a file, copy: {dest: "$R/made/file", content: "from a playbook\n"}}
		    - {name: a command, command: cat $R/made/file, register: said, changed_when: false}
		    - {name: what it said, assert: {that: said.stdout == "from a playbook"}}
		    - {name: a line, lineinfile: {path: "$R/made/file", line: and a line}}
		END
		ansible -i hosts all -m ping && ansible-playbook -i hosts play.yaml
		ssh -F "$F" web-2 "cat $R/made/file"`,
	"paramiko": `
		cat >program.py <<-'END'
		import os, paramiko, hashlib
		config = paramiko.SSHConfig.from_path(os.environ["F"]) if os.environ["WAY"] == "direct" else None
		if config is None:
		    lines = open(os.environ["F"]).read().split('Include "')
		    config = paramiko.SSHConfig.from_path(lines[1].split('"')[0] if len(lines) > 1 else os.environ["F"])
		h = config.lookup("web-2")
		c = paramiko.SSHClient()
		c.load_host_keys(h["userknownhostsfile"].strip('"'))
		known = c.get_host_keys()
		known._entries = [e for e in known._entries]
		for e in known._entries: e.hostnames = ["[127.0.0.1]:" + h["port"]]
		c.connect("127.0.0.1", port=int(h["port"]), username=h["user"], key_filename=h["identityfile"][0].strip('"'), look_for_keys=False, allow_agent=False)
		for command, given in [("cat; echo err >&2; exit 5", b"given"), ("seq 1 200000", b""), ("no-such-program", b"")]:
		    i, o, e = c.exec_command(command)
		    i.write(given); i.channel.shutdown_write()
		    said = o.read()
		    print(command, len(said), hashlib.sha256(said).hexdigest(), e.read(), o.channel.recv_exit_status())
		t = c.get_transport()
		s = t.open_session(); s.get_pty("vt100", 90, 33); s.exec_command("stty size"); print(s.makefile().read())
		f = c.open_sftp(); f.mkdir(os.environ["R"]); f.chdir(os.environ["R"])
		with f.open("file", "w") as w: w.write("x" * 300000)
		print(f.stat("file").st_size, f.listdir(), len(f.open("file").read()), f.normalize(".") == os.environ["R"])
		try: f.open("missing")
		except FileNotFoundError as e: print("not found")
		print(len([t.open_session() for _ in range(8)]))
		c.close()
		END
		/usr/bin/python3 program.py`,
}

// pastHoop is a configuration that reaches the host past hoop, by a certificate of its authority.
func (w *world) pastHoop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	for _, args := range [][]string{
		{"-q", "-t", "ed25519", "-N", "", "-f", key},
		{"-q", "-s", filepath.Join(w.dir, "web-1.ca"), "-I", "direct", "-n", w.host.User, "-V", "-1m:+1h", key + ".pub"},
	} {
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %v: %v: %s", args, err, out)
		}
	}
	for name, text := range map[string]string{
		"known_hosts": "direct " + w.host.HostKey + "\n",
		"config": fmt.Sprintf("Host web-2\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  HostKeyAlias direct\n  IdentityFile %s\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile %s/known_hosts\n  StrictHostKeyChecking yes\n",
			w.ports.Host, w.host.User, key, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config")
}

// outcome is what a script said and left behind, with the names of its own folders left out.
func (u *user) outcome(t *testing.T, way, config, script string) string {
	t.Helper()
	local := t.TempDir()
	remote := filepath.Join(u.world.host.Dir, "app", way+"-tools")
	t.Cleanup(func() { _ = os.RemoveAll(remote) })
	u.env = append(u.env, "F="+config, "L="+local, "R="+remote, "WAY="+way)
	r := u.program(t, "", "sh", "-c", "cd \"$L\" || exit\n"+script)
	var b strings.Builder
	fmt.Fprintf(&b, "exit %d\n%s\n%s\n", r.code, r.stdout, r.stderr)
	for _, dir := range []string{local, remote} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if strings.Contains(path, "/.ansible") || strings.Contains(path, "/.git/") || err != nil {
				return nil
			}
			info, err := d.Info()
			if err == nil && info.Mode().IsRegular() && !strings.Contains(path, "/objects/") {
				fmt.Fprintf(&b, "%s %s %d\n", path, info.Mode(), info.Size())
			}
			return nil
		})
	}
	return strings.NewReplacer(local, "L", remote, "R", config, "F").Replace(b.String())
}

// What people use behaves through hoop as it does directly.
func TestToolsDoThroughHoopWhatTheyDoDirectly(t *testing.T) {
	w := shared
	for name, script := range tools {
		t.Run(name, func(t *testing.T) {
			direct := w.user(t, "agent").outcome(t, "past", w.pastHoop(t), script)
			l := w.user(t, "agent").open(t, "web-2")
			_, config, _ := strings.Cut(l.events.String(), `"HOOP_SSH_CONFIG":"`)
			config, _, _ = strings.Cut(config, `"`)
			through := w.user(t, "agent").outcome(t, "hoop", config, script)
			if direct != through {
				t.Errorf("directly:\n%s\nthrough hoop:\n%s\n%s", direct, through, l.stderr)
			}
			if len(direct) < 40 {
				t.Errorf("the script does nothing: %s", direct)
			}
		})
	}
}
