package sshhost_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
)

const filesConformancePolicy = `
version: 1
rules:
  - {name: look, effects: [read, write], ssh: {channels: [sftp]}, files: {operations: [list, stat, write]}, verdict: allow}
  - {name: ask, ssh: {channels: [sftp]}, files: {operations: [remove]}, verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}
masks:
  - {name: leaks, detect: [email, credit_card], as: redact}
`

// loggedSFTP is a host whose SFTP server logs what it is asked to do. Looking at a path is not logged.
func loggedSFTP(t *testing.T) (to gateway.Target, log string) {
	t.Helper()
	dir := place(t)
	program := "/usr/lib/openssh/sftp-server"
	if _, err := os.Stat(program); err != nil {
		program, err = exec.LookPath("sftp-server")
		must(t, err)
	}
	log = filepath.Join(dir, "log")
	host, err := sshd.Prepare(filepath.Join(dir, "host"), filepath.Join(dir, "key"))
	must(t, err)
	port, err := freeport.Next()
	must(t, err)
	running, err := host.Start(context.Background(), port, "Subsystem sftp "+program+" -e -l VERBOSE 2>>"+log)
	must(t, err)
	t.Cleanup(func() { must(t, running.Stop()) })
	key, err := os.ReadFile(running.Key)
	must(t, err)
	to = target(t)
	to.Address, to.HostKeys = running.Address(), []string{running.HostKey}
	to.Credential.Key = secretOf(string(key))
	return to, log
}

func TestFilesConform(t *testing.T) {
	visit, signer := keys(t)
	to, log := loggedSFTP(t)
	dir := scene(t)
	must(t, os.Mkdir(dir+"/people", 0o755))
	for _, name := range []string{"ann@example.com", "4111111111111111", "bob@example.net"} {
		must(t, os.WriteFile(dir+"/people/"+name, nil, 0o644))
	}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: sshhost.New(slog.New(slog.DiscardHandler)), Target: to, Visit: gateway.Visit{GrantID: "gr_test", SSH: visit}, Policy: filesConformancePolicy,
		Speak:   func(conn net.Conn) (net.Conn, error) { return speakFiles(conn, hostKey(t, visit), signer) },
		Forms:   map[string]guardtest.Form{"sftp": {Encode: func(text string) []byte { return []byte(text + "\n") }, Read: readFrame}},
		Allowed: func(mark string) string { return "write " + dir + "/out/" + mark },
		Denied:  func(mark string) string { return "mkdir " + dir + "/out/" + mark },
		Held:    func(mark string) string { return "remove " + dir + "/out/" + mark },
		Masked: func(mark string) string {
			must(t, os.Symlink(dir+"/people", dir+"/"+mark)) // the folder's own name is what is opened
			must(t, os.Rename(dir+"/people", dir+"/people-"+mark))
			must(t, os.Remove(dir+"/"+mark))
			must(t, os.Symlink(dir+"/people-"+mark, dir+"/people"))
			return "list " + dir + "/people"
		},
		Found: func(mark string) string { return "write " + dir + "/out/dave@example.net-" + mark },
		Running: func(mark string) string {
			must(t, exec.Command("mkfifo", "-m", "666", dir+"/out/"+mark).Run()) // nobody reads it
			t.Cleanup(func() {                                                   // lets go of it whoever still waits at the host
				f, err := os.OpenFile(dir+"/out/"+mark, os.O_RDONLY|syscall.O_NONBLOCK, 0)
				must(t, errors.Join(err, f.Close()))
			})
			return "write " + dir + "/out/" + mark
		},
		PeerLog: func(t testing.TB) string {
			text, err := os.ReadFile(log)
			must(t, err)
			return string(text)
		},
		Canaries: []string{"ann@example.com", "4111111111111111", "bob@example.net"},
		Findings: []string{"dave@example.net"},
		Hostile:  hostile(0, 1, 1<<18+1, 1<<31-1, 1<<32-1),
	})
}

// speakFiles signs in, and carries out every line that is written to what it answers in a channel of its own.
func speakFiles(conn net.Conn, key ssh.PublicKey, signer ssh.Signer) (net.Conn, error) {
	spoken, err := speak(conn, key, signer)
	if err != nil {
		return nil, err
	}
	client := spoken.(*lines).client
	near, far := net.Pipe()
	l := &lines{Conn: near, client: client}
	l.work.Go(func() { _ = client.Wait(); _ = far.Close() })
	l.work.Go(func() {
		defer func() { _ = far.Close() }()
		for in := bufio.NewReader(far); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			verb, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			code, raw := operate(client, verb, path)
			if code == lost {
				return
			}
			if _, err := far.Write(append(binary.BigEndian.AppendUint32([]byte{code}, uint32(len(raw))), raw...)); err != nil {
				return
			}
		}
	})
	return l, nil
}

// lost is what operate answers where the channel is gone.
const lost = 255

// operate carries out one operation, and answers like a command: 126 where it was refused.
func operate(client *ssh.Client, verb, path string) (code byte, raw string) {
	x, err := client.NewSession()
	if err != nil {
		return lost, err.Error()
	}
	defer func() { _ = x.Close() }()
	errs, err := x.StderrPipe()
	if err != nil {
		return lost, err.Error()
	}
	in, err := x.StdinPipe()
	if err != nil {
		return lost, err.Error()
	}
	out, err := x.StdoutPipe()
	if err != nil {
		return lost, err.Error()
	}
	if err := x.RequestSubsystem("sftp"); err != nil {
		return lost, err.Error()
	}
	ask := func(body []byte) []byte {
		if _, err := in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
			return nil
		}
		var head [4]byte
		if _, err := io.ReadFull(out, head[:]); err != nil {
			return nil
		}
		got := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(out, got); err != nil {
			return nil
		}
		return got
	}
	got := ask(binary.BigEndian.AppendUint32([]byte{1}, 3))
	switch {
	case got == nil:
	case verb == "write":
		got = ask(pack(3, 1, path, 0x1a, 0))
	case verb == "mkdir":
		got = ask(pack(14, 1, path, 0))
	case verb == "remove":
		got = ask(pack(13, 1, path))
	case verb == "list":
		if got = ask(pack(11, 1, path)); got != nil && got[0] == 102 {
			got = ask(pack(12, 1, string(got[9:])))
		}
	}
	_ = in.Close()
	said, _ := io.ReadAll(errs)
	raw = string(got) + "\x00" + string(said)
	switch {
	case strings.Contains(raw, `"decision_id"`):
		return 126, raw
	case got == nil:
		return lost, raw
	}
	return 0, raw
}
