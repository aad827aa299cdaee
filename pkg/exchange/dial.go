package exchange

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"time"
)

// Dialer connects to the origin of base alone. Redirects are never followed, so nothing that a target says leads elsewhere.
func Dialer(base *url.URL, secure *tls.Config) func(context.Context) (net.Conn, error) {
	address := base.Host
	if base.Port() == "" {
		port := "443"
		if base.Scheme == "http" {
			port = "80"
		}
		address = net.JoinHostPort(base.Hostname(), port)
	}
	dialer := &net.Dialer{KeepAlive: 15 * time.Second}
	if secure == nil {
		return func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	}
	secure = secure.Clone()
	secure.NextProtos = []string{"http/1.1"}
	encrypted := &tls.Dialer{NetDialer: dialer, Config: secure}
	return func(ctx context.Context) (net.Conn, error) { return encrypted.DialContext(ctx, "tcp", address) }
}
