// Package identitytest is a real OpenID Connect issuer for tests: HTTPS, discovery, keys
// of every accepted kind, tokens, and a token endpoint that answers refreshes.
package identitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClientID is the audience of the tokens that an Issuer makes unless told otherwise.
const ClientID = "hoop"

// Issuer is a running issuer. What it answers can be changed while it runs.
type Issuer struct {
	URL   string
	Roots *x509.CertPool

	mu       sync.Mutex
	keys     map[jose.SignatureAlgorithm]crypto.Signer
	kid      int
	down     bool
	fetches  int
	refresh  map[string]string         // refresh token -> subject
	users    map[string]map[string]any // subject -> claims of its next tokens
	userinfo bool                      // refreshes give no ID token
	document map[string]any            // replaces fields of the discovery document
	count    int
}

// firstRSA is the first RSA key of every issuer: making one takes longer than most tests.
// A test of two issuers that must not share a key rotates one of them.
var firstRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New starts an issuer that ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{refresh: map[string]string{}, users: map[string]map[string]any{}}
	rsaKey, err := firstRSA()
	if err != nil {
		t.Fatal(err)
	}
	i.setKeys(t, rsaKey)
	server := httptest.NewTLSServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	i.Roots = x509.NewCertPool()
	i.Roots.AddCert(server.Certificate())
	return i
}

// Rotate replaces all keys: tokens made before are no longer verified by what is published.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.setKeys(t, rsaKey)
}

func (i *Issuer) setKeys(t testing.TB, rsaKey *rsa.PrivateKey) {
	t.Helper()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kid++
	i.keys = map[jose.SignatureAlgorithm]crypto.Signer{
		jose.RS256: rsaKey, jose.RS384: rsaKey, jose.PS256: rsaKey, jose.ES256: ecKey, jose.EdDSA: edKey,
	}
}

// SetDown makes every request fail, or work again.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// SetDocument replaces fields of the discovery document.
func (i *Issuer) SetDocument(fields map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.document = maps.Clone(fields)
}

// AnswerByUserinfo makes refreshes give no ID token, so that claims come from userinfo alone.
func (i *Issuer) AnswerByUserinfo() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.userinfo = true
}

// KeyFetches returns how often the published keys were asked for.
func (i *Issuer) KeyFetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// RSAPublicKey returns the public half of the current RSA key.
func (i *Issuer) RSAPublicKey() *rsa.PublicKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[jose.RS256].Public().(*rsa.PublicKey)
}

// Claims returns the claims of a good token for subject, with more set or, where nil, removed.
func (i *Issuer) Claims(subject string, more map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": ClientID, "sub": subject,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range more {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

// Token returns an RS256 token of Claims(subject, more).
func (i *Issuer) Token(t testing.TB, subject string, more map[string]any) string {
	t.Helper()
	return i.Sign(t, jose.RS256, i.Claims(subject, more), nil)
}

// Sign returns a token of exactly these claims, signed with the current key for alg.
// header adds to the token's header.
func (i *Issuer) Sign(t testing.TB, alg jose.SignatureAlgorithm, claims map[string]any, header map[string]any) string {
	t.Helper()
	token, err := i.sign(alg, claims, header)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *Issuer) sign(alg jose.SignatureAlgorithm, claims, header map[string]any) (string, error) {
	i.mu.Lock()
	key, kid := i.keys[alg], i.keyID(alg)
	i.mu.Unlock()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid)
	for name, value := range header {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// Unsigned returns a token of this header and these claims with the given signature part.
func Unsigned(t testing.TB, header, claims map[string]any, signature string) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(header) + "." + part(claims) + "." + signature
}

func (i *Issuer) keyID(alg jose.SignatureAlgorithm) string {
	if alg == jose.PS256 || alg == jose.RS384 {
		alg = jose.RS256 // the same key
	}
	return fmt.Sprintf("%s-%d", alg, i.kid)
}

// HMAC returns an HS256 token whose secret is an RSA public key in PEM: the confusion of
// algorithms that a verifier must not fall for.
func HMAC(t testing.TB, key *rsa.PublicKey, claims map[string]any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := Unsigned(t, map[string]any{"alg": "HS256", "typ": "JWT"}, claims, "")
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(unsigned[:len(unsigned)-1]))
	return unsigned + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
