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
	trusted := filepath.Join(folder(t), "authority.pub")
	must(t, os.WriteFile(trusted, []byte(line+"\n"), 0o644))
	host, _ := anotherHost(t, "TrustedUserCAKeys "+trusted)
	for principal, want := range map[string]string{host.User: "hi\n", "somebody-else": ""} {
		s := open(t, allowAll, func(to *gateway.Target) {
			to.Address, to.HostKeys = host.Address(), []string{host.HostKey}
			to.Credential = credential.Login{User: host.User, Authority: authority, Principals: []string{principal}}
		})
		if got := s.run(t, "echo hi"); got.out != want {
			t.Errorf("for %s: %+v", principal, got)
		}
	}
	if !strings.Contains(logOf(t, host), `hoop web-test for "dev"`) {
		t.Error("the host's log does not say for whom the certificate was")
	}
}
