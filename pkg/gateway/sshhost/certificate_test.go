package sshhost_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
)

func TestACertificateOfAMinuteSignsInForItsPrincipalsAlone(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	authority := credential.NewSecret(string(pem.EncodeToMemory(block)))
	line, err := sshhost.AuthorityLine(authority)
	must(t, err)
	dir, err := os.MkdirTemp("", "hoop-sshd-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o711))
	host, err := sshd.Prepare(filepath.Join(dir, "host"), filepath.Join(dir, "key"))
	must(t, err)
	trusted := filepath.Join(dir, "authority.pub")
	must(t, os.WriteFile(trusted, []byte(line+"\n"), 0o644))
	port, err := freePort()
	must(t, err)
	other, err := host.Start(t.Context(), port, "TrustedUserCAKeys "+trusted)
	must(t, err)
	t.Cleanup(func() { must(t, other.Stop()) })
	for principal, want := range map[string]string{host.User: "hi\n", "somebody-else": ""} {
		s := open(t, allowAll, func(to *gateway.Target) {
			to.Address, to.HostKeys = other.Address(), []string{other.HostKey}
			to.Credential = credential.Login{User: host.User, Authority: authority, Principals: []string{principal}}
		})
		if got := s.run(t, "echo hi"); got.out != want {
			t.Errorf("for %s: %+v", principal, got)
		}
	}
	text, err := os.ReadFile(other.Log())
	must(t, err)
	if !strings.Contains(string(text), `hoop web-test for "dev"`) {
		t.Error("the host's log does not say for whom the certificate was")
	}
}
