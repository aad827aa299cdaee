// Package pki keeps hoopd's own certificate authorities and reloads certificates that were given to it.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 30 * 24 * time.Hour
	renewAt  = leafLife / 3 // of a leaf's age
	backdate = time.Hour    // for clients whose clock is behind
	maxFile  = 64 << 10
)

// Authority is one self-made certificate authority: a key (0600) and a certificate in a folder. Its servers' keys live
// in memory alone.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	path string
}

// LoadOrCreate reads the authority called name in dir, or makes one where there is none. A key that others can read is
// refused.
func LoadOrCreate(dir, name string) (*Authority, error) {
	keyPath, certPath := filepath.Join(dir, name+".key"), filepath.Join(dir, name+".crt")
	keyPEM, keyErr := ReadPrivate(keyPath)
	certPEM, certErr := os.ReadFile(certPath)
	noKey, noCert := errors.Is(keyErr, fs.ErrNotExist), errors.Is(certErr, fs.ErrNotExist)
	switch {
	case noKey && noCert:
		return create(keyPath, certPath, name)
	case noKey:
		return nil, fmt.Errorf("authority %s: %s is missing while %s exists: restore the key, or remove both to make a new authority", name, keyPath, certPath)
	case keyErr != nil:
		return nil, fmt.Errorf("authority %s: %w", name, keyErr)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %s: %w", name, keyPath, err)
	}
	if noCert { // the key is written first: this is a creation that was cut short
		return certify(key, certPath, name)
	}
	if certErr != nil {
		return nil, fmt.Errorf("authority %s: %w", name, certErr)
	}
	cert, err := parseCA(certPEM, key)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %s: %w", name, certPath, err)
	}
	return &Authority{key: key, cert: cert, path: certPath}, nil
}

func create(keyPath, certPath, name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	if err := writeNew(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return certify(key, certPath, name)
}

func certify(key *ecdsa.PrivateKey, path, name string) (*Authority, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "hoopd " + name + " " + serial.Text(36)[:8]},
		NotBefore: time.Now().Add(-backdate), NotAfter: time.Now().Add(caLife),
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority %s: %w", name, err)
	}
	if err := writeNew(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the authority %s: %w", name, err)
	}
	return &Authority{key: key, cert: cert, path: path}, nil
}

// Path is the certificate's file, for clients to trust.
func (a *Authority) Path() string { return a.path }

// PEM is the certificate.
func (a *Authority) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// Server answers a TLS configuration whose certificate has these names. It is made anew long before it ends.
func (a *Authority) Server(names ...string) *tls.Config {
	s := &served{authority: a, names: names}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.get}
}

// served is one server's certificate.
type served struct {
	authority *Authority
	names     []string

	mu   sync.Mutex
	leaf *tls.Certificate
	made time.Time
}

func (s *served) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.leaf != nil && now.Sub(s.made) < renewAt && !now.Before(s.made) {
		return s.leaf, nil
	}
	leaf, err := s.authority.issue(s.names, now)
	if err != nil {
		return nil, err
	}
	s.leaf, s.made = leaf, now
	return leaf, nil
}

func (a *Authority) issue(names []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a server's key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a server's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return serial.Add(serial, new(big.Int).Lsh(big.NewInt(1), 126)), nil
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is truncated or not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an ECDSA key")
	}
	return key, nil
}

func parseCA(text []byte, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is truncated or not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is damaged: %w", err)
	case !cert.IsCA:
		return nil, errors.New("it is not a certificate of an authority")
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, errors.New("its key is another: one of the two files was swapped")
	case time.Now().After(cert.NotAfter):
		return nil, fmt.Errorf("it ended at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return cert, nil
}

// ReadPrivate reads a small file that belongs to this user and that nobody else can read.
func ReadPrivate(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s has mode %04o and can be read by others: set it to 0600, and consider the key known", path, info.Mode().Perm())
	case !ok || int(stat.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%s belongs to another user", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than what it should hold", path)
	}
	return os.ReadFile(path)
}

// writeNew writes a file whole or not at all, and never over another.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
