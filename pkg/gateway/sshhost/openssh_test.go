package sshhost_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// openSSH is OpenSSH's client before a session of the gateway, configured as hoop connect does.
type openSSH struct {
	*session
	dir, config string
}

func openWithSSH(t testing.TB, text string, change ...func(*gateway.Target)) *openSSH {
	t.Helper()
	to := target(t)
	for _, f := range change {
		f(&to)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	visit, _ := keys(t)
	visit.Client = public
	o := &openSSH{session: attend(t, text, to, visit), dir: t.TempDir()}
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	o.write(t, "key", string(pem.EncodeToMemory(block)))
	o.write(t, "known_hosts", "host "+string(ssh.MarshalAuthorizedKey(hostKey(t, visit))))
	o.config = o.write(t, "config", fmt.Sprintf(`Host host
  HostName 127.0.0.1
  Port %d
  HostKeyAlias host
  User anybody
  IdentityFile %[2]s/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %[2]s/known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  ExitOnForwardFailure yes
  LogLevel ERROR
`, o.relay(t), o.dir))
	return o
}

func (o *openSSH) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(o.dir, name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// relay has one connection to a port reach the gateway, as the local proxy does, and closes it when the gateway does.
func (o *openSSH) relay(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener, or with either side
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(o.raw, conn); _ = o.raw.Close() }()
		_, _ = io.Copy(conn, o.raw)
		_ = conn.Close()
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// command is ssh with some arguments; it ends with the test.
func (o *openSSH) command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "ssh", append([]string{"-F", o.config}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.dir, "LANG=C.UTF-8"}
	return c
}

// start runs ssh until the test is over.
func (o *openSSH) start(t testing.TB, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	c := o.command(t, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	must(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, &errs
}

// talk sends text to an address and answers what comes back.
func talk(t testing.TB, network, address, text string) string {
	t.Helper()
	conn, err := net.Dial(network, address)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, text)
	must(t, err)
	got := make([]byte, len(text))
	n, _ := io.ReadFull(conn, got)
	return string(got[:n])
}

func listens(address string) func() bool {
	return func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	port, err := freeport.Next()
	must(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func TestOpenSSHForwardsAsItDoesWithoutHoop(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	for name, arg := range map[string]func(near string) []string{
		"-L": func(near string) []string { return []string{"-N", "-L", near + ":" + c.place(), "host"} },
		"-L, by name": func(near string) []string {
			return []string{"-N", "-L", near + fmt.Sprintf(":own.test:%d", c.port()), "host"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			near := freeAddress(t)
			o := openWithSSH(t, forwards(c.place()))
			_, errs := o.start(t, arg(near)...)
			within(t, "ssh listens", listens(near))
			if got := talk(t, "tcp", near, "through ssh"); got != "through ssh" {
				t.Errorf("%q came back: %s", got, errs)
			}
		})
	}
	t.Run("-W", func(t *testing.T) {
		o := openWithSSH(t, forwards(c.place()))
		x := o.command(t, "-W", c.place(), "host")
		x.Stdin = strings.NewReader("through stdin")
		if got, err := x.Output(); string(got) != "through stdin" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("-W, refused", func(t *testing.T) {
		o := openWithSSH(t, forwards("10.0.0.1:1"))
		x := o.command(t, "-W", c.place(), "host")
		x.Args = append(x.Args[:3:3], append([]string{"-o", "LogLevel=INFO"}, x.Args[3:]...)...)
		if got, err := x.CombinedOutput(); err == nil || !strings.Contains(string(got), "administratively prohibited: hoop: no rule allows") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("-D", func(t *testing.T) {
		near := freeAddress(t)
		o := openWithSSH(t, forwards(c.place()))
		_, errs := o.start(t, "-N", "-D", near, "host")
		within(t, "ssh listens", listens(near))
		conn, err := net.Dial("tcp", near)
		must(t, err)
		defer func() { _ = conn.Close() }()
		host := "own.test"
		ask := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...) // SOCKS 5 by name (RFC 1928)
		_, err = conn.Write(append(append(ask, byte(c.port()>>8), byte(c.port())), "hi"...))
		must(t, err)
		got := make([]byte, 2+10+2)
		if _, err := io.ReadFull(conn, got); err != nil || got[3] != 0 || string(got[12:]) != "hi" {
			t.Errorf("%q, %v, %s", got, err, errs)
		}
	})
	t.Run("ProxyJump", func(t *testing.T) {
		o := openWithSSH(t, forwards(server.Address()))
		o.write(t, "behind", fmt.Sprintf("%s %s\n", "behind", server.HostKey))
		key, err := os.ReadFile(server.Key)
		must(t, err)
		o.write(t, "behind_key", string(key))
		config, err := os.ReadFile(o.config)
		must(t, err)
		o.write(t, "config", string(config)+fmt.Sprintf(`Host behind
  HostName 127.0.0.1
  Port %d
  HostKeyAlias behind
  User %s
  IdentityFile %s/behind_key
  IdentityAgent none
  UserKnownHostsFile %[3]s/behind
  ProxyJump host
`, server.Port, server.User, o.dir))
		got, err := o.command(t, "behind", "echo jumped").CombinedOutput()
		if string(got) != "jumped\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
	if c.came.Load() == 0 {
		t.Error("nothing came to the service")
	}
}

// remote is a policy that lets the host listen.
func remote(places ...string) string {
	return fmt.Sprintf("version: 1\nrules: [{name: listen, ssh: {channels: [remote-forward], binds: [%s]}, verdict: allow}]\n", quoted(places))
}

func TestOpenSSHListensAtTheHostAsItDoesWithoutHoop(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	far := freeAddress(t)
	_, port, err := net.SplitHostPort(far)
	must(t, err)
	for name, bind := range map[string]string{"an address": far, "as localhost": "localhost:" + port, "by its port alone": port} {
		t.Run(name, func(t *testing.T) {
			o := openWithSSH(t, remote(far))
			_, errs := o.start(t, "-N", "-R", bind+":"+c.place(), "host")
			within(t, "the host listens", listens(far))
			if got := talk(t, "tcp", far, "back through ssh"); got != "back through ssh" {
				t.Errorf("%q came back: %s", got, errs)
			}
			o.end(nil)
			err := <-o.served
			o.served <- err
			within(t, "the host no longer listens", func() bool { return !listens(far)() })
		})
	}
	t.Run("any free port", func(t *testing.T) {
		o := openWithSSH(t, remote("127.0.0.1:*"))
		x := o.command(t, "-N", "-o", "LogLevel=INFO", "-R", "127.0.0.1:0:"+c.place(), "host")
		errs, err := x.StderrPipe()
		must(t, err)
		must(t, x.Start())
		t.Cleanup(func() { _ = x.Process.Kill(); _ = x.Wait() })
		var port int
		_, err = fmt.Fscanf(errs, "Allocated port %d for remote forward", &port)
		must(t, err)
		if got := talk(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port), "dynamic"); got != "dynamic" {
			t.Errorf("%q came back", got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		log := since(t)
		for _, bind := range []string{"127.0.0.2:" + port, "*:" + port, "0.0.0.0:" + port, "[::]:" + port, "127.0.0.1:0"} {
			o := openWithSSH(t, remote(far))
			if got, err := o.command(t, "-N", "-R", bind+":"+c.place(), "host").CombinedOutput(); err == nil || !strings.Contains(string(got), "remote port forwarding failed") {
				t.Errorf("%s: %q, %v", bind, got, err)
			}
		}
		if strings.Contains(log(), "tcpip-forward") {
			t.Error("the host was asked")
		}
	})
	if c.came.Load() < 4 {
		t.Errorf("%d connections came", c.came.Load())
	}
}

// A connection that serves many of ssh's runs ends with its grant, and all of them with it (H16).
func TestAControlMasterDiesWithItsGrant(t *testing.T) {
	o := openWithSSH(t, allowAll)
	socket := filepath.Join(o.dir, "mux")
	master, _ := o.start(t, "-M", "-N", "-o", "ControlPath="+socket, "host")
	within(t, "the master listens", func() bool { _, err := os.Stat(socket); return err == nil })
	type run struct {
		out io.Reader
		cmd *exec.Cmd
		pid int
	}
	var runs []run
	for range 3 {
		x := o.command(t, "-o", "ControlPath="+socket, "host", "echo $$; exec sleep 300")
		out, err := x.StdoutPipe()
		must(t, err)
		must(t, x.Start())
		r := run{out: out, cmd: x}
		_, err = fmt.Fscan(out, &r.pid)
		must(t, err)
		runs = append(runs, r)
	}
	began := time.Now()
	o.end(&api.Error{Code: api.CodeGrantEnded, Message: "The grant ended."})
	for _, r := range runs {
		_ = r.cmd.Wait()
		within(t, "the command is gone", func() bool { return !alive(r.pid) })
	}
	within(t, "the socket is gone", func() bool { _, err := os.Stat(socket); return os.IsNotExist(err) })
	_ = master.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if got, err := o.command(t, "-o", "ControlPath="+socket, "-o", "ControlMaster=no", "-O", "check", "host").CombinedOutput(); err == nil {
		t.Errorf("the master is still there: %s", got)
	}
}
