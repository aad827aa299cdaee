package localproxy_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func TestMalformedOpeningsAreRefusedInTheProtocolsWords(t *testing.T) {
	p := serve(t, nil)
	ssl := []byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}
	for name, in := range map[string][]byte{
		"length too small":         {0, 0, 0, 7, 0, 3, 0, 0},
		"length too large":         {0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0},
		"length negative":          {0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0},
		"protocol 2":               {0, 0, 0, 9, 0, 2, 0, 0, 0},
		"no end of parameters":     {0, 0, 0, 12, 0, 3, 0, 0, 'u', 's', 'e', 'r'},
		"bytes behind the end":     {0, 0, 0, 10, 0, 3, 0, 0, 0, 'x'},
		"encryption asked twice":   append(bytes.Clone(ssl), ssl...),
		"encryption with a body":   {0, 0, 0, 9, 4, 0xd2, 0x16, 0x2f, 0},
		"HTTP":                     []byte("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
		"TLS":                      {22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"a second startup":         append(startup("user", "x"), startup("user", "postgres")...),
		"encryption while proving": append(startup("user", "x"), ssl...),
		"query instead of a proof": append(startup("user", "x"), 'Q', 0, 0, 0, 5, 0),
		"proof of a hostile size":  append(startup("user", "x"), 'p', 0x7f, 0xff, 0xff, 0xff),
		"another mechanism":        append(startup("user", "x"), append([]byte{'p', 0, 0, 0, 14}, "PLAIN\x00\x00\x00\x00\x00"...)...),
	} {
		t.Run(name, func(t *testing.T) {
			c := p.raw(t)
			_, err := c.Write(in)
			must(t, err)
			if strings.HasPrefix(name, "encryption asked") {
				must(t, readN(c))
			}
			kind, body := answer(t, c)
			if kind == 'R' {
				kind, body = answer(t, c)
			}
			if kind != 'E' || !strings.Contains(body, "C08P01\x00") {
				t.Errorf("answered %q %q", kind, body)
			}
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Error("left open")
			}
		})
	}
	if n := p.gw.dials.Load(); n != 0 {
		t.Errorf("%d tunnels were opened", n)
	}
}

func readN(c net.Conn) error {
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// ATTACKS A2: each wrong secret is refused, ten a second, and after five somebody is told.
func TestWrongSecretsAreSlowedDownAndReported(t *testing.T) {
	p := serve(t, nil)
	wrong := strings.Replace(p.Endpoint().URL(), p.Endpoint().Password.Reveal(), strings.Repeat("x", 32), 1)
	begin := time.Now()
	var wg sync.WaitGroup
	for range 25 {
		wg.Go(func() {
			if err := connect(t, wrong); err == nil {
				t.Error("let in")
			}
		})
	}
	if e := p.next(t, localproxy.SecretRefused); e.Tries != 5 {
		t.Errorf("told after %d tries", e.Tries)
	}
	// The owner is let in meanwhile, without waiting for the turns of the others.
	owner := time.Now()
	must(t, connect(t, p.Endpoint().URL()))
	if d := time.Since(owner); d > time.Second {
		t.Errorf("the owner waited %v", d)
	}
	wg.Wait()
	if d := time.Since(begin); d < 1400*time.Millisecond {
		t.Errorf("25 wrong secrets took %v, at 10 a second after the first 10 they take 1.5 s", d)
	}
	if n := p.gw.dials.Load(); n != 1 {
		t.Errorf("%d tunnels were opened, 1 is the owner's", n)
	}
}

func TestIdleSocketsDoNotKeepTheOwnerOut(t *testing.T) {
	p := serve(t, nil)
	for range 300 {
		p.raw(t)
	}
	must(t, connect(t, p.Endpoint().URL()))
}

// ATTACKS A18: the end closes every socket at once, also where nobody reads.
func TestTheEndClosesEverySocketAtOnce(t *testing.T) {
	dir := t.TempDir() + "/s"
	p := serve(t, func(o *localproxy.Options) { o.SocketDir = dir })
	var conns []net.Conn
	for range 20 {
		c := p.raw(t)
		_, err := c.Write(startup("user", "x", "database", "postgres"))
		must(t, err)
		for kind := byte(0); kind != 'Z'; {
			kind, _ = answer(t, c)
		}
		// Much comes back and is not read, so that every buffer on the way is full.
		query := "select repeat('x', 1000) from generate_series(1, 100000)\x00"
		_, err = c.Write(append(binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(4+len(query))), query...))
		must(t, err)
		conns = append(conns, c)
	}
	begin := time.Now()
	must(t, p.stop())
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("the end took %v", d)
	}
	for _, c := range conns {
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Error("a socket was left open")
		}
	}
	if _, err := os.Lstat(dir + "/.s.PGSQL.5432"); !os.IsNotExist(err) {
		t.Errorf("the socket's file is still there: %v", err)
	}
}

// ATTACKS A1: behind a Unix socket the peer's uid counts, even where the file system would let others in.
func TestAnotherUserIsRefusedAtTheSocket(t *testing.T) {
	dir := t.TempDir() + "/s"
	p := serve(t, func(o *localproxy.Options) { o.SocketDir = dir })
	st, err := os.Stat(dir)
	must(t, err)
	sock, err := os.Lstat(p.Endpoint().Socket)
	must(t, err)
	if st.Mode().Perm() != 0o700 || sock.Mode().Perm() != 0o600 {
		t.Fatalf("modes %v and %v", st.Mode(), sock.Mode())
	}
	if os.Getuid() != 0 {
		return // only root can be two users in one test; the modes above are what keeps the others out
	}
	for d := dir; d != "/tmp" && d != "/"; d = d[:strings.LastIndex(d, "/")] {
		must(t, os.Chmod(d, 0o755))
	}
	must(t, os.Chmod(p.Endpoint().Socket, 0o666))
	cmd := exec.CommandContext(t.Context(), "psql", "-XAtw", "-c", "select 1")
	cmd.Dir = "/"
	cmd.Env = append(p.env(), "HOME=/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "belongs to another user") {
		t.Fatalf("%s (%v)", out, err)
	}
	if n := p.gw.dials.Load(); n != 0 {
		t.Errorf("%d tunnels were opened", n)
	}
}

func TestAnUnknownKindIsRefused(t *testing.T) {
	_, err := localproxy.Listen(localproxy.Options{Connection: api.Connection{Kind: "mysql"}})
	wantCode(t, err, api.CodeUsage)
}
