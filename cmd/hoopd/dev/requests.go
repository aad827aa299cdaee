package dev

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// deviceRequest is a device flow under way (RFC 8628).
type deviceRequest struct {
	userCode string
	scopes   []string
	expires  time.Time
	subject  string // who approved it; "" nobody yet
	denied   bool
	at       time.Time
}

// StoreDeviceAuthorization keeps a new device flow.
func (s *storage) StoreDeviceAuthorization(_ context.Context, client, code, userCode string, expires time.Time, scopes []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetOld()
	if len(s.devices) >= maxRequests {
		return errMany
	}
	for _, d := range s.devices {
		if d.userCode == userCode {
			return op.ErrDuplicateUserCode
		}
	}
	s.devices[code] = &deviceRequest{userCode: userCode, scopes: known(scopes), expires: expires}
	return nil
}

// known drops scopes that the provider does not have, as RFC 6749 section 3.3 lets it.
func known(asked []string) []string {
	return slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(scopes(), s) })
}

// GetDeviceAuthorizatonState answers a poll. What was approved is given out once.
func (s *storage) GetDeviceAuthorizatonState(_ context.Context, client, code string) (*op.DeviceAuthorizationState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[code]
	if d == nil {
		return nil, errUnknown
	}
	state := &op.DeviceAuthorizationState{ClientID: client, Scopes: d.scopes, Expires: d.expires, Denied: d.denied}
	if d.subject != "" && time.Now().Before(d.expires) {
		state.Done, state.Subject, state.AuthTime = true, d.subject, d.at
		delete(s.devices, code)
	}
	return state, nil
}

// device finds a flow by the code that a person types.
func (s *storage) device(typed string) (deviceRequest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.find(typed); d != nil {
		return *d, true
	}
	return deviceRequest{}, false
}

func (s *storage) find(typed string) *deviceRequest {
	typed = plainCode(typed)
	for _, d := range s.devices {
		if typed != "" && plainCode(d.userCode) == typed && d.subject == "" && !d.denied && time.Now().Before(d.expires) {
			return d
		}
	}
	return nil
}

// plainCode leaves out what people type differently.
func plainCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(code))
}

// decide ends a device flow, by the account that approves it or, with "", by a denial.
func (s *storage) decide(typed, subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.find(typed)
	if d == nil {
		return false
	}
	d.subject, d.denied, d.at = subject, subject == "", time.Now()
	return true
}

// forgetOld drops what is over. mu is held.
func (s *storage) forgetOld() {
	now := time.Now()
	for code, d := range s.devices {
		// A little longer than it is good, so that the client hears that it expired.
		if now.After(d.expires.Add(time.Minute)) {
			delete(s.devices, code)
		}
	}
	for id, l := range s.logins {
		if now.After(l.expires) {
			delete(s.logins, id)
		}
	}
	for code, id := range s.codes {
		if s.logins[id] == nil {
			delete(s.codes, code)
		}
	}
}

// loginRequest is an authorization code flow under way.
type loginRequest struct {
	id      string
	request oidc.AuthRequest
	subject string
	at      time.Time
	expires time.Time
}

func (l *loginRequest) GetID() string                      { return l.id }
func (l *loginRequest) GetACR() string                     { return "" }
func (l *loginRequest) GetAMR() []string                   { return nil }
func (l *loginRequest) GetAudience() []string              { return []string{clientID} }
func (l *loginRequest) GetAuthTime() time.Time             { return l.at }
func (l *loginRequest) GetClientID() string                { return l.request.ClientID }
func (l *loginRequest) GetNonce() string                   { return l.request.Nonce }
func (l *loginRequest) GetRedirectURI() string             { return l.request.RedirectURI }
func (l *loginRequest) GetResponseType() oidc.ResponseType { return l.request.ResponseType }
func (l *loginRequest) GetResponseMode() oidc.ResponseMode { return l.request.ResponseMode }
func (l *loginRequest) GetScopes() []string                { return l.request.Scopes }
func (l *loginRequest) GetState() string                   { return l.request.State }
func (l *loginRequest) GetSubject() string                 { return l.subject }
func (l *loginRequest) Done() bool                         { return l.subject != "" }

func (l *loginRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if l.request.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: l.request.CodeChallenge, Method: l.request.CodeChallengeMethod}
}
