package sshhost_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestALineIsNoTransfer has line mode run what scp, rsync and git run at hosts: as a line its paths are not looked up at the
// host, and what it does is not judged one by one.
func TestALineIsNoTransfer(t *testing.T) {
	dir := scene(t)
	rules := strings.Replace(logsOnly(dir), "[sftp, scp]", "[sftp, scp, rsync, git]", 1) +
		"  - {name: look, effects: [read, write, session], ssh: {channels: [lines]}, verdict: allow}\n" +
		"  - {name: general, effects: [read, write, session], verdict: allow}\n"
	s := open(t, rules)
	before := tree(t, dir)
	for _, line := range []string{
		"scp -f " + dir + "/log/leak", "scp -t " + dir + "/log/far", "rsync --server --sender -re.iLsfxCIvu . " + dir + "/log/far/", "git-upload-pack " + dir + "/log/leak",
	} {
		for _, lines := range []string{line + "\n", "cd " + dir + "/log\n" + line + "\n"} {
			said := len(serverLog(t))
			got := s.shell(t, false, lines)
			if got.status != 126 || !strings.Contains(got.errs, "hoop: ") {
				t.Errorf("%q: %+v", lines, got)
			}
			if log := serverLog(t)[said:]; strings.Contains(log, line) || strings.Contains(log, strings.Fields(line)[0]+" -") {
				t.Errorf("%q reached the host", lines)
			}
		}
	}
	if got := tree(t, dir); got != before {
		t.Errorf("something changed: %s", got)
	}
}

// TestAPathThatIsNotKnownIsDeniedWhereAnyIs clones from "~user", which only git itself can tell.
func TestAPathThatIsNotKnownIsDeniedWhereAnyIs(t *testing.T) {
	for what, rules := range map[string]string{
		"paths":   "  - {name: not, files: {paths: [/root, /root/*]}, verdict: deny}\n",
		"objects": "  - {name: not, effects: [read, write, delete], objects: [/root, /root/*], verdict: deny}\n",
	} {
		s := open(t, strings.TrimRight(filesPolicy, "\n")+"\n"+rules)
		line := "git-upload-pack '~root/unknown-" + what + ".git'"
		got := s.run(t, line)
		if got.status != 126 || strings.Contains(serverLog(t), "unknown-"+what) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// TestATransferThatCantBeRecordedDoesNotEndWell has the disk go while git reads a repository.
func TestATransferThatCantBeRecordedDoesNotEndWell(t *testing.T) {
	repo := repository(t)
	s := open(t, filesPolicy)
	x, err := s.client.NewSession()
	must(t, err)
	in, err := x.StdinPipe()
	must(t, err)
	out, err := x.StdoutPipe()
	must(t, err)
	must(t, x.Start("git-upload-pack '"+repo+"/repo.git'"))
	_, err = io.ReadFull(out, make([]byte, 4))
	must(t, err)
	must(t, s.writer.Seal("the disk is gone"))
	_, _ = io.WriteString(in, "0000") // it may be over already
	_ = in.Close()
	var status *ssh.ExitError
	if err := x.Wait(); !errors.As(err, &status) || status.ExitStatus() != 255 {
		t.Errorf("it ends with %v", err)
	}
}

// What is open already goes no further when nothing can be recorded any more.
func TestNothingOpenGoesOnUnrecorded(t *testing.T) {
	s := open(t, filesPolicy)
	dir := place(t)
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	x, err := s.client.NewSession()
	must(t, err)
	in, err := x.StdinPipe()
	must(t, err)
	out, err := x.StdoutPipe()
	must(t, err)
	must(t, x.Start("scp -t "+dir+"/late"))
	answer := make([]byte, 1)
	_, err = io.ReadFull(out, answer)
	must(t, err)
	_, err = io.WriteString(in, "C0644 8 late\n")
	must(t, err)
	_, err = io.ReadFull(out, answer)
	must(t, err)
	must(t, s.writer.Seal("the disk is gone"))
	_, _ = io.WriteString(in, "unseen!!\x00") // it may be over already
	_ = in.Close()
	if err := x.Wait(); err == nil {
		t.Error("it ends well")
	}
	if got, err := os.ReadFile(filepath.Join(dir, "late")); err == nil && len(got) > 0 {
		t.Errorf("the host has %q", got)
	}
}

// TestTheEndOfASessionEndsItsTransfers has sessions end while their transfers wait: for the client, and for a person.
func TestTheEndOfASessionEndsItsTransfers(t *testing.T) {
	dir, repo := scene(t), repository(t)
	held := filesPolicy + "  - {name: ask, effects: [read, write], ssh: {channels: [scp, rsync]}, files: {paths: [\"*/out\", \"*/out/*\"]}, verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}\n"
	for _, c := range []struct{ line, said, want string }{
		{"git-upload-pack '" + repo + "/repo.git'", "", "HEAD"},
		{"rsync --server -re.iLsfxCIvu . " + dir + "/log/", "", "\x00\x00\x00"},
		{"scp -t " + dir + "/log/new", "C0644 9 new\nhalf", "\x00\x00"},
		{"scp -t " + dir + "/out/new", "C0644 9 new\n", "waiting for approval"},
		{"rsync --server -re.iLsfxCIvu . " + dir + "/out", "", "waiting for approval"},
	} {
		s := open(t, held)
		s.desk.wait = make(chan string)
		x, err := s.client.NewSession()
		must(t, err)
		in, err := x.StdinPipe()
		must(t, err)
		reads, writes := io.Pipe()
		x.Stdout, x.Stderr = writes, writes
		must(t, x.Start(c.line))
		_, err = io.WriteString(in, c.said)
		must(t, err)
		for seen := ""; !strings.Contains(seen, c.want); {
			b := make([]byte, 1<<10)
			n, err := reads.Read(b)
			must(t, err)
			seen += string(b[:n])
		}
		go func() { _, _ = io.Copy(io.Discard, reads) }()
		began := time.Now()
		s.end(errors.New("the grant ended"))
		err = <-s.served
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: it took %v (%v)", c.line, took, err)
		}
		s.served <- err
		if s.desk.used.Load() != 0 {
			t.Errorf("%s: an approval was used", c.line)
		}
		_, _ = s.client.Wait(), writes.Close()
	}
}
