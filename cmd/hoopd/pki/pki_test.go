package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
)

func leaf(t *testing.T, conf *tls.Config) *x509.Certificate {
	t.Helper()
	pair, err := conf.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestAServersCertificateIsGoodForItsNamesAlone(t *testing.T) {
	a, err := pki.LoadOrCreate(t.TempDir(), "https-ca")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(a.PEM()))
	cert := leaf(t, a.Server("127.0.0.1", "hoop.example.com"))
	for name, good := range map[string]bool{"127.0.0.1": true, "hoop.example.com": true, "other.example.com": false} {
		_, err := cert.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
		if good != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("a server's certificate passes for a client's")
	}
}

func TestAnAuthorityIsKept(t *testing.T) {
	dir := t.TempDir()
	first, err := pki.LoadOrCreate(dir, "gateway-ca")
	if err != nil {
		t.Fatal(err)
	}
	again, err := pki.LoadOrCreate(dir, "gateway-ca")
	if err != nil || again.PEM() != first.PEM() {
		t.Fatalf("the second start has another authority (%v)", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "gateway-ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's mode is %v (%v)", info.Mode(), err)
	}
}

func TestAKeyThatIsNotPrivateOrNotItsOwnIsRefused(t *testing.T) {
	spoil := map[string]func(dir string) error{
		"can be read by others": func(dir string) error { return os.Chmod(filepath.Join(dir, "a.key"), 0o640) },
		"is missing":            func(dir string) error { return os.Remove(filepath.Join(dir, "a.key")) },
		"not PEM":               func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.key"), []byte("x"), 0o600) },
		"swapped": func(dir string) error {
			if _, err := pki.LoadOrCreate(dir, "b"); err != nil {
				return err
			}
			return os.Rename(filepath.Join(dir, "b.crt"), filepath.Join(dir, "a.crt"))
		},
		"not a regular file": func(dir string) error {
			if err := os.Rename(filepath.Join(dir, "a.key"), filepath.Join(dir, "k")); err != nil {
				return err
			}
			return os.Symlink(filepath.Join(dir, "k"), filepath.Join(dir, "a.key"))
		},
	}
	for want, do := range spoil {
		dir := t.TempDir()
		if _, err := pki.LoadOrCreate(dir, "a"); err != nil {
			t.Fatal(err)
		}
		if err := do(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := pki.LoadOrCreate(dir, "a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// pair writes a certificate of a fresh authority with its key.
func pair(t *testing.T, cert, key string) {
	t.Helper()
	a, err := pki.LoadOrCreate(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Server("localhost").GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: p.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABrokenRenewalKeepsTheLastGoodCertificate(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c"), filepath.Join(t.TempDir(), "k")
	pair(t, cert, key)
	f, err := pki.LoadFiles(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := leaf(t, f.Server())
	pki.Look(f)
	if err := os.WriteFile(cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if now := leaf(t, f.Server()); !now.Equal(first) {
		t.Fatal("the certificate changed")
	}
	pair(t, cert, key)
	pki.Look(f)
	if now := leaf(t, f.Server()); now.Equal(first) {
		t.Fatal("a renewed certificate was not taken")
	}
}

func TestATLSKeyThatEverybodyCanReadIsRefused(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c"), filepath.Join(t.TempDir(), "k")
	pair(t, cert, key)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.LoadFiles(cert, key, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "everyone") {
		t.Fatalf("error: %v", err)
	}
}
