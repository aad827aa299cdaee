package sshhost_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
)

// repository is a bare one at the host, with a commit.
func repository(t testing.TB) (dir string) {
	t.Helper()
	dir = place(t)
	work := t.TempDir()
	script := `set -e; git init -q --bare -b main "$1/repo.git"; git init -q -b main "$2"; cd "$2"; echo first >file; git add .; git commit -qm first; git push -q "$1/repo.git" main`
	if out, code := gitProgram(t, "", "sh", "-c", script, "sh", dir, work); code != 0 {
		t.Fatal(out)
	}
	give(t, dir)
	return dir
}

// gitProgram runs a program with git set up for ssh's configuration.
func gitProgram(t testing.TB, config string, name string, args ...string) (string, int) {
	t.Helper()
	env := []string{
		"GIT_SSH_COMMAND=ssh -F " + config, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}
	return runProgram(t, "", "env", append(append(env, name), args...)...)
}

func TestGitClonesAndPushesAsItDoesWithoutHoop(t *testing.T) {
	door, straight, dir := openDoor(t, filesPolicy), direct(t), repository(t)
	script := `set -e
git clone -q "web:$1/repo.git" "$2/clone"; cd "$2/clone"; cat file
head -c 300000 /dev/urandom >big; git add .; git commit -qm "$3"; git push -q origin main; git log --format=%s; git archive --remote="web:$1/repo.git" main file | tar -t`
	for what, config := range map[string]string{"hoop": door.config, "direct": straight} {
		out, code := gitProgram(t, config, "sh", "-c", script, "sh", dir, t.TempDir(), what)
		if code != 0 || !strings.HasPrefix(out, "first\n"+what+"\n") || !strings.HasSuffix(out, "first\nfile\n") {
			t.Fatalf("%s: exit %d: %s", what, code, out)
		}
		if out, _ := gitProgram(t, config, "git", "-C", dir+"/repo.git", "log", "--format=%s", "-1", "main"); out != what+"\n" {
			t.Errorf("%s: the host has %q", what, out)
		}
	}
	text := door.recordings(t)
	for _, want := range []string{`"operation":"git read","path":"` + dir + `/repo.git","bytes":`, `"operation":"git write","path":"` + dir + `/repo.git","bytes":30`} {
		if !strings.Contains(text, want) {
			t.Errorf("the recordings lack %s: %s", want, text)
		}
	}
}

func TestRulesHoldForTransfers(t *testing.T) {
	dir, repo := scene(t), repository(t)
	must(t, os.Symlink(repo+"/repo.git", dir+"/log/repo.git"))
	must(t, os.WriteFile(dir+"/out/own", []byte("own"), 0o644))
	own, to := dir+"/out/own", t.TempDir()
	logs := strings.Replace(logsOnly(dir), "[sftp, scp]", "[scp, rsync, git]", 1)
	before := tree(t, dir) + tree(t, repo)
	run := func(config, command string) (string, int) {
		command = strings.NewReplacer("DIR", dir, "REPO", repo, "OWN", own, "TO", to).Replace(command)
		return gitProgram(t, config, "sh", "-c", strings.ReplaceAll(command, "rsync ", "rsync -e 'ssh -F "+config+"' "))
	}
	refused := func(rules string, commands ...string) {
		t.Helper()
		for _, command := range commands {
			door := openDoor(t, rules)
			command = strings.ReplaceAll(command, "CONFIG", door.config)
			ran := strings.Count(serverLog(t), "Starting session: command")
			out, code := run(door.config, command)
			if code == 0 || !strings.Contains(out, "hoop: ") || strings.Contains(out, secret) {
				t.Errorf("%s: exit %d: %s", command, code, out)
			}
			if strings.Count(serverLog(t), "Starting session: command") != ran {
				t.Errorf("%s: a command reached the host", command)
			}
			if got := tree(t, dir) + tree(t, repo); got != before {
				t.Errorf("%s changed something:\n%s\nbefore:\n%s", command, got, before)
			}
			if left := tree(t, to); strings.Contains(left, hex.EncodeToString(sum(secret))) {
				t.Errorf("%s got hold of the secret: %s", command, left)
			}
		}
	}
	all := []string{
		"scp -O -q -F CONFIG web:DIR/log/app.log TO/x", "scp -O -q -F CONFIG OWN web:DIR/log/new", "rsync web:DIR/log/app.log TO/x", "rsync OWN web:DIR/log/new", "rsync -a --delete TO/ web:DIR/log/",
		"git clone -q web:REPO/repo.git TO/clone", "git ls-remote web:REPO/repo.git", "git archive --remote=web:REPO/repo.git main", "git -C TO init -q; git -C TO fetch web:REPO/repo.git",
	}
	refused("version: 1\n", all...)
	refused("version: 1\nrules: [{name: all, effects: [read, write, delete, execute, transfer, privilege, session, admin], verdict: allow}]\n", all...)
	refused(strings.Replace(filesPolicy, "[sftp, scp, rsync, git]", "[sftp]", 1), all...)
	refused("version: 1\nrules: [{name: look, effects: [read], ssh: {channels: [scp, rsync, git]}, verdict: allow}]\n",
		"scp -O -q -F CONFIG OWN web:DIR/log/new", "rsync OWN web:DIR/log/new", "rsync -a --delete TO/ web:DIR/log/", "rsync -a --remove-source-files web:DIR/log/app.log TO/")
	refused(logs,
		"scp -O -q -F CONFIG web:DIR/private/key TO/x", "scp -O -q -F CONFIG web:DIR/log/leak TO/x", "scp -O -q -F CONFIG web:DIR/log/../private/key TO/x", "scp -O -q -F CONFIG -r web:DIR/log/far TO/x",
		"scp -O -q -F CONFIG -r web:DIR/private TO/x", "scp -O -q -F CONFIG OWN web:DIR/log/leak", "scp -O -q -F CONFIG OWN web:DIR/log/far/new", "scp -O -q -F CONFIG OWN web:DIR/log/far", "scp -O -q -F CONFIG -r TO web:DIR/private/",
		"rsync web:DIR/private/key TO/x", "rsync -L web:DIR/log/leak TO/x", "rsync -r web:DIR/log/far/ TO/x", "rsync -r web:DIR/log/../private TO/x", "rsync --copy-unsafe-links -r web:DIR/log/ TO/x",
		"rsync OWN web:DIR/log/far/new", "rsync OWN web:DIR/private/key", "rsync --backup-dir=DIR/private -b OWN web:DIR/log/app.log", "rsync --link-dest=DIR/private -r TO/ web:DIR/log/",
		"git clone -q web:DIR/log/repo.git TO/clone", "git clone -q web:REPO/repo.git TO/clone",
		"rsync --rsync-path='sh -c id #' web:DIR/log/app.log TO/x", "git clone -u 'sh -c id #' web:DIR/log/repo.git TO/clone")
	door := openDoor(t, logs)
	for _, command := range []string{"rsync web:DIR/log/old/../app.log TO/x", "scp -O -q -F CONFIG web:DIR/log/inside TO/y", "rsync -a web:DIR/log/old/ TO/old/", "rsync OWN web:DIR/log/new", "scp -O -q -F CONFIG OWN web:DIR/log/"} {
		if out, code := run(door.config, strings.ReplaceAll(command, "CONFIG", door.config)); code != 0 {
			t.Errorf("%s: exit %d: %s", command, code, out)
		}
	}
	if got := must2(os.ReadFile(to + "/x")); string(got) != "line one\n" {
		t.Errorf("got %q", got)
	}
}

func sum(text string) []byte {
	s := sha256.Sum256([]byte(text))
	return s[:]
}

func TestWhereDetectorsLookTransfersAreNotCarried(t *testing.T) {
	dir, repo, to := scene(t), repository(t), t.TempDir()
	must(t, os.WriteFile(dir+"/log/people", []byte("ann@example.com"), 0o644))
	must(t, os.WriteFile(to+"/own", []byte("own"), 0o644))
	door := openDoor(t, filesPolicy+"masks: [{name: leaks, detect: [email], as: redact}]\n")
	for _, command := range []string{
		"scp -O -q -F CONFIG web:DIR/log/people TO/x", "scp -O -q -F CONFIG -r web:DIR/log/old TO/x", "rsync -e 'ssh -F CONFIG' web:DIR/log/people TO/x", "rsync -e 'ssh -F CONFIG' TO/own web:DIR/log/x", "git clone -q web:REPO/repo.git TO/clone",
	} {
		command = strings.NewReplacer("DIR", dir, "REPO", repo, "TO", to, "CONFIG", door.config).Replace(command)
		out, code := gitProgram(t, door.config, "sh", "-c", command)
		if code == 0 || !strings.Contains(out, "ssh HOST cat FILE") || strings.Contains(tree(t, to), hex.EncodeToString(sum("ann@example.com"))) {
			t.Errorf("%s: exit %d: %s", command, code, out)
		}
	}
	if out, code := runProgram(t, "", "scp", "-O", "-q", "-F", door.config, to+"/own", "web:"+dir+"/out/own"); code != 0 {
		t.Errorf("an upload: exit %d: %s", code, out)
	}
}

func TestWhatClientsOfSCPMayNotSay(t *testing.T) {
	dir := scene(t)
	before := tree(t, dir)
	for _, said := range []string{
		"C0644 1 ../x\nx\x00", "C0644 1 /etc/x\nx\x00", "C0644 1 .\nx\x00", "C0644 1 ..\nx\x00", "C0644 1 a/b\nx\x00", "C0644 1 \nx\x00", "C0644 1 a\x01b\nx\x00", "C0644 1 \xff\nx\x00",
		"C0644 -1 x\n", "C0644 99999999999999999999 x\n", "C0644 0x1 x\n", "C99999 1 x\n", "C644 1 x\n", "D0755 0 ../x\nE\n", "D0755 0 ..\nC0644 1 x\nx\x00E\n", "D0755 0 d\nE\n", "E\n", "T1 0\n", "T-1 0 1 0\n", "X\n", "\n",
		strings.Repeat("C", 9000), "\x02fatal\n", "C0644 5 x\nab",
	} {
		s := open(t, filesPolicy)
		x, err := s.client.NewSession()
		must(t, err)
		in, err := x.StdinPipe()
		must(t, err)
		var out bytes.Buffer
		x.Stdout = &out
		must(t, x.Start("scp -t "+dir+"/out"))
		_, err = io.WriteString(in, said)
		must(t, err)
		must(t, in.Close())
		if err := x.Wait(); err == nil {
			t.Errorf("%q: ended well: %q", said, out.String())
		}
		_ = os.Remove(dir + "/out/x") // of the one that broke off
		if got := tree(t, dir); got != before {
			t.Fatalf("%q changed something: %s", said, got)
		}
	}
}

func TestFilesOfSCPAreRecordedWithSizesAndHashes(t *testing.T) {
	dir, to := scene(t), t.TempDir()
	must(t, os.WriteFile(to+"/own", []byte(strings.Repeat("own ", 100_000)), 0o644))
	door := openDoor(t, filesPolicy)
	if out, code := runProgram(t, "", "scp", "-O", "-q", "-F", door.config, to+"/own", "web:"+dir+"/out/new"); code != 0 {
		t.Fatal(out)
	}
	if out, code := runProgram(t, "", "scp", "-O", "-q", "-r", "-F", door.config, "web:"+dir+"/private", to+"/back"); code != 0 {
		t.Fatal(out)
	}
	text := door.recordings(t)
	for _, want := range []string{
		fmt.Sprintf(`"operation":"write","path":"%s/out/new","bytes":400000,"sha256":"%x"`, dir, sum(strings.Repeat("own ", 100_000))),
		fmt.Sprintf(`"operation":"read","path":"%s/private/deep/key","bytes":%d,"sha256":"%x"`, dir, len(secret), sum(secret)),
		fmt.Sprintf(`"operation":"list","path":"%s/private/deep"`, dir),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the recordings lack %s:\n%s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "back/deep/key")); err != nil {
		t.Error(err)
	}
}

// TestWhatATransferIs is the table of lines that are told from other commands, and how.
func TestWhatATransferIs(t *testing.T) {
	for line, want := range map[string]string{
		"scp -f /a": "scp read [/a] [read /a]", "scp -v -r -t -- /a/b": "scp write [/a/b] [write /a/b]", "scp -rpt a": "scp write [] [write scp]", "scp -t /a/../b": "scp write [] [write scp]",
		"scp -f -S sh /a": "", "scp -ft /a": "", "scp a b:": "", "scp -f /a /b": "", "scp -o x -t /a": "", "scp -t /a; id": "", "X=1 scp -t /a": "", "scp -t /a >x": "", "scp -t $x": "", "scp -t *": "", "scp -t ~": "",
		"git-upload-pack '/r.git'": "git read [/r.git] [read /r.git]", "git-receive-pack '/r.git'": "git write [/r.git] [write /r.git]", "git-upload-archive '/r.git'": "git read [/r.git] [read /r.git]",
		"git-upload-pack '~/r.git'": "git read [] [read git-upload-pack]", "git-upload-pack --strict /r": "", "git-upload-pack": "", "git-upload-pack -x": "", "git upload-pack /r": "", "git-shell -c x": "", "git-upload-pack /r | sh": "",
		"rsync --server --sender -vlogDtpre.iLsfxCIvu . /a":     "rsync read [/a] [read /a]",
		"rsync --server -vlogDtprze.iLsfxCIvu --delete . /a/":   "rsync write [/a] [write /a delete /a]",
		"rsync --server --sender -re.iLsfxCIvu . /a /b":         "rsync read [/a /b] [read /a read /b]",
		"rsync --server --sender -re.LsfxCIvu . a":              "rsync read [] [read rsync]",
		"rsync --server --sender --remove-source-files -r . /a": "rsync read [/a] [read /a delete /a]",
		"rsync --server --sender -rLe.iLsfxCIvu . /a":           "rsync read [] [read rsync unknown rsync]",
		"rsync --server -ressh . /a":                            "rsync write [] [write rsync unknown rsync]",
		"rsync --server -e. . /a":                               "rsync write [] [write rsync unknown rsync]",
		"rsync --server -se.iLsfxCIvu":                          "rsync write [] [write rsync unknown rsync]",
		"rsync --server --log-file=/x -r . /a":                  "rsync write [] [write rsync unknown rsync]",
		"rsync --server --log-format=%i -r . /a":                "rsync write [/a] [write /a]",
		"rsync --server --log-format=/x -r . /a":                "rsync write [] [write rsync unknown rsync]",
		"rsync --server --daemon .":                             "rsync write [] [write rsync unknown rsync]",
		"rsync --server --files-from=/etc/passwd -r . /a":       "rsync write [] [write rsync unknown rsync]",
		"rsync --server -r . /a --rsh=sh":                       "rsync write [] [write rsync unknown rsync]",
		"rsync --server --partial-dir=/x -r . /a":               "rsync write [] [write rsync unknown rsync]",
		"rsync --server -r . ''":                                "rsync write [] [write rsync unknown rsync]",
		"rsync -e sh a b:":                                      "",
	} {
		if got := sshhost.TransferOf(line); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
