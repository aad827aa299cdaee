package localproxy_test

import (
	"context"
	"crypto/ed25519"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// sshProxy serves an SSH connection whose dial fails, and counts how often it is asked to.
func sshProxy(t *testing.T) (*localproxy.Proxy, *atomic.Int32, func()) {
	t.Helper()
	var dials atomic.Int32
	p, err := localproxy.Listen(localproxy.Options{
		Connection: api.Connection{Name: "web-1", Kind: "ssh"},
		Dial: func(context.Context, []byte) (tunnel.Conn, string, error) {
			dials.Add(1)
			return nil, "", &api.Error{Code: api.CodeUnreachable, Message: "no gateway"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx) }()
	end := func() { cancel(); <-done; done <- nil }
	t.Cleanup(end)
	return p, &dials, end
}

func TestAnSSHConnectionHasKeysOfItsOwnInAPrivateFolderThatGoesWithIt(t *testing.T) {
	p, _, end := sshProxy(t)
	e := p.Endpoint()
	dir := filepath.Dir(e.Config)
	for name, mode := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, e.Config: 0o600, filepath.Join(dir, "key"): 0o600} {
		if st, err := os.Stat(name); err != nil || st.Mode() != mode {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ssh.NewPublicKey(ed25519.PublicKey(p.SSH().Client))
	if err != nil || string(signer.PublicKey().Marshal()) != string(want.Marshal()) {
		t.Errorf("the key in the folder is not the one that the tunnel opens with (%v)", err)
	}
	if e.Line() != "ssh -F '"+e.Config+"' web-1" || len(e.Env()) != 2 || e.Env()[1].Value != "ssh -F '"+e.Config+"'" {
		t.Errorf("line %s, environment %v", e.Line(), e.Env())
	}
	end()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestOnlyWhatBeginsAsSSHReachesTheGateway(t *testing.T) {
	p, dials, _ := sshProxy(t)
	for first, want := range map[string]int32{"GET / HTTP/1.1\r\n\r\n": 0, "SSH-1.5-old\r\n": 0, "SSH-2.0-x\r\n": 1} {
		dials.Store(0)
		c, err := net.Dial("tcp", p.Endpoint().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		said, _ := io.ReadAll(io.LimitReader(c, 1000)) // it may end in a reset, as it is closed with bytes unread
		_ = c.Close()
		if dials.Load() != want || want == 1 && !strings.Contains(string(said), "no gateway") {
			t.Errorf("%q: dialled %d times, told %q", first, dials.Load(), said)
		}
	}
}
