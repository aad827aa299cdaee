package localproxy

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// SSHKeys are the two keys of SSH connections: what a local program signs in with, and what the gateway shows as a host.
type SSHKeys struct{ client, host ed25519.PrivateKey }

// NewSSHKeys draws a pair.
func NewSSHKeys() (SSHKeys, error) {
	_, client, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SSHKeys{}, fmt.Errorf("make the local key: %w", err)
	}
	_, host, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return SSHKeys{}, fmt.Errorf("make the host key: %w", err)
	}
	return SSHKeys{client, host}, nil
}

// ParseSSHKeys reads what ClientFile and HostFile wrote.
func ParseSSHKeys(client, host []byte) (k SSHKeys, err error) {
	for text, into := range map[*[]byte]*ed25519.PrivateKey{&client: &k.client, &host: &k.host} {
		parsed, err := ssh.ParseRawPrivateKey(*text)
		if err != nil {
			return SSHKeys{}, errors.New("the file is no private key")
		}
		key, ok := parsed.(*ed25519.PrivateKey)
		if !ok {
			return SSHKeys{}, errors.New("the private key is not of type Ed25519")
		}
		*into = *key
	}
	return k, nil
}

// Opening is what a tunnel opens with.
func (k SSHKeys) Opening() *tunnel.SSH {
	return &tunnel.SSH{Client: k.client.Public().(ed25519.PublicKey), Host: k.host.Seed()}
}

// ClientFile is the client's private key as OpenSSH reads it from an IdentityFile.
func (k SSHKeys) ClientFile() ([]byte, error) { return encodeKey(k.client, "hoop") }

// HostFile is the host's private key in the same form.
func (k SSHKeys) HostFile() ([]byte, error) { return encodeKey(k.host, "hoop, the gateway's") }

// KnownHosts is the line by which OpenSSH knows the host key, under the name of a HostKeyAlias.
func (k SSHKeys) KnownHosts(alias string) ([]byte, error) {
	host, err := ssh.NewPublicKey(k.host.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the host key: %w", err)
	}
	return append([]byte(alias+" "), ssh.MarshalAuthorizedKey(host)...), nil
}

func encodeKey(key ed25519.PrivateKey, comment string) ([]byte, error) {
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}
