package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// tryEvery bounds how often a provider that does not answer is asked again.
const tryEvery = 2 * time.Second

// discovered is what the provider's discovery document gave.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	userinfo bool
}

// discover returns the provider's metadata, fetching it once. Callers wait for one
// fetch instead of each making their own; a failed one is remembered for a moment.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	now := p.cfg.Now()
	if since := now.Sub(p.tried); !p.tried.IsZero() && since >= 0 && since < tryEvery {
		return nil, fmt.Errorf("discover %s: it did not answer a moment ago: %w", p.cfg.Issuer, ErrUnavailable)
	}
	found, err := p.fetch(ctx)
	if err != nil {
		p.tried = now
		return nil, err
	}
	p.found = found
	return found, nil
}

func (p *Provider) fetch(ctx context.Context) (*discovered, error) {
	// The library keeps this context's values for later calls; its end must not end those.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w: %w", p.cfg.Issuer, ErrUnavailable, err)
	}
	var doc struct {
		JWKS     string `json:"jwks_uri"`
		Userinfo string `json:"userinfo_endpoint"`
	}
	if err := provider.Claims(&doc); err != nil {
		return nil, fmt.Errorf("discover %s: %w: %w", p.cfg.Issuer, ErrUnavailable, err)
	}
	local := strings.HasPrefix(p.cfg.Issuer, "http://")
	for _, u := range []string{doc.JWKS, doc.Userinfo, provider.Endpoint().TokenURL} {
		if u == "" && u != doc.JWKS {
			continue
		}
		if err := checkURL(u, local); err != nil {
			return nil, fmt.Errorf("discover %s: %w: %w", p.cfg.Issuer, ErrUnavailable, err)
		}
	}
	keys := newKeySet(p.client, doc.JWKS, p.cfg.Now)
	return &discovered{
		provider: provider,
		verifier: oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{
			ClientID:             p.cfg.ClientID,
			SupportedSigningAlgs: algorithms(),
			SkipExpiryCheck:      true, // checked with our own skew, which the library does not have
		}),
		oauth: oauth2.Config{
			ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret,
			Endpoint: provider.Endpoint(), Scopes: p.cfg.Scopes,
		},
		userinfo: doc.Userinfo != "",
	}, nil
}
