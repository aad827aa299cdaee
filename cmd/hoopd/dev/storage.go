package dev

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	accessLife  = 5 * time.Minute
	refreshLife = 30 * 24 * time.Hour
	requestLife = 10 * time.Minute
	maxRequests = 1000 // sign-ins under way
)

var (
	errUnknown = errors.New("unknown or over")
	errMany    = errors.New("too many sign-ins are under way")
)

// storage is what zitadel's op asks for. Sign-ins under way are in memory. Refresh tokens carry their own state, sealed,
// so they outlive a restart; that one was used is not remembered, as a real provider would.
type storage struct {
	key     signingKey
	refresh [32]byte
	client  client

	mu      sync.Mutex
	devices map[string]*deviceRequest // by device code
	logins  map[string]*loginRequest  // by id
	codes   map[string]string         // code -> id of the login
}

var _ interface {
	op.Storage
	op.DeviceAuthorizationStorage
} = (*storage)(nil)

func newStorage(key signingKey, c client) (*storage, error) {
	refresh, err := key.derive("refresh tokens")
	if err != nil {
		return nil, err
	}
	return &storage{
		key: key, refresh: refresh, client: c,
		devices: map[string]*deviceRequest{}, logins: map[string]*loginRequest{}, codes: map[string]string{},
	}, nil
}

// refreshState is what a refresh token holds.
type refreshState struct {
	Subject  string    `json:"sub"`
	Scopes   []string  `json:"scopes"`
	AuthTime time.Time `json:"auth_time"`
	Expires  time.Time `json:"exp"`
}

func (r *refreshState) GetAMR() []string                 { return nil }
func (r *refreshState) GetAudience() []string            { return []string{clientID} }
func (r *refreshState) GetAuthTime() time.Time           { return r.AuthTime }
func (r *refreshState) GetClientID() string              { return clientID }
func (r *refreshState) GetScopes() []string              { return r.Scopes }
func (r *refreshState) GetSubject() string               { return r.Subject }
func (r *refreshState) SetCurrentScopes(scopes []string) { r.Scopes = scopes }

func (s *storage) sealRefresh(r refreshState) (string, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("make a refresh token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text)), nil
}

func (s *storage) mac(text string) []byte {
	h := hmac.New(sha256.New, s.refresh[:])
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s *storage) openRefresh(token string) (*refreshState, error) {
	text, tag, _ := strings.Cut(token, ".")
	got, err := base64.RawURLEncoding.DecodeString(tag)
	if err != nil || !hmac.Equal(got, s.mac(text)) {
		return nil, op.ErrInvalidRefreshToken
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, op.ErrInvalidRefreshToken
	}
	var r refreshState
	if err := json.Unmarshal(body, &r); err != nil || time.Now().After(r.Expires) {
		return nil, op.ErrInvalidRefreshToken
	}
	if _, ok := person(r.Subject); !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	return &r, nil
}

// CreateAccessToken gives an access token, which opens nothing but userinfo here.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(accessLife), nil
}

// CreateAccessAndRefreshTokens gives both, at sign-in and at each refresh.
func (s *storage) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, _ string) (string, string, time.Time, error) {
	now := time.Now()
	state := refreshState{Subject: r.GetSubject(), Scopes: r.GetScopes(), AuthTime: now, Expires: now.Add(refreshLife)}
	if timed, ok := r.(interface{ GetAuthTime() time.Time }); ok && !timed.GetAuthTime().IsZero() {
		state.AuthTime = timed.GetAuthTime()
	}
	token, err := s.sealRefresh(state)
	return rand.Text(), token, now.Add(accessLife), err
}

// TokenRequestByRefreshToken opens a refresh token.
func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	return s.openRefresh(token)
}

// GetRefreshTokenInfo says whose refresh token it is.
func (s *storage) GetRefreshTokenInfo(_ context.Context, _ string, token string) (string, string, error) {
	r, err := s.openRefresh(token)
	if err != nil {
		return "", "", err
	}
	return r.Subject, token, nil
}

// RevokeToken refuses: tokens carry their own state here, so none can be taken back.
func (s *storage) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrServerError().WithDescription("this development provider can't revoke tokens")
}

// TerminateSession ends nothing: the provider keeps no browser sessions.
func (s *storage) TerminateSession(context.Context, string, string) error { return nil }

// SigningKey is the one key.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return secretKey{s.key}, nil }

// SignatureAlgorithms are those of the one key.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet publishes the one key.
func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{s.key}, nil }

// GetClientByClientID knows the one client.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != clientID {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return s.client, nil
}

// AuthorizeClientIDSecret refuses: the one client has no secret.
func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return oidc.ErrInvalidClient().WithDescription("the client has no secret")
}

// SetUserinfoFromScopes puts an account's claims into an ID token.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, scopes []string) error {
	return fill(info, subject, scopes)
}

// SetUserinfoFromToken answers userinfo.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, _, subject, _ string) error {
	return fill(info, subject, scopes())
}

func fill(info *oidc.UserInfo, subject string, scopes []string) error {
	a, ok := account(subject)
	if !ok {
		return errUnknown
	}
	info.Subject = a.Name
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.PreferredUsername, info.Name = a.Name, a.Shown
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email, info.EmailVerified = a.Name+"@example.com", true
	}
	if slices.Contains(scopes, scopeGroups) {
		info.AppendClaims("groups", a.Groups)
	}
	return nil
}

// SetIntrospectionFromToken refuses: no resource server asks here.
func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown
}

// GetPrivateClaimsFromScopes adds nothing: access tokens are opaque.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{}, nil
}

// GetKeyByIDAndClientID refuses: the one client has no key.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown
}

// ValidateJWTProfileScopes refuses the JWT profile.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnknown
}

// Health has nothing that could be down.
func (s *storage) Health(context.Context) error { return nil }
