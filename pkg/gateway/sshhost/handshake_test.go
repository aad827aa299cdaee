package sshhost_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
)

func stranger(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return signer
}

// liar offers one key and signs with another.
type liar struct{ shows, signs ssh.Signer }

func (l liar) PublicKey() ssh.PublicKey { return l.shows.PublicKey() }
func (l liar) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return l.signs.Sign(r, data)
}

func TestOnlyTheKeyOfTheOpeningSignsIn(t *testing.T) {
	before := strings.Count(serverLog(t), "Connection from")
	for name, auth := range map[string]func(own ssh.Signer) []ssh.AuthMethod{
		"no method at all":            func(ssh.Signer) []ssh.AuthMethod { return nil },
		"a password":                  func(ssh.Signer) []ssh.AuthMethod { return []ssh.AuthMethod{ssh.Password("x")} },
		"another key":                 func(ssh.Signer) []ssh.AuthMethod { return []ssh.AuthMethod{ssh.PublicKeys(stranger(t))} },
		"the right key, badly signed": func(own ssh.Signer) []ssh.AuthMethod { return []ssh.AuthMethod{ssh.PublicKeys(liar{own, stranger(t)})} },
		"questions": func(ssh.Signer) []ssh.AuthMethod {
			return []ssh.AuthMethod{ssh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil })}
		},
		"a certificate of the right key": func(own ssh.Signer) []ssh.AuthMethod {
			cert := &ssh.Certificate{Key: own.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"anybody"}, ValidBefore: ssh.CertTimeInfinity}
			must(t, cert.SignCert(rand.Reader, own))
			signer, err := ssh.NewCertSigner(cert, own)
			must(t, err)
			return []ssh.AuthMethod{ssh.PublicKeys(signer)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			visit, own := keys(t)
			s := attend(t, allowAll, target(t), visit)
			if err := s.trySignIn(visit, hostKey(t, visit), auth(own)...); err == nil {
				t.Error("it signed in")
			}
			err := <-s.served
			s.served <- err
			if err == nil {
				t.Error("the gateway served it")
			}
		})
	}
	if now := strings.Count(serverLog(t), "Connection from"); now != before {
		t.Errorf("the host was dialled %d times", now-before)
	}
}

// A client that asks for other keys too gets no further with any but its own (CVE-2024-45337).
func TestKeysThatAreOnlyAskedForChangeNothing(t *testing.T) {
	visit, own := keys(t)
	s := attend(t, allowAll, target(t), visit)
	if err := s.trySignIn(visit, hostKey(t, visit), ssh.PublicKeys(stranger(t), own)); err != nil {
		t.Fatal(err)
	}
	if got := s.run(t, "echo hi"); got.out != "hi\n" {
		t.Errorf("%+v", got)
	}
	s = attend(t, allowAll, target(t), visit)
	if err := s.trySignIn(visit, hostKey(t, visit), ssh.PublicKeys(liar{own, stranger(t)}, stranger(t))); err == nil {
		t.Error("it signed in with a key that it only asked for")
	}
}

func TestTheGatewayProvesToBeTheOneOfTheTunnel(t *testing.T) {
	visit, own := keys(t)
	other, _ := keys(t)
	s := attend(t, allowAll, target(t), visit)
	if err := s.trySignIn(visit, hostKey(t, other), ssh.PublicKeys(own)); err == nil {
		t.Error("it showed another tunnel's key")
	}
}

func TestAPeerWithoutStrictKeyExchangeIsRefused(t *testing.T) {
	visit, _ := keys(t)
	s := attend(t, allowAll, target(t), visit)
	_, err := s.raw.Write(append([]byte("SSH-2.0-old\r\n"), kexInit("curve25519-sha256,ext-info-c")...))
	must(t, err)
	err = <-s.served
	s.served <- err
	if err == nil || !strings.Contains(err.Error(), "strict key exchange") {
		t.Errorf("the gateway says %v", err)
	}
}

// CVE-2023-48795: without strict key exchange a client is served only with what packets can't be cut out of.
func TestAClientWithoutStrictKeyExchangeIsServedWhereNothingCanBeCut(t *testing.T) {
	const gcm, ctr, chacha = "aes128-gcm@openssh.com", "aes128-ctr,aes192-ctr", "chacha20-poly1305@openssh.com"
	const plain, etm = "hmac-sha2-256,hmac-md5", "hmac-sha2-256-etm@openssh.com"
	for _, c := range []struct {
		in, out, macIn, macOut string
		served                 bool
	}{
		{gcm, gcm, etm, etm, true},
		{ctr, ctr, plain, plain, true},
		{"aes128-cbc," + ctr, ctr, "hmac-sha1," + plain, plain, true}, // what the gateway does not offer counts for nothing
		{chacha + "," + gcm, gcm, plain, plain, false},
		{gcm, chacha, plain, plain, false},
		{ctr, ctr, etm + "," + plain, plain, false},
		{ctr, ctr, plain, etm, false},
		{ctr, gcm, "hmac-sha1", "", false},
		{"aes128-cbc", "aes128-cbc", plain, plain, false},
		{"", "", "", "", false},
	} {
		packet := append([]byte("SSH-2.0-old\r\n"), kexInit("curve25519-sha256", c.in, c.out, c.macIn, c.macOut)...)
		if done, err := sshhost.LookAtClient(packet); done != c.served || (err == nil) != c.served {
			t.Errorf("%+v: %v, %v", c, done, err)
		}
		if done, err := sshhost.LookForStrict(packet, sshhost.StrictClient); done || err == nil {
			t.Errorf("a host with %+v is served", c)
		}
	}
}

func TestAHostIsNotServedUnlessItShowsAPinnedKey(t *testing.T) {
	for name, change := range map[string]func(*gateway.Target){
		"another key":  func(to *gateway.Target) { to.HostKeys = []string{marshal(stranger(t))} },
		"none at all":  func(to *gateway.Target) { to.HostKeys = nil },
		"what is none": func(to *gateway.Target) { to.HostKeys = []string{"ssh-ed25519 AAAA"} },
		"a certificate authority": func(to *gateway.Target) {
			to.HostKeys = []string{"cert-authority " + server.HostKey}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.Count(serverLog(t), "userauth-request")
			s := open(t, allowAll, change)
			got := s.run(t, "echo pinned-marker")
			if got.status != 126 || !strings.HasPrefix(got.errs, "hoop: ") {
				t.Errorf("%+v", got)
			}
			err := <-s.served
			s.served <- err
			var e *api.Error
			if !errors.As(err, &e) || e.Code != api.CodeTargetDown {
				t.Errorf("error %v", err)
			}
			if strings.Count(serverLog(t), "userauth-request") != before || strings.Contains(serverLog(t), "pinned-marker") {
				t.Error("the gateway tried to sign in")
			}
		})
	}
}

func TestAWrongCredentialIsToldWithoutIt(t *testing.T) {
	s := open(t, allowAll, func(to *gateway.Target) {
		to.Credential = credential.Login{User: server.User, Password: credential.NewSecret("canary-password")}
	})
	got := s.run(t, "echo hi")
	if got.status != 126 || !strings.Contains(got.errs, "refused the gateway's credential") || strings.Contains(got.errs+s.log.String(), "canary") {
		t.Errorf("%+v, log %s", got, s.log.String())
	}
}

func marshal(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}

func kexInit(names string, more ...string) []byte {
	type kexInitMsg struct {
		Cookie  [16]byte `sshtype:"20"`
		Kex     []string
		HostKey []string
		A, B    []string
		C, D    []string
		E, F    []string
		G, H    []string
		Follows bool
		Zero    uint32
	}
	m := kexInitMsg{Kex: strings.Split(names, ","), HostKey: []string{"ssh-ed25519"}}
	for i, list := range []*[]string{&m.A, &m.B, &m.C, &m.D} { // ciphers and MACs, of both directions
		if i < len(more) {
			*list = strings.Split(more[i], ",")
		}
	}
	payload := ssh.Marshal(m)
	padding := 8 - (5+len(payload))%8 + 8
	length := 1 + len(payload) + padding
	packet := append([]byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length), byte(padding)}, payload...)
	return append(packet, make([]byte, padding)...)
}

func TestEverythingButCommandsIsRefusedAndNeverSent(t *testing.T) {
	sent := since(t)
	s := open(t, allowAll)
	for _, kind := range []string{"direct-tcpip", "direct-streamlocal@openssh.com", "x11", "auth-agent@openssh.com", "tun@openssh.com", "nonsense", strings.Repeat("x", 2000)} {
		if ch, _, err := s.client.OpenChannel(kind, ssh.Marshal(struct {
			Host string
			Port uint32
			From string
			Back uint32
		}{"127.0.0.1", 22, "127.0.0.1", 1})); err == nil {
			t.Errorf("%.40s was opened", kind)
			_ = ch.Close()
		}
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "cancel-tcpip-forward", "nonsense"} {
		if ok, _, err := s.client.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: %v %v", kind, ok, err)
		}
	}
	for _, ask := range []func(*ssh.Session) error{
		func(x *ssh.Session) error { return x.Setenv("LD_PRELOAD", "/tmp/x.so") },
		func(x *ssh.Session) error { return x.Setenv("LANG", "../../tmp/x") },
		func(x *ssh.Session) error { return x.Setenv("PATH", "/tmp") },
		func(x *ssh.Session) error { return granted(x.SendRequest("x11-req", true, nil)) },
		func(x *ssh.Session) error { return granted(x.SendRequest("auth-agent-req@openssh.com", true, nil)) },
		func(x *ssh.Session) error { return granted(x.SendRequest("pty-req", true, []byte{0, 0, 0, 200})) },
		func(x *ssh.Session) error {
			return granted(x.SendRequest("signal", true, ssh.Marshal(struct{ S string }{"KILL"})))
		},
	} {
		x, err := s.client.NewSession()
		must(t, err)
		if err := ask(x); err == nil {
			t.Error("it was granted")
		}
		_ = x.Close()
	}
	for _, kind := range []string{"shell", "subsystem"} {
		ch, answers, err := s.client.OpenChannel("session", nil)
		must(t, err)
		must(t, granted(ch.SendRequest(kind, true, ssh.Marshal(struct{ Name string }{"sftp"}))))
		status := byte(0)
		for req := range answers {
			if req.Type == "exit-status" {
				status = req.Payload[3]
			}
		}
		if status != 126 {
			t.Errorf("%s ended with %d", kind, status)
		}
	}
	log := sent()
	for _, never := range []string{"direct-tcpip", "tcpip-forward", "LD_PRELOAD", "req x11-req", "req auth-agent-req", "req subsystem", "req shell"} {
		if strings.Contains(log, never) {
			t.Errorf("the host's log has %s", never)
		}
	}
	if text := s.recording(t); strings.Count(text, `"type":"refused"`) < 11 || !strings.Contains(text, "(forward 127.0.0.1:22)") {
		t.Errorf("the recording lacks refusals: %s", text)
	}
}

func granted(ok bool, err error) error {
	if err == nil && !ok {
		return errors.New("refused")
	}
	return err
}
