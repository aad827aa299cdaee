package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// forBroker, forGateway and forPolicy give each part the half of a connection that is its business.
func forBroker(list []config.Connection) (out []broker.Connection) {
	for _, c := range list {
		out = append(out, broker.Connection{Name: c.Name, Kind: c.Kind, Labels: c.Labels, Database: c.Database})
	}
	return out
}

func forGateway(list []config.Connection) (out []gateway.Connection, err error) {
	for _, c := range list {
		conf, err := targetTLS(c)
		if err != nil {
			return nil, fmt.Errorf("connection %s: %w", c.Name, err)
		}
		out = append(out, gateway.Connection{
			Name: c.Name, Kind: c.Kind, Labels: c.Labels, Address: c.Address, Database: c.Database, TLS: conf,
			User: c.User, Sources: c.Sources, Principals: c.Principals, HostKeys: c.HostKeys, Env: c.Env, Input: c.Input,
			Base: c.Base, Request: c.Request, Slot: c.Slot, Impersonate: c.Impersonate, Assertion: c.Assertion,
			RawPaths: c.RawPaths, ShownCookies: c.ShownCookies,
		})
	}
	return out, nil
}

func forPolicy(list []config.Connection) (out []policy.Connection) {
	for _, c := range list {
		out = append(out, policy.Connection{Name: c.Name, Kind: c.Kind, Labels: c.Labels})
	}
	return out
}

// targetTLS is how a target is verified; nil is no TLS.
func targetTLS(c config.Connection) (*tls.Config, error) {
	if c.Kind == sshhost.Kind {
		return nil, nil // SSH encrypts, and its host keys are pinned
	}
	roots, err := pki.Roots(c.TLS.CAFile)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		host = "localhost" // a Unix socket's folder: PostgreSQL speaks no TLS there
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots}
	if c.Base != nil {
		conf.NextProtos = []string{"http/1.1"} // the gateway reads no other
	}
	switch c.TLS.Mode {
	case config.VerifyFull:
	case config.VerifyCA:
		conf.InsecureSkipVerify = true // the chain is verified below, the name is what this mode leaves out
		conf.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	case config.Require:
		conf.InsecureSkipVerify = true
	case config.Disable:
		return nil, nil
	default:
		return nil, fmt.Errorf("unknown TLS mode %q", c.TLS.Mode)
	}
	return conf, nil
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the target shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}

// providers makes what verifies tokens. It asks nobody yet.
func providers(ctx context.Context, list []config.Identity) (out []*identity.Provider, err error) {
	for _, id := range list {
		secret := ""
		if id.ClientSecret != nil {
			s, err := id.ClientSecret.Read(ctx)
			if err != nil {
				return nil, fmt.Errorf("identity provider %s: the client's secret: %w", id.Name, err)
			}
			secret = s.Reveal()
		}
		p, err := identity.NewProvider(id.Provider(secret))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
