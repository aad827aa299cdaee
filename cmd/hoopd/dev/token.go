package dev

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

const maxToken = 24 * time.Hour

// Token makes an ID token of an account, by the key of a state folder; hoopd dev need not run.
func Token(dir, name string, life time.Duration) (string, error) {
	if life <= 0 || life > maxToken {
		return "", fmt.Errorf("a token lives up to %s, not %s", maxToken, life)
	}
	a, ok := account(name)
	if !ok {
		var names []string
		for _, a := range Accounts() {
			names = append(names, a.Name)
		}
		return "", fmt.Errorf("there is no sample account %q: they are %s", name, strings.Join(names, ", "))
	}
	k, err := readKept(dir)
	if err != nil {
		return "", err
	}
	key, err := loadKey(dir)
	if err != nil {
		return "", err
	}
	return key.mint(issuerAt(k.Ports.Provider), a, time.Now(), life)
}

func keyPEM(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil // X509KeyPair refuses it
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
