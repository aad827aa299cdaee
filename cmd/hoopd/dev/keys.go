package dev

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	keyFile  = "provider.key"
	clientID = "hoop"
)

// signingKey is the provider's: its tokens are signed with it, and its refresh tokens are sealed with a key from it.
type signingKey struct {
	key *ecdsa.PrivateKey
	id  string
}

// loadKey reads the provider's key from the state folder, or makes one.
func loadKey(dir string) (signingKey, error) {
	path := filepath.Join(dir, keyFile)
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return signingKey{}, err
		}
		text, err = readPrivate(path)
	}
	if err != nil {
		return signingKey{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return signingKey{}, fmt.Errorf("the provider's key %s is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return signingKey{}, fmt.Errorf("read the provider's key %s: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return signingKey{}, fmt.Errorf("the provider's key %s is not a P-256 key", path)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return signingKey{}, fmt.Errorf("name the provider's key: %w", err)
	}
	sum := sha256.Sum256(public)
	return signingKey{key: key, id: hex.EncodeToString(sum[:8])}, nil
}

func createKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the provider's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make the provider's key: %w", err)
	}
	return writePrivate(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// derive gives a key for another use, so that the signing key itself signs tokens alone.
func (k signingKey) derive(use string) ([32]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return [32]byte{}, fmt.Errorf("derive a key: %w", err)
	}
	return sha256.Sum256(append([]byte(use+"\x00"), der...)), nil
}

// ID, Algorithm, Use and Key are how zitadel's op publishes a key.
func (k signingKey) ID() string                         { return k.id }
func (k signingKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k signingKey) Use() string                        { return "sig" }
func (k signingKey) Key() any                           { return k.key.Public() }

// secretKey is the same key for signing.
type secretKey struct{ signingKey }

func (k secretKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k secretKey) Key() any                                    { return crypto.Signer(k.key) }

// mint makes an ID token of an account.
func (k signingKey) mint(issuer string, a Account, now time.Time, life time.Duration) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.key, KeyID: k.id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	claims := a.claims()
	claims["iss"], claims["sub"], claims["aud"], claims["azp"] = issuer, a.Name, []string{clientID}, clientID
	claims["iat"], claims["auth_time"], claims["exp"] = now.Unix(), now.Unix(), now.Add(life).Unix()
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// readPrivate reads a file that nobody else can read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o and can be read by others: chmod 600, and consider what is in it known", path, info.Mode().Perm())
	}
	if info.Size() > 64<<10 {
		return nil, fmt.Errorf("%s is larger than what it should hold", path)
	}
	return os.ReadFile(path)
}

// writePrivate writes a file whole or not at all, readable by its owner alone.
func writePrivate(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
