package sshhost_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// rawKeys are those of an opening, with the private one at hand.
func rawKeys(t testing.TB) (*tunnel.SSH, ed25519.PrivateKey) {
	t.Helper()
	visit, _ := keys(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	visit.Client = public
	return visit, private
}

func blobOf(t testing.TB, private ed25519.PrivateKey) []byte {
	t.Helper()
	public, err := ssh.NewPublicKey(private.Public())
	must(t, err)
	return public.Marshal()
}

// rawClient has exchanged keys with the gateway, and not signed in.
func rawClient(t testing.TB, change ...func(*gateway.Target)) (*session, *raw, ed25519.PrivateKey) {
	t.Helper()
	to := target(t)
	for _, f := range change {
		f(&to)
	}
	visit, private := rawKeys(t)
	s := attend(t, allowAll, to, visit)
	must(t, s.raw.SetDeadline(time.Now().Add(20*time.Second)))
	r, err := begin(s.raw, manner{})
	must(t, err)
	must(t, r.service())
	return s, r, private
}

// signedIn is a raw client that has signed in.
func signedIn(t testing.TB, change ...func(*gateway.Target)) (*session, *raw) {
	t.Helper()
	s, r, own := rawClient(t, change...)
	if got, err := r.sign(blobOf(t, own), own); got != 52 {
		t.Fatalf("not signed in: %d, %v", got, err)
	}
	return s, r
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return private
}

// ended waits for the end of a session.
func (s *session) ended() error {
	err := <-s.served
	s.served <- err
	return err
}

// Which key was asked for says nothing: only the one that signed counts, and it must be the opening's (CVE-2024-45337).
func TestOnlyTheKeyThatSignsCounts(t *testing.T) {
	var dialled atomic.Int64
	nowhere := rudeTarget(t, marshal(stranger(t)), func(net.Conn) { dialled.Add(1) })
	for name, try := range map[string]func(t *testing.T, r *raw, own, other ed25519.PrivateKey) byte{
		"the other one is asked for, the own one signs for it": func(t *testing.T, r *raw, own, other ed25519.PrivateKey) byte {
			got, _ := r.query("ssh-ed25519", blobOf(t, other))
			if got != 51 {
				t.Errorf("the other key would do: %d", got)
			}
			got, _ = r.sign(blobOf(t, other), own)
			return got
		},
		"the own one is asked for, the other one signs": func(t *testing.T, r *raw, own, other ed25519.PrivateKey) byte {
			got, _ := r.query("ssh-ed25519", blobOf(t, own))
			if got != 60 {
				t.Errorf("the own key would not do: %d", got)
			}
			got, _ = r.sign(blobOf(t, other), other)
			return got
		},
		"the own one is asked for, the other one signs for it": func(t *testing.T, r *raw, own, other ed25519.PrivateKey) byte {
			_, _ = r.query("ssh-ed25519", blobOf(t, own))
			got, _ := r.sign(blobOf(t, own), other)
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, r, own := rawClient(t, nowhere)
			if got := try(t, r, own, newKey(t)); got == 52 {
				t.Error("it signed in")
			}
			_ = r.Close()
			if s.ended() == nil {
				t.Error("it was served")
			}
		})
	}
	if dialled.Load() != 0 {
		t.Errorf("the host was dialled %d times", dialled.Load())
	}
	_, r, own := rawClient(t)
	if got, _ := r.query("ssh-ed25519", blobOf(t, newKey(t))); got != 51 {
		t.Errorf("another key would do: %d", got)
	}
	if got, err := r.sign(blobOf(t, own), own); got != 52 {
		t.Errorf("the own key does not sign in behind it: %d, %v", got, err)
	}
}

// There is one way to sign in, and it ends after a few tries.
func TestNoOtherMethodIsOfferedOrTaken(t *testing.T) {
	many := append(binary.BigEndian.AppendUint32(nil, 1<<31), make([]byte, 64)...) // so many mechanisms are announced
	for name, request := range map[string][]byte{
		"none":                 packet(50, "anybody", "ssh-connection", "none"),
		"password":             packet(50, "anybody", "ssh-connection", "password", false, "x"),
		"keyboard-interactive": packet(50, "anybody", "ssh-connection", "keyboard-interactive", "", ""),
		"hostbased":            packet(50, "anybody", "ssh-connection", "hostbased", "ssh-ed25519", "x", "host", "user", "x"),
		"gssapi-with-mic":      append(packet(50, "anybody", "ssh-connection", "gssapi-with-mic"), many...),
		"gssapi-keyex":         append(packet(50, "anybody", "ssh-connection", "gssapi-keyex"), many...),
		"nonsense":             packet(50, "anybody", "ssh-connection", "nonsense"),
	} {
		t.Run(name, func(t *testing.T) {
			s, r, _ := rawClient(t)
			tries := 0
			for {
				must(t, r.send(request))
				p, err := r.receive()
				if err != nil || p[0] == 1 {
					break
				}
				if !bytes.Equal(p, packet(51, "publickey", false)) {
					t.Fatalf("answered %q", p)
				}
				if tries++; tries > 4 {
					t.Fatal("it may go on for ever")
				}
			}
			if s.ended() == nil {
				t.Error("it was served")
			}
		})
	}
}
