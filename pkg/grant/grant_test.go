package grant_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/grant"
)

func newAuthority(t testing.TB) *grant.Authority {
	t.Helper()
	a, err := grant.LoadOrCreateAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issue(t testing.TB, a *grant.Authority, id string, pub crypto.PublicKey) *x509.Certificate {
	t.Helper()
	text, err := a.Issue(id, pub, time.Now().Add(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(rest) != 0 {
		t.Fatal("not one PEM block")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAnIssuedCertificateVerifiesToItsGrantAndKey(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	leaf := issue(t, a, "gr_abc234defg", key.Public())
	h, err := grant.NewVerifier(a.Certificate()).Verify([]*x509.Certificate{leaf}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want, err := grant.KeyHash(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if h.GrantID != "gr_abc234defg" || h.KeyHash != want {
		t.Fatalf("handle %+v", h)
	}
	if got := time.Since(leaf.NotBefore); got < 29*time.Second || got > 40*time.Second {
		t.Errorf("back-dated by %s, not 30 s", got)
	}
	// What any other TLS library makes of it: good for clients, for nothing else.
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("as a client's certificate: %v", err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
		t.Error("it passes as a server's certificate")
	}
}

func TestACertificateIsValidOnlyWithinItsTime(t *testing.T) {
	a := newAuthority(t)
	leaf := issue(t, a, "gr_a", newKey(t).Public())
	v := grant.NewVerifier(a.Certificate())
	for at, ok := range map[time.Time]bool{
		leaf.NotBefore.Add(-time.Second): false, leaf.NotBefore: true,
		leaf.NotAfter.Add(-time.Second): true, leaf.NotAfter: false,
	} {
		if _, err := v.Verify([]*x509.Certificate{leaf}, at); (err == nil) != ok {
			t.Errorf("at %s: %v, want ok %v", at, err, ok)
		}
	}
}

func TestThePreviousAuthorityIsTrustedOnlyWhileItIsNamed(t *testing.T) {
	old, current := newAuthority(t), newAuthority(t)
	leaf := []*x509.Certificate{issue(t, old, "gr_a", newKey(t).Public())}
	if _, err := grant.NewVerifier(current.Certificate(), old.Certificate()).Verify(leaf, time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := grant.NewVerifier(current.Certificate()).Verify(leaf, time.Now()); err == nil {
		t.Error("the certificate of an authority that is no longer named passes")
	}
}

func TestAVerifierWithoutAnAuthorityRefusesEverything(t *testing.T) {
	leaf := issue(t, newAuthority(t), "gr_a", newKey(t).Public())
	for _, v := range []*grant.Verifier{{}, grant.NewVerifier(), grant.NewVerifier(nil)} {
		if _, err := v.Verify([]*x509.Certificate{leaf}, time.Now()); err == nil {
			t.Error("it passes")
		}
	}
}

func TestOnlyP256KeysAndGrantIDsAreSigned(t *testing.T) {
	a := newAuthority(t)
	later := time.Now().Add(time.Minute)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	for name, pub := range map[string]crypto.PublicKey{
		"P-384": p384.Public(), "RSA": rsaKey.Public(), "Ed25519": ed, "nil": nil,
		"nil pointer": (*ecdsa.PublicKey)(nil), "zero": &ecdsa.PublicKey{},
	} {
		if _, err := a.Issue("gr_a", pub, later); err == nil {
			t.Errorf("a %s key was signed", name)
		}
		if _, err := grant.KeyHash(pub); err == nil {
			t.Errorf("a %s key has a hash", name)
		}
	}
	for _, id := range []string{"", "gr/a", "gr_a?x", "GR_A", "gr a", "../x", "gr_a\n", string(make([]byte, 65))} {
		if _, err := a.Issue(id, newKey(t).Public(), later); err == nil {
			t.Errorf("the id %q was signed", id)
		}
	}
	if _, err := a.Issue("gr_a", newKey(t).Public(), time.Now().Add(-time.Second)); err == nil {
		t.Error("a certificate that is already over was signed")
	}
}
