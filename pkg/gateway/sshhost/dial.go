package sshhost

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// host is an authenticated connection to a target.
type host struct {
	ssh.Conn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
}

// errHostKey says that a host is not the one that was pinned.
var errHostKey = errors.New("the host's key is not pinned")

// dial connects and signs in. It says no more than its version before the host has proved to be a pinned one.
func dial(ctx context.Context, log *slog.Logger, t gateway.Target) (*host, error) {
	config, err := clientConfig(t)
	if err != nil {
		log.Error("connection can't be made", "connection", t.Connection.Name, "error", err)
		return nil, &api.Error{Code: api.CodeTargetDown, Message: "The gateway can't use what it has for this host.", Hint: "Ask who runs the gateway: its log says more."}
	}
	raw, err := (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, hostError(log, t, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn, channels, requests, err := ssh.NewClientConn(requireStrict(raw, strictServer), t.Address, config)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), conn.Close())
	}
	if err != nil {
		_ = raw.Close()
		return nil, hostError(log, t, err)
	}
	return &host{conn, channels, requests}, nil
}

func clientConfig(t gateway.Target) (*ssh.ClientConfig, error) {
	pinned, err := ParseHostKeys(t.HostKeys)
	if err != nil {
		return nil, err
	}
	method, err := authMethod(t)
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		Config: algorithms(), User: t.Credential.User, Auth: []ssh.AuthMethod{method}, ClientVersion: "SSH-2.0-hoop",
		HostKeyAlgorithms: hostKeyAlgorithms(pinned),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			for _, p := range pinned {
				if bytes.Equal(p.Marshal(), key.Marshal()) {
					return nil
				}
			}
			return fmt.Errorf("%w: %s %s", errHostKey, key.Type(), ssh.FingerprintSHA256(key))
		},
	}, nil
}

// leastRSA is the shortest RSA key that is taken, in bits.
const leastRSA = 2048

// ParseHostKeys reads keys as they stand in known_hosts, without names before them: "ssh-ed25519 AAAA…". There must be one
// at least.
func ParseHostKeys(texts []string) (keys []ssh.PublicKey, err error) {
	for _, text := range texts {
		key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
		switch {
		case err != nil || len(options) > 0 || len(rest) > 0:
			return nil, fmt.Errorf("%.40q is not a public key", text)
		case !slices.Contains(allowedHostKeys(), key.Type()):
			return nil, fmt.Errorf("a host key of type %s can't be pinned", key.Type())
		}
		if c, ok := key.(ssh.CryptoPublicKey); ok {
			if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < leastRSA {
				return nil, fmt.Errorf("an RSA key of %d bits is too short", r.N.BitLen())
			}
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no host key is pinned")
	}
	return keys, nil
}

func allowedHostKeys() []string {
	return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}
}

// hostKeyAlgorithms has the host prove itself with a key that is pinned, and never by SHA-1.
func hostKeyAlgorithms(pinned []ssh.PublicKey) (algorithms []string) {
	for _, key := range pinned {
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		algorithms = append(algorithms, key.Type())
	}
	return algorithms
}

// authMethod is the one way in which the gateway signs in to the host.
func authMethod(t gateway.Target) (ssh.AuthMethod, error) {
	c := t.Credential
	switch empty := (credential.Secret{}); {
	case c.Key != empty:
		signer, err := parseKey(c.Key)
		if err != nil {
			return nil, err
		}
		return ssh.PublicKeys(signer), nil
	case c.Authority != empty:
		signer, err := certified(t)
		if err != nil {
			return nil, err
		}
		return ssh.PublicKeys(signer), nil
	case c.Password != empty:
		return ssh.Password(c.Password.Reveal()), nil
	}
	return nil, errors.New("the connection has no credential")
}

// parseKey reads a private key. Its error does not hold what was read.
func parseKey(s credential.Secret) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey([]byte(s.Reveal() + "\n"))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, errors.New("the private key has a passphrase, which the gateway can't type")
	case err != nil:
		return nil, errors.New("the private key can't be read: it must be an OpenSSH or PEM file")
	}
	if signer.PublicKey().Type() != ssh.KeyAlgoRSA {
		return signer, nil
	}
	return ssh.NewSignerWithAlgorithms(signer.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
}

// Certificates hold from a little before they are made, for hosts whose clocks are slow, until a minute after.
const certifiedBefore, certifiedFor = 30 * time.Second, time.Minute

// certified makes a key for this connection alone, and has the authority certify it for a minute.
func certified(t gateway.Target) (ssh.Signer, error) {
	authority, err := parseKey(t.Credential.Authority)
	if err != nil {
		return nil, fmt.Errorf("the authority: %w", err)
	}
	if len(t.Credential.Principals) == 0 {
		return nil, errors.New("a certificate without principals would be good for every user")
	}
	for _, p := range t.Credential.Principals {
		if err := CheckPrincipal(p); err != nil {
			return nil, err
		}
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	cert := &ssh.Certificate{
		Key: signer.PublicKey(), CertType: ssh.UserCert, KeyId: fmt.Sprintf("hoop %s for %q", t.Connection.Name, t.User),
		ValidPrincipals: t.Credential.Principals,
		ValidAfter:      uint64(now.Add(-certifiedBefore).Unix()), ValidBefore: uint64(now.Add(certifiedFor).Unix()),
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": "", "permit-port-forwarding": "", "permit-agent-forwarding": "", "permit-X11-forwarding": ""}},
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return ssh.NewCertSigner(cert, signer)
}

// CheckPrincipal refuses what some server would read as more than one principal, or as a pattern.
func CheckPrincipal(p string) error {
	if p == "" || p[0] == '-' || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return fmt.Errorf("%.40q is no principal: they are of small letters, digits, dots, dashes and underscores", p)
	}
	return nil
}

// AuthorityLine is the public half of an authority, as sshd's TrustedUserCAKeys file holds it.
func AuthorityLine(s credential.Secret) (string, error) {
	signer, err := parseKey(s)
	if err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}

// hostError puts a failure to reach the host into words that hold neither the gateway's credential nor the address.
func hostError(log *slog.Logger, t gateway.Target, err error) *api.Error {
	log.Warn("host not reached", "connection", t.Connection.Name, "error", err)
	out := &api.Error{Code: api.CodeTargetDown, Message: "The host can't be reached.", Hint: "Try again; if it stays so, ask who runs the gateway: its log says more.", Retryable: true}
	switch {
	case errors.Is(err, errHostKey):
		out.Retryable = false
		out.Message = "The host shows a key that the gateway's configuration does not pin, so nothing was sent to it."
		out.Hint = "If the host was set up anew, an administrator puts its new key into host_keys; else somebody stands in between."
	case errors.Is(err, errNotStrict):
		out.Retryable = false
		out.Message, out.Hint = "The host's SSH server does not speak strict key exchange, so its connection could be tampered with.", "Its OpenSSH must be of version 9.6, or hold the fix for CVE-2023-48795."
	case errors.Is(err, context.DeadlineExceeded):
		out.Message = "The host did not answer in time."
	case strings.Contains(err.Error(), "unable to authenticate"):
		out.Retryable = false
		out.Message, out.Hint = "The host refused the gateway's credential.", "Ask who runs the gateway."
	}
	return out
}
