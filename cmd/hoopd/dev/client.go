package dev

import (
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const scopeGroups = "groups"

func scopes() []string {
	return []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, scopeGroups, oidc.ScopeOfflineAccess}
}

// client is hoop at the provider: a native program without a secret, by device flow, or by authorization code with PKCE.
type client struct{}

// GetID is the client's id.
func (client) GetID() string { return clientID }

// RedirectURIs are loopback's, where the port does not count (RFC 8252, section 7.3).
func (client) RedirectURIs() []string {
	return []string{"http://127.0.0.1/callback", "http://localhost/callback"}
}

// PostLogoutRedirectURIs are none.
func (client) PostLogoutRedirectURIs() []string { return nil }

// ApplicationType is that of a program on the person's machine.
func (client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }

// AuthMethod is none, which makes PKCE required.
func (client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodNone }

// ResponseTypes are the code flow's alone.
func (client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// GrantTypes are those of people.
func (client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}
}

// LoginURL is the page that an authorization request goes to.
func (client) LoginURL(id string) string { return "/login?id=" + url.QueryEscape(id) }

// AccessTokenType is opaque, so that none can be taken for an ID token.
func (client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

// IDTokenLifetime is short: the broker exchanges the token at once.
func (client) IDTokenLifetime() time.Duration { return 10 * time.Minute }

// DevMode stays off: the rules for redirects hold here too.
func (client) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes restricts nothing.
func (client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

// RestrictAdditionalAccessTokenScopes restricts nothing.
func (client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

// IsScopeAllowed admits groups, the one scope that is not OpenID Connect's own.
func (client) IsScopeAllowed(scope string) bool { return scope == scopeGroups }

// IDTokenUserinfoClaimsAssertion puts the claims into the ID token, at refreshes too.
func (client) IDTokenUserinfoClaimsAssertion() bool { return true }

// ClockSkew is none on one machine.
func (client) ClockSkew() time.Duration { return 0 }
