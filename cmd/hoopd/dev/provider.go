package dev

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

const maxForm = 16 << 10

// Provider is an ordinary OpenID Connect provider for development: no account has a password, so it is bound to loopback.
type Provider struct {
	issuer  string
	host    string
	storage *storage
	op      *op.Provider
	handler http.Handler
}

// NewProvider makes the provider of a state folder for an issuer, http://127.0.0.1:PORT.
func NewProvider(dir, issuer string) (*Provider, error) {
	u, err := url.Parse(issuer)
	if err != nil || !loopbackURL(u) {
		return nil, fmt.Errorf("the development provider is for loopback alone, not for %q", issuer)
	}
	key, err := loadKey(dir)
	if err != nil {
		return nil, err
	}
	s, err := newStorage(key, client{})
	if err != nil {
		return nil, err
	}
	crypt, err := key.derive("access tokens")
	if err != nil {
		return nil, err
	}
	p := &Provider{issuer: issuer, host: u.Host, storage: s}
	p.op, err = op.NewProvider(&op.Config{
		CryptoKey: crypt, CodeMethodS256: true, GrantTypeRefreshToken: true, SupportedScopes: scopes(),
		SupportedClaims: []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "azp", "preferred_username", "name", "email", "email_verified", "groups"},
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime: requestLife, PollInterval: time.Second, UserFormPath: "/device", UserCode: op.UserCodeBase20,
		},
	}, s, op.StaticIssuer(issuer), op.WithAllowInsecure(), op.WithCORSOptions(nil))
	if err != nil {
		return nil, fmt.Errorf("make the development provider: %w", err)
	}
	p.handler = p.routes()
	return p, nil
}

func loopbackURL(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && ip != nil && ip.IsLoopback() && u.Port() != "" && u.Path == ""
}

// routes puts the pages beside op's endpoints. A page of another origin reaches neither (DNS rebinding, form posts).
func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /device", p.devicePage)
	mux.HandleFunc("POST /device", p.deviceAccount)
	mux.HandleFunc("POST /device/confirm", p.deviceConfirm)
	mux.HandleFunc("GET /login", p.loginPage)
	mux.HandleFunc("POST /login", p.loginAccount)
	mux.Handle("/", p.op)
	pages := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != p.host {
			http.Error(w, "this is the development provider of "+p.issuer, http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		pages.ServeHTTP(w, r)
	})
}

// ServeHTTP serves the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Token makes an ID token of an account, for scripts and the self check.
func (p *Provider) Token(name string, life time.Duration) (string, error) {
	a, ok := account(name)
	if !ok {
		return "", fmt.Errorf("there is no sample account %q", name)
	}
	return p.storage.key.mint(p.issuer, a, time.Now(), life)
}
