package pki

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Roots reads a file of authorities in PEM. No file means the system's, which is nil.
func Roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM", path)
	}
	return roots, nil
}
