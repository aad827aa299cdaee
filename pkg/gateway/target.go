package gateway

import (
	"context"
	"crypto/tls"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// target is a connection's far end for one person. It reads the credential anew, so that a rotated one is taken up.
func (g *Gateway) target(ctx context.Context, c Connection, who policy.Subject) (Target, *api.Error) {
	t := Target{
		Connection: asked(c), Address: c.Address, Database: c.Database, TLS: c.TLS, HostKeys: c.HostKeys, Env: c.Env, Input: c.Input,
		User: who.User, Groups: who.Groups, Subject: who, Base: c.Base, Assertion: c.Assertion, RawPaths: c.RawPaths,
		ShownCookies: c.ShownCookies,
	}
	t.Credential.User, t.Credential.Principals = c.User, c.Principals
	t.Credential.Request, t.Credential.Slot = c.Request, c.Slot
	certificate, err := c.Read(ctx, &t.Credential)
	if err != nil {
		g.cfg.Log.Error("credential not read", "connection", c.Name, "error", err)
		return Target{}, &api.Error{Code: api.CodeTargetDown, Message: "The gateway has no credential for the target now.", Hint: "Ask who runs the gateway: its log says more."}
	}
	if certificate != nil {
		t.TLS = showing(t.TLS, certificate)
	}
	if t.Impersonation, err = c.Impersonate.As(who); err != nil {
		g.cfg.Log.Error("person not impersonated", "connection", c.Name, "error", err)
		return Target{}, &api.Error{Code: api.CodeDenied, Message: "The target can't be told who you are: " + err.Error() + ".", Hint: "Ask who runs the gateway: its configuration says how people are called there."}
	}
	t.ReadOnly = g.cfg.Policy().ReadOnly(who, t.Connection)
	return t, nil
}

// showing is a TLS configuration that shows a client's certificate, whatever authorities the target says it knows.
func showing(conf *tls.Config, certificate *tls.Certificate) *tls.Config {
	if conf == nil {
		return nil // the configuration allows no certificate without TLS
	}
	conf = conf.Clone()
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	return conf
}
