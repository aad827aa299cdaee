package grant_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/grant"
)

// forger makes certificates with the authority's own key, as an attacker who got it to
// sign something else would have them: one deviation each.
type forger struct {
	t    *testing.T
	ca   *x509.Certificate
	key  crypto.Signer
	leaf *ecdsa.PrivateKey
}

func newForger(t *testing.T) *forger {
	t.Helper()
	dir := t.TempDir()
	a, err := grant.LoadOrCreateAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "grant-ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t, a.Certificate(), key.(crypto.Signer), newKey(t)}
}

func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, URIs: []*url.URL{{Scheme: "hoop", Host: "grant", Path: "/gr_a"}},
	}
}

func (f *forger) sign(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	f.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		f.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.t.Fatal(err)
	}
	return cert
}

func (f *forger) with(change func(*x509.Certificate)) []*x509.Certificate {
	f.t.Helper()
	tmpl := template()
	change(tmpl)
	return []*x509.Certificate{f.sign(tmpl, f.ca, f.leaf.Public(), f.key)}
}

// sans returns a change that sets the names to these raw GeneralNames.
func sans(t *testing.T, critical bool, names ...asn1.RawValue) func(*x509.Certificate) {
	t.Helper()
	value, err := asn1.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) {
		c.URIs = nil
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: critical, Value: value})
	}
}

func name(tag int, text string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(text)}
}

// C3: everything that is nearly a grant's certificate.
func TestWhatIsNotExactlyAGrantCertificateIsRefused(t *testing.T) {
	f := newForger(t)
	good := func(*x509.Certificate) {}
	uri := func(s string) func(*x509.Certificate) { return sans(t, false, name(6, s)) }
	usage := func(u ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	cases := map[string][]*x509.Certificate{
		"no name":               f.with(func(c *x509.Certificate) { c.URIs = nil }),
		"two URIs":              f.with(sans(t, false, name(6, "hoop://grant/gr_a"), name(6, "hoop://grant/gr_b"))),
		"DNS name too":          f.with(func(c *x509.Certificate) { c.DNSNames = []string{"gw.test"} }),
		"e-mail address too":    f.with(func(c *x509.Certificate) { c.EmailAddresses = []string{"a@b.test"} }),
		"IP address too":        f.with(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }),
		"registered id too":     f.with(sans(t, false, name(6, "hoop://grant/gr_a"), name(8, "\x2a\x03"))),
		"other name too":        f.with(sans(t, false, name(6, "hoop://grant/gr_a"), asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: []byte{6, 1, 42, 0xa0, 2, 5, 0}})),
		"DNS name of our form":  f.with(sans(t, false, name(2, "hoop://grant/gr_a"))),
		"other scheme":          f.with(uri("https://grant/gr_a")),
		"other host":            f.with(uri("hoop://session/gr_a")),
		"upper-case scheme":     f.with(uri("HOOP://grant/gr_a")),
		"port":                  f.with(uri("hoop://grant:1/gr_a")),
		"user":                  f.with(uri("hoop://x@grant/gr_a")),
		"no id":                 f.with(uri("hoop://grant/")),
		"path below":            f.with(uri("hoop://grant/gr_a/b")),
		"query":                 f.with(uri("hoop://grant/gr_a?x=1")),
		"fragment":              f.with(uri("hoop://grant/gr_a#x")),
		"escaped":               f.with(uri("hoop://grant/gr%5Fa")),
		"an authority":          f.with(func(c *x509.Certificate) { c.IsCA = true }),
		"no basic constraints":  f.with(func(c *x509.Certificate) { c.BasicConstraintsValid = false }),
		"may sign certificates": f.with(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }),
		"server's":              f.with(usage(x509.ExtKeyUsageServerAuth)),
		"client's and server's": f.with(usage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)),
		"any usage":             f.with(usage(x509.ExtKeyUsageAny)),
		"no usage":              f.with(usage()),
		"unknown usage too":     f.with(func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 9999}} }),
		"unknown critical": f.with(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 9999}, Critical: true, Value: []byte{5, 0}}}
		}),
		"over":                  f.with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }),
		"not yet":               f.with(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Second * 30) }),
		"the authority itself":  {f.ca},
		"nothing":               nil,
		"two":                   append(f.with(good), f.with(good)...),
		"with the authority":    append(f.with(good), f.ca),
		"P-384 key":             {f.sign(template(), f.ca, p384(t).Public(), f.key)},
		"Ed25519 key":           {f.sign(template(), f.ca, ed(t).Public(), f.key)},
		"SHA-512 signature":     f.with(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA512 }),
		"self-signed, our name": {f.selfSigned()},
		"under a leaf":          f.underLeaf(),
		"under an intermediate": f.underIntermediate(),
		"one bit of signature":  {f.flipped()},
	}
	v := grant.NewVerifier(f.ca)
	if _, err := v.Verify(f.with(good), time.Now()); err != nil {
		t.Fatalf("the undeviating one is refused, so the others prove nothing: %v", err)
	}
	if _, err := v.Verify(f.with(sans(t, true, name(6, "hoop://grant/gr_a"))), time.Now()); err != nil {
		t.Errorf("a critical list of names is ours to know: %v", err)
	}
	for what, peer := range cases {
		if h, err := v.Verify(peer, time.Now()); err == nil {
			t.Errorf("%s: passes as %+v", what, h)
		}
	}
}

func p384(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ed(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// selfSigned has the authority's subject as its own subject and issuer.
func (f *forger) selfSigned() *x509.Certificate {
	parent := *f.ca
	parent.PublicKey = f.leaf.Public()
	return f.sign(template(), &parent, f.leaf.Public(), f.leaf)
}

// underLeaf is signed by the key of a good grant certificate.
func (f *forger) underLeaf() []*x509.Certificate {
	parent := f.sign(template(), f.ca, f.leaf.Public(), f.key)
	leaf := f.sign(template(), parent, newKey(f.t).Public(), f.leaf)
	return []*x509.Certificate{leaf}
}

// underIntermediate is signed by an authority that the authority signed, and comes with it.
func (f *forger) underIntermediate() []*x509.Certificate {
	tmpl := template()
	tmpl.IsCA, tmpl.KeyUsage, tmpl.Subject = true, x509.KeyUsageCertSign, f.ca.Subject
	parent := f.sign(tmpl, f.ca, f.leaf.Public(), f.key)
	return []*x509.Certificate{f.sign(template(), parent, newKey(f.t).Public(), f.leaf), parent}
}

func (f *forger) flipped() *x509.Certificate {
	cert := f.sign(template(), f.ca, f.leaf.Public(), f.key)
	raw := bytes.Clone(cert.Raw)
	raw[len(raw)-1] ^= 1
	flipped, err := x509.ParseCertificate(raw)
	if err != nil {
		f.t.Fatal(err)
	}
	return flipped
}

// What is accepted was signed by the authority: no change of a signed certificate passes,
// but for the signature's own malleability.
func FuzzVerify(f *testing.F) {
	a := newAuthority(f)
	signed := issue(f, a, "gr_abc", newKey(f).Public())
	f.Add(signed.Raw)
	f.Add(a.Certificate().Raw)
	v := grant.NewVerifier(a.Certificate())
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		h, err := v.Verify([]*x509.Certificate{cert}, signed.NotBefore.Add(time.Second))
		if err != nil {
			if h != (grant.Handle{}) {
				t.Fatalf("refused, with the handle %+v", h)
			}
			return
		}
		if !bytes.Equal(cert.RawTBSCertificate, signed.RawTBSCertificate) || h.GrantID != "gr_abc" {
			t.Fatalf("a certificate that was never signed passes as %+v", h)
		}
	})
}
