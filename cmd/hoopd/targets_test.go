package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
)

// shown is a target's certificate and the file of who vouches for it.
func shown(t *testing.T, name string, until time.Duration) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until), DNSNames: []string{name},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestATargetsCertificateIsVerifiedAsItsModeSays(t *testing.T) {
	itself, trusted := shown(t, "db.internal", time.Hour)
	other, otherTrusted := shown(t, "other.internal", time.Hour)
	old, oldTrusted := shown(t, "db.internal", -time.Minute)
	for name, c := range map[string]struct {
		shows  tls.Certificate
		file   string
		passes string
	}{
		"itself":            {itself, trusted, "verify-full verify-ca require"},
		"of another name":   {other, otherTrusted, "verify-ca require"},
		"too old":           {old, oldTrusted, "require"},
		"nobody vouches it": {itself, otherTrusted, "require"},
	} {
		for _, mode := range []string{config.VerifyFull, config.VerifyCA, config.Require} {
			conf, err := targetTLS(config.Connection{Address: "db.internal:5432", TLS: config.TLS{Mode: mode, CAFile: c.file}})
			if err != nil {
				t.Fatal(err)
			}
			near, far := net.Pipe()
			go func() {
				_ = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{c.shows}}).Handshake()
				_ = far.Close()
			}()
			err = tls.Client(near, conf).Handshake()
			_ = near.Close()
			if want := slices.Contains(strings.Fields(c.passes), mode); (err == nil) != want {
				t.Errorf("%s, %s: %v", name, mode, err)
			}
		}
	}
	if conf, err := targetTLS(config.Connection{Address: "db.internal:5432", TLS: config.TLS{Mode: "prefer"}}); err == nil {
		t.Errorf("an unknown mode gives %+v", conf)
	}
}
