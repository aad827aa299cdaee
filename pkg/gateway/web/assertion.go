package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// assertedFor is how long a service may take an assertion for good.
const assertedFor = time.Minute

// Asserter signs who a request is from (RFC 7519, ES256), for services that verify it with the public key.
type Asserter struct {
	issuer string
	point  []byte // the public key: 4, x, y
	id     string
	signer jose.Signer
}

// LoadOrCreateAsserter reads the key of a private folder (mode 0600), or makes one. It refuses a key that others can read.
func LoadOrCreateAsserter(dir, issuer string) (*Asserter, error) {
	name := filepath.Join(dir, "assertions.key")
	key, err := loadKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = createKey(name)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of assertions: %w", err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("the key of assertions: %w", err)
	}
	sum := sha256.Sum256(point)
	a := &Asserter{issuer: issuer, point: point, id: base64.RawURLEncoding.EncodeToString(sum[:12])}
	a.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: a.id}}, (&jose.SignerOptions{}).WithType("JWT"))
	return a, err
}

func loadKey(name string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 %s", name, name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key", name)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s holds no key of P-256", name)
	}
	return private, nil
}

func createKey(name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, errors.Join(err, f.Sync(), f.Close())
}

// Public is what services verify assertions with.
func (a *Asserter) Public() api.JWKS {
	return api.JWKS{Keys: []api.JWK{{
		Type: "EC", Curve: "P-256", X: base64.RawURLEncoding.EncodeToString(a.point[1:33]), Y: base64.RawURLEncoding.EncodeToString(a.point[33:]),
		ID: a.id, Algorithm: string(jose.ES256), Use: "sig",
	}}}
}

// String hides the key.
func (a *Asserter) String() string { return "REDACTED" }

// GoString hides the key from %#v.
func (a *Asserter) GoString() string { return "REDACTED" }

// asserted are the claims beside those of RFC 7519. Method and path are those of RFC 9449, so that an assertion that leaks is good for
// nothing else.
type asserted struct {
	Provider string   `json:"idp"` // who signed the person in; sub is that provider's
	User     string   `json:"user"`
	Groups   []string `json:"groups"`
	Type     string   `json:"type"`
	Method   string   `json:"htm"`
	Path     string   `json:"htu"`
}

// sign is an assertion of who is served, for one request.
func (a *Asserter) sign(t *gateway.Target, q *http1.Request, now time.Time) (string, error) {
	who := t.Subject
	return jwt.Signed(a.signer).Claims(jwt.Claims{
		Issuer: a.issuer, Subject: who.ID, Audience: jwt.Audience{t.Assertion.Audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertedFor)),
	}).Claims(asserted{who.Issuer, who.User, append([]string{}, who.Groups...), who.Type, q.Method, q.Path}).Serialize()
}
