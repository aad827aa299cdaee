package broker_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
)

func TestAGrantIsGivenToWhoeverThePolicyReaches(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	connections, err := dev.Connections(t.Context())
	w.must(err)
	if len(connections) != 1 || connections[0].Name != "db-prod" || connections[0].TTL != 1800 {
		t.Fatalf("connections within reach: %+v", connections)
	}
	g, hash := w.grant(dev)
	if !g.ExpiresAt.Equal(g.CreatedAt.Add(30*time.Minute)) || g.Gateway == nil || g.Gateway.ServerName != "gw.test" {
		t.Fatalf("grant: %+v", g)
	}
	block, _ := pem.Decode([]byte(g.Certificate.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	w.must(err)
	handle, err := grant.NewVerifier(w.cfg.Authority.Certificate()).Verify([]*x509.Certificate{leaf}, time.Now())
	w.must(err)
	if handle.GrantID != g.ID || handle.KeyHash != hash {
		t.Fatalf("handle %+v for grant %s", handle, g.ID)
	}
	kept, err := w.broker.Grant(t.Context(), handle.GrantID, handle.KeyHash)
	w.must(err)
	if kept.Identity.User != "dev" || kept.Connection.Database != "app" || kept.Reason != "ticket 7" {
		t.Fatalf("the gateway reads %+v", kept)
	}
	if got := w.auditKinds(g.ID); len(got) != 1 || got[0] != "grant" {
		t.Fatalf("audit of the grant: %v", got)
	}
}

// C1: the certificate without its key, or with another, is of no use.
func TestAGrantWithAnotherKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	g, hash := w.grant(w.signIn("dev", "developers"))
	hash[0] ^= 1
	_, err := w.broker.Grant(t.Context(), g.ID, hash)
	wantCode(t, err, api.CodeDenied)
}
