package sshhost

import (
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// errKey refuses a key that did not come with the tunnel's opening.
var errKey = errors.New("this key is not the connection's")

// serverConfig is that of one tunnel's client: one host key, and one client key, in one way. Both callbacks compare with
// the same key and write nothing down, so it does not matter in which order keys are asked for and used.
func serverConfig(keys *tunnel.SSH) (*ssh.ServerConfig, error) {
	if keys == nil || len(keys.Client) != ed25519.PublicKeySize || len(keys.Host) != ed25519.SeedSize {
		return nil, errors.New("the tunnel's opening has no keys for SSH")
	}
	client, err := ssh.NewPublicKey(ed25519.PublicKey(keys.Client))
	if err != nil {
		return nil, fmt.Errorf("read the client's key: %w", err)
	}
	host, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(keys.Host))
	if err != nil {
		return nil, fmt.Errorf("read the host key: %w", err)
	}
	want := client.Marshal()
	is := func(key ssh.PublicKey) error {
		if subtle.ConstantTimeCompare(key.Marshal(), want) != 1 {
			return errKey
		}
		return nil
	}
	c := &ssh.ServerConfig{
		Config:                  clientAlgorithms(),
		PublicKeyAuthAlgorithms: []string{ssh.KeyAlgoED25519},
		MaxAuthTries:            3,
		ServerVersion:           "SSH-2.0-hoop",
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return &ssh.Permissions{}, is(key)
		},
		VerifiedPublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey, p *ssh.Permissions, _ string) (*ssh.Permissions, error) {
			return p, is(key)
		},
	}
	c.AddHostKey(host)
	return c, nil
}

// clientAlgorithms are those that are offered to clients: also MACs over the plain text, which come last, for clients that do
// not speak strict key exchange.
func clientAlgorithms() ssh.Config {
	c := algorithms()
	c.MACs = append(c.MACs, ssh.HMACSHA256, ssh.HMACSHA512)
	return c
}

// algorithms are those that are offered to both sides. All of them are authenticated encryption, or encrypt before they
// authenticate, and none of them is broken; strict key exchange is asked for beside them.
func algorithms() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{
			ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384,
			ssh.KeyExchangeECDHP521, ssh.KeyExchangeDH16SHA512,
		},
		Ciphers: []string{
			ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
		},
		MACs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM},
	}
}
