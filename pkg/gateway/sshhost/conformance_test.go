package sshhost_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
)

// conformancePolicy names the programs that may run, and asks somebody for others.
const conformancePolicy = `
version: 1
rules:
  - {name: run, effects: [read, session, execute, unknown], ssh: {argv: [["echo", "*"], ["cat", "*"], ["sleep", "*"]], channels: [exec]}, verdict: allow}
  - {name: ask, ssh: {argv: [["touch", "*"]]}, verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}
masks:
  - {name: leaks, detect: [email, credit_card], as: redact}
`

func TestConformance(t *testing.T) {
	visit, signer := keys(t)
	to := target(t)
	secrets := filepath.Join(t.TempDir(), "people")
	must(t, os.WriteFile(secrets, []byte("ann ann@example.com 4111111111111111\nbob bob@example.net\n"), 0o644))
	for dir := filepath.Dir(secrets); dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	exec := guardtest.Form{Encode: func(text string) []byte { return []byte(text + "\n") }, Read: readFrame}
	guardtest.Run(t, guardtest.Adapter{
		Protocol: sshhost.New(slog.New(slog.DiscardHandler)), Target: to, Visit: gateway.Visit{GrantID: "gr_test", SSH: visit}, Policy: conformancePolicy,
		Speak:   func(conn net.Conn) (net.Conn, error) { return speak(conn, hostKey(t, visit), signer) },
		Forms:   map[string]guardtest.Form{"exec": exec},
		Allowed: func(mark string) string { return "echo " + mark },
		Denied:  func(mark string) string { return "rm " + mark },
		Held:    func(mark string) string { return "touch /nonexistent/" + mark },
		Masked:  func(mark string) string { return "cat " + secrets + " /nonexistent/" + mark },
		Found: func(mark string) string {
			return `echo "carol"@"example.net" 555555555555''4444 dave@example.net ` + mark
		},
		Running:  func(mark string) string { return "sleep 60 && echo " + mark },
		PeerLog:  func(t testing.TB) string { return serverLog(t) },
		Canaries: append(strings.Fields(strings.ReplaceAll(keyBody(t), "-----", " ")), "ann@example.com", "4111111111111111", "bob@example.net"),
		Findings: []string{"carol@example.net", "5555555555554444", "dave@example.net"},
		Hostile:  hostile(0, 1, 1<<18+1, 1<<31-1, 1<<32-1),
	})
}

// hostile are lengths of packets that nobody may send, with as much behind them as a cipher reads at once.
func hostile(lengths ...uint32) (all [][]byte) {
	for _, n := range lengths {
		all = append(all, append(binary.BigEndian.AppendUint32(nil, n), make([]byte, 60)...))
	}
	return all
}

// keyBody is the gateway's credential without the lines around it, so that each of its lines is looked for.
func keyBody(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(server.Key)
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[2:len(lines)-1], "\n")
}

// speak signs in, and gives every line that is written to what it answers to a channel of its own.
func speak(conn net.Conn, key ssh.PublicKey, signer ssh.Signer) (net.Conn, error) {
	c, channels, requests, err := ssh.NewClientConn(&choppy{Conn: conn}, "gateway", &ssh.ClientConfig{
		User: "anybody", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(key),
		Config: ssh.Config{Ciphers: []string{ssh.CipherAES128GCM}}, // whose lengths are in clear
	})
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	l := &lines{Conn: near, client: ssh.NewClient(c, channels, requests)}
	l.work.Go(func() { l.serve(far) })
	l.work.Go(func() {
		_ = l.client.Wait()
		_ = far.Close() // else who reads l would wait for lines that never come
	})
	return l, nil
}

type lines struct {
	net.Conn
	client *ssh.Client
	work   sync.WaitGroup
}

// Close closes the connection below too.
func (l *lines) Close() error {
	_ = l.client.Close()
	_ = l.Conn.Close()
	l.work.Wait()
	return nil
}

// serve runs lines until the connection is over.
func (l *lines) serve(far net.Conn) {
	defer far.Close()
	for in := bufio.NewReader(far); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		x, err := l.client.NewSession()
		if err != nil {
			return
		}
		var out, errs strings.Builder
		x.Stdout, x.Stderr = &out, &errs
		err = x.Run(strings.TrimSuffix(line, "\n"))
		var status *ssh.ExitError
		if err != nil && !errors.As(err, &status) {
			return
		}
		code := 0
		if status != nil {
			code = status.ExitStatus()
		}
		raw := out.String() + "\x00" + errs.String()
		if _, err := far.Write(append(binary.BigEndian.AppendUint32([]byte{byte(code)}, uint32(len(raw))), raw...)); err != nil {
			return
		}
	}
}

func readFrame(r io.Reader) (guardtest.Answer, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return guardtest.Answer{}, err
	}
	raw := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(r, raw); err != nil {
		return guardtest.Answer{}, err
	}
	a := guardtest.Answer{Raw: raw, Refused: head[0] == 126}
	if head[0] == 255 {
		return a, fmt.Errorf("lost: %q", raw)
	}
	return a, nil
}

// choppy writes in small pieces of all sizes, so that everything arrives split somewhere.
type choppy struct {
	net.Conn
	size int
}

func (c *choppy) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		c.size = c.size%13 + 1
		var k int
		k, err = c.Conn.Write(b[n:min(n+c.size, len(b))])
		n += k
	}
	return n, err
}
