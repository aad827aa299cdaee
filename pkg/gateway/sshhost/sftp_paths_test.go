package sshhost_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secret is what no test here may get hold of.
const secret = "canary-of-files-4711"

// scene is a folder at the host: logs that may be read, and what may not be touched beside them.
func scene(t testing.TB) string {
	t.Helper()
	dir := place(t)
	for _, d := range []string{"log/old", "private/deep", "out"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o777))
	}
	for name, content := range map[string]string{
		"log/app.log": "line one\n", "log/old/app.log.1": "older\n", "private/key": secret, "private/deep/key": secret, "log-not": secret,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
	}
	for name, to := range map[string]string{
		"log/inside": "old/app.log.1", "log/leak": "../private/key", "log/far": filepath.Join(dir, "private"), "log/loop": "loop",
		"log/chain": "chain2", "log/chain2": "far/key", "log/up": "..", "log/root": "/", "log/dangling": "../private/new",
	} {
		must(t, os.Symlink(to, filepath.Join(dir, "log", strings.TrimPrefix(name, "log/"))))
	}
	give(t, dir)
	return dir
}

func logsOnly(dir string) string {
	return `
version: 1
rules:
  - name: logs
    effects: [read, write, delete, privilege]
    ssh: {channels: [sftp, scp]}
    files: {paths: ["` + dir + `/log", "` + dir + `/log/*"]}
    verdict: allow
`
}

func TestARuleWithPathsHolds(t *testing.T) {
	dir := scene(t)
	door := openDoor(t, logsOnly(dir))
	before := tree(t, filepath.Join(dir, "private"))
	to := t.TempDir()
	batch := func(command string) (string, int) {
		command = strings.NewReplacer("DIR", dir, "OUT", to+"/got", "OWN", to+"/own").Replace(command)
		return runProgram(t, command+"\n", "sftp", "-q", "-F", door.config, "-b", "-", "web")
	}
	must(t, os.WriteFile(to+"/own", []byte("own"), 0o644))
	for _, command := range []string{
		"get DIR/log/app.log OUT", "get DIR/log/inside OUT", "get DIR//log/./old/../app.log OUT", "get DIR/log/up/log/app.log OUT", "ls DIR/log", "ls -l DIR/log/old",
		"put OWN DIR/log/new", "chmod 600 DIR/log/new", "rename DIR/log/new DIR/log/newer", "ln DIR/log/newer DIR/log/twin", "ln -s app.log DIR/log/soft", "rm DIR/log/twin", "rm DIR/log/leak",
		"mkdir DIR/log/d", "rmdir DIR/log/d", "cd DIR/log\nget app.log OUT", "df DIR/log", "rm DIR/log/newer",
	} {
		if out, code := batch(command); code != 0 {
			t.Errorf("%s: exit %d: %s", command, code, out)
		}
	}
	must(t, os.Symlink("../private/key", filepath.Join(dir, "log/leak")))
	all := tree(t, dir)
	for _, command := range []string{
		"get DIR/private/key OUT", "get DIR/log/../private/key OUT", "get DIR/log//..//private/key OUT", "get DIR/log/old/../../private/key OUT",
		"get DIR/log/leak OUT", "get DIR/log/far/key OUT", "get DIR/log/far/deep/key OUT", "get DIR/log/chain OUT", "get DIR/log/chain2 OUT", "get DIR/log/up/private/key OUT",
		"get DIR/log/rootDIR/private/key OUT", "get DIR/log-not OUT", "get /proc/self/rootDIR/private/key OUT", "get /proc/self/cwd/passwd OUT", "get DIR/log/far/../private/key OUT",
		"cd DIR/log\nget ../private/key OUT", "cd DIR/log/far\nget key OUT", "cd DIR/private\nget key OUT", "get DIR/log/loop OUT",
		"ls DIR/private", "ls DIR/log/far/", "ls DIR/log/up/", "ls DIR", "ls -l /", "df DIR/private",
		"put OWN DIR/private/key", "put OWN DIR/log/leak", "put OWN DIR/log/far/new", "put OWN DIR/log/dangling", "put OWN DIR/log/up/x", "put OWN DIR/log/../x", "put -a OWN DIR/log/leak",
		"rename DIR/private/key DIR/log/stolen", "rename DIR/log/far/key DIR/log/stolen", "rename DIR/log/app.log DIR/private/key", "ln DIR/private/key DIR/log/stolen", "ln DIR/log/far/key DIR/log/stolen",
		"ln -s DIR/private DIR/log/door", "ln -s ../private DIR/log/door", "ln -s far/key DIR/log/door", "ln -s DIR/log/app.log DIR/private/x",
		"rm DIR/private/key", "rm DIR/log/far/key", "rmdir DIR/private/deep", "rmdir DIR/log/far/deep", "mkdir DIR/private/x", "mkdir DIR/log/far/x", "chmod 666 DIR/log/leak", "chmod 777 DIR/log/far", "chmod 777 DIR/private",
	} {
		out, code := batch(command)
		got, _ := os.ReadFile(to + "/got")
		if code == 0 || strings.Contains(string(got)+out, secret) {
			t.Errorf("%s: exit %d: %s (%q)", command, code, out, got)
		}
		_ = os.Remove(to + "/got")
	}
	if after := tree(t, dir); after != all || !strings.HasPrefix(before, ".") {
		t.Errorf("the host's files are not what they were:\n%s\nbefore:\n%s", after, all)
	}
}

// TestEveryOperationIsAPermission: without its own word in a rule none of them passes, and with it each does.
func TestEveryOperationIsAPermission(t *testing.T) {
	all := []string{"read", "write", "list", "stat", "setstat", "remove", "mkdir", "rename", "link"}
	for operation, command := range map[string]string{
		"read": "get DIR/log/app.log OUT", "write": "put OWN DIR/out/new", "list": "ls DIR/log", "stat": "df DIR", "setstat": "chmod 640 DIR/log/app.log", "remove": "rm DIR/log/app.log",
		"mkdir": "mkdir DIR/out/d", "rename": "rename DIR/log/app.log DIR/out/x", "link": "ln -s x DIR/out/soft",
	} {
		for _, allowed := range []bool{false, true} {
			dir, to := scene(t), t.TempDir()
			must(t, os.WriteFile(to+"/own", []byte("own"), 0o644))
			listed := strings.Join(all, ", ")
			if !allowed {
				listed = strings.Trim(strings.ReplaceAll(", "+listed+",", ", "+operation+",", ","), ", ")
			}
			door := openDoor(t, "version: 1\nrules: [{name: some, effects: [read, write, delete], ssh: {channels: [sftp]}, files: {operations: ["+listed+"]}, verdict: allow}]\n")
			before := tree(t, dir)
			command := strings.NewReplacer("DIR", dir, "OUT", to+"/got", "OWN", to+"/own").Replace(command)
			out, code := runProgram(t, command+"\n", "sftp", "-q", "-F", door.config, "-b", "-", "web")
			if (code == 0) != allowed {
				t.Errorf("%s, allowed %v: exit %d: %s", command, allowed, code, out)
			}
			if !allowed && tree(t, dir) != before {
				t.Errorf("%s changed something", command)
			}
			if !allowed && !strings.Contains(out, "hoop: ") {
				t.Errorf("%s: not told why: %s", command, out)
			}
		}
	}
}

func TestTheChannelIsAPermission(t *testing.T) {
	for _, rules := range []string{allowAll, strings.ReplaceAll(filesPolicy, "sftp, ", ""), "version: 1\n"} {
		dir, to := scene(t), t.TempDir()
		door := openDoor(t, rules)
		asked := strings.Count(serverLog(t), "subsystem request for sftp")
		out, code := runProgram(t, "", "scp", "-q", "-F", door.config, "web:"+dir+"/log/app.log", to+"/got")
		if _, err := os.Stat(to + "/got"); code == 0 || err == nil || !strings.Contains(out, "sftp") {
			t.Errorf("exit %d: %s", code, out)
		}
		if strings.Count(serverLog(t), "subsystem request for sftp") != asked {
			t.Error("the host was asked for its subsystem")
		}
	}
}
