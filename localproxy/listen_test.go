package localproxy_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func wantCode(t testing.TB, err error, code string) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return e
}

func options() localproxy.Options {
	return localproxy.Options{Connection: api.Connection{Name: "db-prod", Kind: "postgres", Database: "app"}}
}

// ATTACKS A4: an asked-for port that is taken is an error, on either loopback address.
func TestATakenPortThatWasAskedForIsAnError(t *testing.T) {
	for _, network := range []string{"tcp4", "tcp6"} {
		address := "127.0.0.1:0"
		if network == "tcp6" {
			address = "[::1]:0"
		}
		taken, err := net.Listen(network, address)
		if err != nil && network == "tcp6" {
			t.Logf("no IPv6 here: %v", err)
			continue
		}
		must(t, err)
		o := options()
		o.Port = taken.Addr().(*net.TCPAddr).Port
		_, err = localproxy.Listen(o)
		wantCode(t, err, api.CodeListener)
		o.Port, o.Prefer = 0, o.Port
		p, err := localproxy.Listen(o)
		must(t, err)
		if p.Endpoint().Port == o.Prefer || p.Endpoint().Host != "127.0.0.1" {
			t.Errorf("listens on %v", p.Endpoint())
		}
		must(t, p.Close())
		must(t, taken.Close())
	}
}

func TestAPreferredPortIsTakenWhenItIsFree(t *testing.T) {
	p, err := localproxy.Listen(options())
	must(t, err)
	o := options()
	o.Prefer = p.Endpoint().Port
	must(t, p.Close())
	p, err = localproxy.Listen(o)
	must(t, err)
	defer p.Close()
	if p.Endpoint().Port != o.Prefer {
		t.Errorf("listens on %d, %d was free", p.Endpoint().Port, o.Prefer)
	}
}

func TestEveryListenerHasItsOwnSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		p, err := localproxy.Listen(options())
		must(t, err)
		secret := p.Endpoint().Password.Reveal()
		must(t, p.Close())
		if len(secret) != 32 || seen[secret] || strings.Trim(secret, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("secret %q", secret)
		}
		seen[secret] = true
	}
}

// ATTACKS A11: whatever the umask, and never through a link or into what others can enter.
func TestTheSocketsDirectoryIsPrivate(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	base := t.TempDir()
	must(t, os.Mkdir(base+"/open", 0o755))
	must(t, os.Mkdir(base+"/real", 0o700))
	must(t, os.Symlink(base+"/real", base+"/link"))
	must(t, os.WriteFile(base+"/file", nil, 0o600))
	long := filepath.Join(base, strings.Repeat("x", 100))
	for _, dir := range []string{base + "/open", base + "/link", base + "/file", base + "/no/such", long} {
		o := options()
		o.SocketDir = dir
		_, err := localproxy.Listen(o)
		if e := wantCode(t, err, api.CodeListener); !strings.Contains(e.Message, dir) {
			t.Errorf("%q does not name %s", e.Message, dir)
		}
	}
	if os.Getuid() == 0 {
		must(t, os.Mkdir(base+"/theirs", 0o700))
		must(t, os.Chown(base+"/theirs", 65534, 65534))
		o := options()
		o.SocketDir = base + "/theirs"
		_, err := localproxy.Listen(o)
		wantCode(t, err, api.CodeListener)
	}
	o := options()
	o.SocketDir = base + "/fresh"
	p, err := localproxy.Listen(o)
	must(t, err)
	defer p.Close()
	for path, mode := range map[string]os.FileMode{o.SocketDir: 0o700, p.Endpoint().Socket: 0o600} {
		if st, err := os.Lstat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s is %v, want %v (%v)", path, st.Mode(), mode, err)
		}
	}
}

// ATTACKS A19: what a killed process left is taken over, what lives is not.
func TestAStaleSocketIsTakenOverAndALiveOneIsNot(t *testing.T) {
	o := options()
	o.SocketDir = t.TempDir() + "/s"
	first, err := localproxy.Listen(o)
	must(t, err)
	_, err = localproxy.Listen(o)
	wantCode(t, err, api.CodeListener)
	path := first.Endpoint().Socket
	must(t, os.Rename(path, path+".kept")) // closing must not remove it, as kill -9 does not
	must(t, first.Close())
	must(t, os.Rename(path+".kept", path))
	second, err := localproxy.Listen(o)
	must(t, err)
	must(t, second.Close())
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	_, err = localproxy.Listen(o)
	wantCode(t, err, api.CodeListener)
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Error("a file that is no socket was removed")
	}
}
