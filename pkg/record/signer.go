package record

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// keyFile is the private key's name in the folder of a Signer.
const keyFile = "signing.key"

// Signer signs checkpoints. Its key is a secret: it prints REDACTED however it is printed.
type Signer struct {
	key     ed25519.PrivateKey
	id      [8]byte
	created time.Time
}

// NewSigner makes a Signer with a key that lives in memory alone.
func NewSigner() (*Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return signerOf(key, time.Now().UTC()), nil
}

// LoadOrCreateSigner reads the Ed25519 key that dir keeps for signing (mode 0600), or makes one, and sees to it that
// its public key stands in dir/keys.json. It refuses a key that others can read.
func LoadOrCreateSigner(dir string) (*Signer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key folder: %w", err)
	}
	name := filepath.Join(dir, keyFile)
	s, err := loadSigner(name)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = createSigner(name)
	}
	if err != nil {
		return nil, err
	}
	if err := publish(filepath.Join(dir, "keys.json"), s.Key()); err != nil {
		return nil, err
	}
	return s, nil
}

// Key is the public half, for keys.json and /v1/keys.
func (s *Signer) Key() Key {
	return Key{ID: hex.EncodeToString(s.id[:]), Public: s.key.Public().(ed25519.PublicKey), Created: s.created}
}

// Keys holds the Signer's own public key alone.
func (s *Signer) Keys() Keys { return Keys{Keys: []Key{s.Key()}} }

// String hides the key.
func (s *Signer) String() string { return "REDACTED" }

// GoString hides the key from %#v.
func (s *Signer) GoString() string { return "REDACTED" }

// Format hides the key from every verb, also where a Signer stands inside another value.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// MarshalText hides the key from JSON and YAML.
func (s *Signer) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// LogValue hides the key from slog.
func (s *Signer) LogValue() slog.Value { return slog.StringValue("REDACTED") }

func signerOf(key ed25519.PrivateKey, created time.Time) *Signer {
	return &Signer{key: key, id: keyID(key.Public().(ed25519.PublicKey)), created: created}
}

func keyID(public ed25519.PublicKey) [8]byte {
	sum := sha256.Sum256(public)
	return [8]byte(sum[:8])
}

func loadSigner(name string) (*Signer, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	if !info.Mode().IsRegular() || !private(info.Mode()) {
		return nil, fmt.Errorf("read signing key: %s must be a regular file that only its owner can read (chmod 600)", name)
	}
	if info.Size() > 4096 {
		return nil, fmt.Errorf("read signing key: %s is %d bytes long, which no key is", name, info.Size())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("read signing key: %s holds no PEM private key", name)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %s is no PKCS #8 key", name)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read signing key: %s is no Ed25519 key", name)
	}
	return signerOf(key, info.ModTime().UTC()), nil
}

// createSigner writes a new key beside its place and links it there, so that of two processes that start at once one
// key wins and both use it.
func createSigner(name string) (*Signer, error) {
	s, err := NewSigner()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, fmt.Errorf("encode signing key: %w", err)
	}
	temp, err := writeTemp(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return nil, fmt.Errorf("write signing key: %w", err)
	}
	defer os.Remove(temp)
	if err := os.Link(temp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write signing key: %w", err)
	}
	return loadSigner(name)
}

// writeTemp writes a synced 0600 file next to name and returns what it is called.
func writeTemp(name string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
