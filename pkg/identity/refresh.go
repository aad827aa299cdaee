package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Refreshed is what a provider said when it was asked again.
type Refreshed struct {
	// Identity is the provider's word of now, or nil where it gives none at a refresh:
	// the identity of the sign-in then stands.
	Identity *api.Identity
	IssuedAt time.Time
	// RefreshToken replaces the one that was used; it is empty where that one stays good.
	RefreshToken string
}

// Refresh asks the provider again, with the refresh token that it gave at sign-in, who
// the person behind subject is. An error that wraps ErrRefused means that the provider
// ended the sign-in; one that wraps ErrUnavailable says nothing about it.
func (p *Provider) Refresh(ctx context.Context, refreshToken, subject string) (Refreshed, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return Refreshed{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	source := found.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken, Expiry: time.Unix(1, 0)})
	token, err := source.Token()
	if err != nil {
		return Refreshed{}, refreshError(err)
	}
	out := Refreshed{}
	if token.RefreshToken != refreshToken {
		out.RefreshToken = token.RefreshToken
	}
	if raw, ok := token.Extra("id_token").(string); ok && raw != "" {
		if err := precheck(raw); err != nil {
			return Refreshed{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		fresh, err := p.verify(ctx, found, raw)
		if err != nil {
			return Refreshed{}, err
		}
		if fresh.Identity.Subject != subject {
			return Refreshed{}, fmt.Errorf("%w: the provider answers for another subject", ErrRefused)
		}
		out.Identity, out.IssuedAt = &fresh.Identity, fresh.IssuedAt
		return out, nil
	}
	if !found.userinfo {
		return out, nil
	}
	out.Identity, err = p.askUserinfo(ctx, found, token, subject)
	out.IssuedAt = p.cfg.Now()
	return out, err
}

// askUserinfo is for providers that give no ID token at a refresh (it is optional,
// OpenID Connect Core section 12.2).
func (p *Provider) askUserinfo(ctx context.Context, found *discovered, token *oauth2.Token, subject string) (*api.Identity, error) {
	info, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("ask for the user's claims: %w: %w", ErrUnavailable, err)
	}
	if info.Subject != subject {
		return nil, fmt.Errorf("%w: the provider answers for another subject", ErrRefused)
	}
	var payload json.RawMessage
	if err := info.Claims(&payload); err != nil {
		return nil, fmt.Errorf("ask for the user's claims: %w: %w", ErrUnavailable, err)
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return nil, fmt.Errorf("ask for the user's claims: %w: %w", ErrUnavailable, err)
	}
	if _, names := claims[p.cfg.UsernameClaim]; !names {
		return nil, nil // userinfo of this provider doesn't name people: what is known stands
	}
	if _, has := claims[p.cfg.GroupsClaim]; p.cfg.GroupsClaim != "" && !has {
		return nil, nil
	}
	id, err := p.identify(maps.Clone(claims))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return &id, nil
}

// refusals are the codes (RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6) that speak of
// this sign-in. The rest speak of us or of the provider's state, and end nobody's sign-in.
var refusals = []string{"invalid_grant", "access_denied", "login_required", "interaction_required", "consent_required"}

// refreshError tells a provider that said no from one that could not be asked.
func refreshError(err error) error {
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && slices.Contains(refusals, said.ErrorCode) {
		// The body may repeat the token, so only the code is kept.
		return fmt.Errorf("%w: the provider refused the refresh (%s)", ErrRefused, said.ErrorCode)
	}
	return fmt.Errorf("refresh the sign-in: %w", ErrUnavailable)
}
