package grant

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	keyFile  = "grant-ca.key"
	certFile = "grant-ca.crt"
	caLife   = 10 * 365 * 24 * time.Hour
	maxFile  = 64 << 10
)

// LoadOrCreateAuthority reads the authority kept in dir, or makes one where there is none yet.
// It refuses a key that others can read, that is damaged, missing, or another than the
// certificate's; the error says which, and nothing is changed in dir.
func LoadOrCreateAuthority(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the grant authority's folder: %w", err)
	}
	keyPath, certPath := filepath.Join(dir, keyFile), filepath.Join(dir, certFile)
	keyPEM, keyErr := readPrivate(keyPath)
	certPEM, certErr := readRegular(certPath)
	noKey, noCert := errors.Is(keyErr, fs.ErrNotExist), errors.Is(certErr, fs.ErrNotExist)
	switch {
	case noKey && noCert:
		return create(keyPath, certPath)
	case noKey:
		return nil, fmt.Errorf("grant authority: %s is missing while %s exists: restore the key, or remove both to make a new authority", keyPath, certPath)
	case keyErr != nil:
		return nil, fmt.Errorf("grant authority: %w", keyErr)
	}
	key, err := parseKey(keyPath, keyPEM)
	if err != nil {
		return nil, err
	}
	if noCert {
		// The key is written first, so this is a creation that was cut short.
		return certify(key, certPath)
	}
	if certErr != nil {
		return nil, fmt.Errorf("grant authority: %w", certErr)
	}
	cert, err := parseCA(certPath, certPEM)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("grant authority: %s is not the key of %s: one of them was swapped", keyPath, certPath)
	}
	return &Authority{key: key, cert: cert, now: time.Now}, nil
}

func create(keyPath, certPath string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the grant authority's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the grant authority's key: %w", err)
	}
	if err := writeNew(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, err
	}
	return certify(key, certPath)
}

func certify(key *ecdsa.PrivateKey, certPath string) (*Authority, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "hoop grant authority " + serial.Text(36)[:8]},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the grant authority's certificate: %w", err)
	}
	if err := writeNew(certPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the grant authority's certificate: %w", err)
	}
	return &Authority{key: key, cert: cert, now: time.Now}, nil
}

func parseKey(path string, text []byte) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("grant authority: %s is truncated or not a PKCS #8 key in PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("grant authority: %s is damaged: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("grant authority: %s is not an ECDSA P-256 key", path)
	}
	return key, nil
}

func parseCA(path string, text []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("grant authority: %s is truncated or not a certificate in PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("grant authority: %s is damaged: %w", path, err)
	}
	if !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("grant authority: %s is not a certificate of an authority", path)
	}
	if time.Now().After(cert.NotAfter) {
		return nil, fmt.Errorf("grant authority: %s ended at %s", path, cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return cert, nil
}

// readPrivate reads a file that must belong to this user and be readable by nobody else.
func readPrivate(path string) ([]byte, error) {
	return read(path, func(info fs.FileInfo) error {
		if perm := info.Mode().Perm(); perm&0o077 != 0 {
			return fmt.Errorf("%s has mode %04o and can be read by others: set it to 0600 and consider the key known", path, perm)
		}
		return nil
	})
}

func readRegular(path string) ([]byte, error) {
	return read(path, func(info fs.FileInfo) error {
		if perm := info.Mode().Perm(); perm&0o022 != 0 {
			return fmt.Errorf("%s has mode %04o and can be written by others", path, perm)
		}
		return nil
	})
}

// read opens without following a link and checks the opened file, so that no
// exchange of the path between check and use can be of any use.
func read(path string, check func(fs.FileInfo) error) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			return nil, fmt.Errorf("%s is a symbolic link", path)
		}
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another user (uid %d)", path, stat.Uid)
	}
	if err := check(info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is too large for what it should hold", path)
	}
	return data, nil
}

// writeNew writes a file whole or not at all, and never over another.
func writeNew(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Link(tmp.Name(), path) // unlike a rename, a link fails where path exists
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
