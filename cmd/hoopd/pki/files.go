package pki

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often files are looked at for a change.
const lookEvery = 2 * time.Second

// Files is a certificate with its key that somebody else renews.
type Files struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	looked time.Time
	stamp  string
	loaded *tls.Certificate
}

// LoadFiles reads a certificate and its key. They are read again when they change; what can't be read then leaves the
// last good pair in use, and is logged.
func LoadFiles(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, log: log, now: time.Now}
	info, err := os.Stat(key)
	if err != nil {
		return nil, fmt.Errorf("read the TLS key: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("the TLS key %s has mode %04o and can be read by everyone: chmod o= it, and consider the key known", key, info.Mode().Perm())
	}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// Server answers a TLS configuration with the certificate.
func (f *Files) Server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get}
}

func (f *Files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked) >= lookEvery {
		f.looked = now
		if f.changed() != f.stamp {
			if err := f.load(); err != nil {
				f.log.Error("changed TLS certificate not taken", "alert", "tls_reload_failed", "error", err)
			} else {
				f.log.Info("TLS certificate reloaded")
			}
		}
	}
	return f.loaded, nil
}

func (f *Files) load() error {
	stamp := f.changed()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("read the TLS certificate: %w", err)
	}
	f.loaded, f.stamp = &pair, stamp
	return nil
}

// changed is a text that differs when one of the files does.
func (f *Files) changed() string {
	text := ""
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			text += "missing;"
			continue
		}
		text += fmt.Sprintf("%d %d;", info.Size(), info.ModTime().UnixNano())
	}
	return text
}
