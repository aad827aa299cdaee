package dev

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// CreateAuthRequest keeps a new authorization request. Without a challenge it is refused at once, not at its end.
func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with S256 is required")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetOld()
	if len(s.logins) >= maxRequests {
		return nil, errMany
	}
	l := &loginRequest{id: rand.Text(), request: *r, expires: time.Now().Add(requestLife)}
	s.logins[l.id] = l
	return l, nil
}

// AuthRequestByID finds a request.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	l, err := s.login(id)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// login answers a copy, which the pages and op read without the lock.
func (s *storage) login(id string) (*loginRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logins[id]
	if l == nil || time.Now().After(l.expires) {
		return nil, errUnknown
	}
	c := *l
	return &c, nil
}

// AuthRequestByCode finds a request by its code, which is used up by that.
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id, ok := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	if !ok {
		return nil, errUnknown
	}
	return s.AuthRequestByID(ctx, id)
}

// SaveAuthCode gives a request its code.
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logins[id] == nil {
		return errUnknown
	}
	s.codes[code] = id
	return nil
}

// DeleteAuthRequest forgets a request that gave its tokens.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.logins, id)
	return nil
}

// signIn says who signed in at a request's page.
func (s *storage) signIn(id, subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logins[id]
	if l == nil || l.subject != "" || time.Now().After(l.expires) {
		return false
	}
	l.subject, l.at = subject, time.Now()
	return true
}
