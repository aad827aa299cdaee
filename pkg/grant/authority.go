package grant

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// backdate is how far a certificate's not-before lies in the past,
// for gateways whose clock is a little behind the broker's.
const backdate = 30 * time.Second

// An Authority signs grant certificates. It is safe for concurrent use.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	now  func() time.Time
}

// Certificate returns the authority's own certificate, which a Verifier is made of.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Issue signs a certificate that binds the P-256 key pub to the grant id until notAfter.
// It returns the certificate in PEM. An error means that no certificate was made.
func (a *Authority) Issue(id string, pub crypto.PublicKey, notAfter time.Time) ([]byte, error) {
	if !validID(id) {
		return nil, fmt.Errorf("issue a grant certificate: %q is not a grant id", id)
	}
	if err := checkKey(pub); err != nil {
		return nil, fmt.Errorf("issue a grant certificate for %s: %w", id, err)
	}
	now := a.now()
	if !notAfter.After(now) {
		return nil, fmt.Errorf("issue a grant certificate for %s: it would be over before it began", id)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "hoop grant"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  false,
		URIs:                  []*url.URL{{Scheme: "hoop", Host: "grant", Path: "/" + id}},
	}, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a grant certificate for %s: %w", id, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// checkKey refuses every key but a P-256 one whose point is on the curve.
func checkKey(pub crypto.PublicKey) error {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || key == nil || key.Curve != elliptic.P256() {
		return errors.New("the key is not an ECDSA P-256 public key")
	}
	if _, err := key.ECDH(); err != nil {
		return fmt.Errorf("the key is not a point of P-256: %w", err)
	}
	return nil
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}
