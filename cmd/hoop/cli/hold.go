package cli

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// held is a grant in this process's hands. Its key was made here and is never written.
type held struct {
	api.Grant
	broker *session
	client string // name and version of this program
	key    crypto.Signer
	target tunnel.Target
	ssh    *tunnel.SSH // of a connection of kind ssh

	renewing sync.Mutex
	cert     *tls.Certificate
	notAfter time.Time
	renewAt  time.Time
}

// ask asks for a grant.
func (s *session) ask(ctx context.Context, client string, in api.GrantRequest) (*held, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the grant's key: %w", err)
	}
	if in.PublicKey, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
		return nil, fmt.Errorf("encode the grant's key: %w", err)
	}
	g, err := s.CreateGrant(ctx, in)
	if err != nil {
		return nil, err
	}
	h := &held{Grant: g, broker: s, client: client, key: key}
	if g.Certificate == nil || g.Gateway == nil {
		return h, &api.Error{Code: api.CodeUnreachable, Message: "The broker's grant lacks what opens it.", Hint: "The broker may be of another version."}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(g.Gateway.CA)) {
		return h, &api.Error{Code: api.CodeUnreachable, Message: "The broker named no CA for the gateway.", Hint: "The broker may be of another version."}
	}
	h.target = tunnel.Target{Addresses: g.Gateway.Addresses, ServerName: g.Gateway.ServerName, Roots: roots}
	return h, h.take(*g.Certificate)
}

// take makes the key pair of a new certificate.
func (h *held) take(c api.Certificate) error {
	block, _ := pem.Decode([]byte(c.Certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return &api.Error{Code: api.CodeUnreachable, Message: "The broker's certificate can't be read.", Hint: "The broker may be of another version."}
	}
	h.cert = &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: h.key}
	h.notAfter, h.renewAt = c.NotAfter, c.RenewAfter
	return nil
}

// credential returns a certificate that is good now, renewed if need be. While the broker is away the old one is used
// to its end.
func (h *held) credential(ctx context.Context) (*tls.Certificate, error) {
	h.renewing.Lock()
	defer h.renewing.Unlock()
	if time.Now().Before(h.renewAt) {
		return h.cert, nil
	}
	renewed, err := h.broker.RenewCertificate(ctx, h.ID)
	if err == nil {
		err = h.take(renewed)
	}
	if err != nil && time.Now().Before(h.notAfter) {
		return h.cert, nil
	}
	return h.cert, err
}

// renewRetry is how long after a failed renewal the next is tried.
const renewRetry = 10 * time.Second

// keepFresh renews the certificate before it is needed, so that no local program waits for it.
func (h *held) keepFresh(ctx context.Context) {
	for {
		h.renewing.Lock()
		wait := max(time.Until(h.renewAt), renewRetry)
		h.renewing.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		// An error is the next dial's to tell, if it lasts.
		_, _ = h.credential(ctx)
	}
}

// dial opens a tunnel under the grant.
func (h *held) dial(ctx context.Context, first []byte) (tunnel.Conn, string, error) {
	c, answer, err := tunnel.Dial(ctx, h.target, h.credential, tunnel.Hello{Connection: h.Connection.Name, Client: h.client, SSH: h.ssh, First: first})
	return c, answer.Session, err
}

// endWithin bounds the last call: the grant ends by itself soon after in any case.
const endWithin = time.Second

// end gives the grant back. closed is how it had ended before, where it had: nobody may have heard of that here yet.
func (h *held) end(ctx context.Context) (closed *api.GrantEvent) {
	if h == nil || h.ID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	g, err := h.broker.EndGrant(ctx, h.ID, "hoop connect ended")
	var refused *api.Error
	if errors.As(err, &refused) && refused.Code == api.CodeLocked { // a lock ends all grants
		return &api.GrantEvent{Type: api.EventClosed, Code: api.EndingLocked, Message: refused.Message}
	}
	return g.Closed
}
