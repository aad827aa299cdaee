package streams_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// hop is the least that carries requests of kubectl to a cluster: upgrades through this package, all else as it is.
type hop struct {
	t       *testing.T
	cluster *kubetest.Cluster
	tls     *tls.Config
	rules   *rules

	mu       sync.Mutex
	carried  []string // protocols
	outcomes []guard.Outcome
	journals []*journal
	work     sync.WaitGroup
}

func newHop(t *testing.T, r *rules) (*hop, string) {
	t.Helper()
	c := kubetest.Start(t)
	ca, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	h := &hop{t: t, cluster: c, rules: r, tls: &tls.Config{RootCAs: pool}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.work.Go(func() { h.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); accepting.Wait(); h.work.Wait() })
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: hop
clusters: [{name: hop, cluster: {server: "http://%s"}}]
contexts: [{name: hop, context: {cluster: hop, namespace: stg}}]
`, l.Addr())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, config
}

// serve carries one request of a connection.
func (h *hop) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	r := bufio.NewReader(client)
	q, err := http1.ReadRequest(r)
	if err != nil {
		return
	}
	u, _ := url.Parse(h.cluster.URL)
	target, err := tls.Dial("tcp", u.Host, h.tls)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer func() { _ = target.Close() }()
	upgrade := q.Upgrade
	query, _ := url.ParseQuery(q.Query)
	what := map[string]string{"exec": streams.Exec, "attach": streams.Attach, "portforward": streams.PortForward}[q.Path[strings.LastIndex(q.Path, "/")+1:]]
	var shake *streams.Handshake
	if upgrade != "" {
		if shake, err = streams.Understand(q, what); err != nil {
			h.t.Error(err)
			return
		}
		shake.Ask(q)
	} else {
		q.Close = true
	}
	q.Fields = append(q.Fields.Without("Authorization", "Host"), http1.Field{Name: "Host", Value: u.Host}, http1.Field{Name: "Authorization", Value: "Bearer " + h.cluster.AdminToken})
	if _, err := target.Write(http1.AppendRequest(nil, q)); err != nil {
		return
	}
	tr := bufio.NewReader(target)
	if upgrade == "" {
		go func() { _, _ = io.Copy(target, r) }()
		_, _ = io.Copy(client, tr)
		return
	}
	a, err := http1.ReadAnswer(tr, q.Method)
	if err != nil || a.Status != 101 {
		h.t.Errorf("%v, %+v", err, a)
		return
	}
	if err := shake.Verify(a); err != nil {
		h.t.Error(err)
		return
	}
	if _, err := client.Write(http1.AppendAnswer(nil, shake.Agree())); err != nil {
		return
	}
	set := func(name string) bool { return query.Get(name) == "true" }
	plan := streams.Plan{What: what, Protocol: shake.Protocol(), Stdin: set("stdin"), Stdout: set("stdout"), Stderr: set("stderr"), TTY: set("tty")}
	adm, j := admitted(h.t, plan, h.rules)
	h.mu.Lock()
	h.carried, h.journals = append(h.carried, plan.Protocol), append(h.journals, j)
	h.mu.Unlock()
	o, _ := adm.Carry(context.Background(), streams.Side{Conn: client, Read: r}, streams.Side{Conn: target, Read: tr})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
}

// ended are the outcomes, once all that was carried has ended.
func (h *hop) ended() []guard.Outcome {
	h.work.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outcomes
}

func kubectl(t *testing.T, version, config string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, kubetest.Kubectl(t, version), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config, "HOME="+t.TempDir())
	return cmd
}

// clients are the kubectls, and what each speaks for commands and for forwards.
var clients = map[string][2]string{
	kubetest.Oldest: {streams.SPDY, streams.SPDY},
	kubetest.Newest: {"v5.channel.k8s.io", "SPDY/3.1+portforward.k8s.io"},
}

// What goes in comes out whole behind the end of its input, with stderr and the exit status beside it.
func TestKubectlExecs(t *testing.T) {
	for version, speaks := range clients {
		t.Run(version, func(t *testing.T) {
			h, config := newHop(t, &rules{})
			data := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
			cmd := kubectl(t, version, config, "exec", "-i", "web", "-c", "app", "--", "sh", "-c", "cat; echo to stderr >&2; exit 7")
			var out, errs bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &errs
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 7 || !strings.Contains(errs.String(), "to stderr\n") {
				t.Errorf("%v, %s", err, errs.String())
			}
			if sha256.Sum256(out.Bytes()) != sha256.Sum256(data) {
				t.Errorf("%d bytes came back of %d", out.Len(), len(data))
			}
			if got := h.ended(); len(got) != 1 || got[0].Tag != "exit 7" || got[0].Error != "" || h.carried[0] != speaks[0] {
				t.Errorf("outcomes %+v over %v", got, h.carried)
			}
		})
	}
}

func TestKubectlIsShownMasks(t *testing.T) {
	for version := range clients {
		t.Run(version, func(t *testing.T) {
			h, config := newHop(t, &rules{masks: leaks})
			out, err := kubectl(t, version, config, "exec", "web", "-c", "app", "--", "sh", "-c", "echo to alice@example.com; echo bob@example.com >&2").CombinedOutput()
			if err != nil || strings.Contains(string(out), "alice") || strings.Contains(string(out), "bob") || !strings.Contains(string(out), "to ***") {
				t.Errorf("%v: %s", err, out)
			}
			h.ended()
			if j := h.journals[0]; j.shows("alice") || !j.shows("to ***") {
				t.Errorf("recorded %q", j.rows.String())
			}
		})
	}
}

func TestKubectlIsToldWhyACommandEnds(t *testing.T) {
	for version := range clients {
		t.Run(version, func(t *testing.T) {
			policies := &rules{}
			h, config := newHop(t, policies)
			cmd := kubectl(t, version, config, "exec", "-i", "web", "-c", "app", "--", "sh", "-c", "echo ready; cat")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			if line, err := lines.ReadString('\n'); line != "ready\n" {
				t.Fatalf("%q, %v", line, err)
			}
			policies.set(func(p *rules) { p.denies = true })
			if _, err := io.WriteString(in, "typed\n"); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			if err := cmd.Wait(); err == nil || len(rest) > 0 || !strings.Contains(errs.String(), "hoop: Not any more.") {
				t.Errorf("%v, %q, %s", err, rest, errs.String())
			}
			if got := h.ended(); got[0].Error != "denied" {
				t.Errorf("outcome %+v", got)
			}
		})
	}
}

// kubectl cp is an exec of tar, whose streams are recorded as every other's.
func TestKubectlCopiesFiles(t *testing.T) {
	for version := range clients {
		t.Run(version, func(t *testing.T) {
			h, config := newHop(t, &rules{})
			dir := t.TempDir()
			data := bytes.Repeat([]byte(version), 1<<18)
			if err := os.WriteFile(filepath.Join(dir, "there"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"there", "web:copied-" + version}, {"web:copied-" + version, "back"}} {
				cmd := kubectl(t, version, config, "cp", "-c", "app", args[0], args[1])
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v: %s", args, err, out)
				}
			}
			if got, err := os.ReadFile(filepath.Join(dir, "back")); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes came back of %d: %v", len(got), len(data), err)
			}
			for _, o := range h.ended() {
				if o.Error != "" && o.Error != "the client left" { // kubectl leaves once it has read the archive's end
					t.Errorf("outcome %+v", o)
				}
			}
			if j := h.journals[len(h.journals)-1]; !j.shows(version + version) {
				t.Error("the copy is not recorded")
			}
		})
	}
}

func TestKubectlForwardsPorts(t *testing.T) {
	for version, speaks := range clients {
		t.Run(version, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			var echoes sync.WaitGroup
			echoes.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					echoes.Go(func() { _, _ = io.Copy(c, c); _ = c.Close() })
				}
			})
			h, config := newHop(t, &rules{})
			port := l.Addr().(*net.TCPAddr).Port
			cmd := kubectl(t, version, config, "port-forward", "pod/web", fmt.Sprintf(":%d", port))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var local int
			if _, err := fmt.Fscanf(bufio.NewReader(out), "Forwarding from 127.0.0.1:%d", &local); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { echo(t, local, bytes.Repeat([]byte{byte(i)}, 1<<18)) })
			}
			all.Wait()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			got := h.ended()
			if len(got) != 1 || got[0].Error != "" || got[0].Tag != fmt.Sprintf("8 connections, %d bytes sent, %d received", 8<<18, 8<<18) || h.carried[0] != speaks[1] {
				t.Errorf("outcomes %+v over %v", got, h.carried)
			}
			if !h.journals[0].has(fmt.Sprintf(`"address":"stg/pods/web:%d","sent_bytes":%d,"received_bytes":%d,"duration`, port, 1<<18, 1<<18)) {
				t.Errorf("recorded %v", h.journals[0].events)
			}
			_ = l.Close()
			echoes.Wait()
		})
	}
}

// echo sends data, closes its half, and wants them back.
func echo(t *testing.T, port int, data []byte) {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	go func() {
		_, _ = c.Write(data)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(data), err)
	}
}
