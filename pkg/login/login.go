// Package login is the client's side of signing in: the device flow of RFC 8628, the tokens of workloads,
// and the store in which a sign-in outlives its process.
//
// A sign-in belongs to one broker, by its origin, and to one provider, by its issuer; it is never sent to another.
package login

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Broker is what signing in needs of the broker. None of it takes a sign-in.
type Broker interface {
	// Login exchanges a provider's ID token for a session.
	Login(ctx context.Context, r api.LoginRequest) (api.Session, error)
	// Refresh exchanges a refresh token, which is used up by it even when the answer is lost.
	Refresh(ctx context.Context, refreshToken string) (api.Session, error)
}

// Options say whose sign-in a Source is about.
type Options struct {
	Origin   string       // of the broker: scheme, host and port
	Broker   Broker       // speaks to Origin
	HTTP     *http.Client // speaks to providers; it must not follow redirects
	Store    *Store       // nil keeps the sign-in in memory
	Workload *Workload    // where a token comes from without a person; nil: from nowhere
}

// Source gives the access tokens of one sign-in. It is safe for concurrent use.
type Source struct {
	opts Options

	mu   sync.Mutex
	kept *Saved
}

// Saved is a sign-in as it is kept.
type Saved struct {
	Origin   string      `json:"origin"`
	Issuer   string      `json:"issuer"`
	Provider string      `json:"provider"`
	Session  api.Session `json:"session"`
}

// early is how long before its end a token is no longer used: a request may be on its way for a while.
const early = 30 * time.Second

// NewSource makes a Source. It reads nothing yet.
func NewSource(o Options) *Source { return &Source{opts: o} }

// Token returns an access token that is good for at least a few seconds, refreshed if need be.
// The error is an *api.Error with api.CodeSignInNeeded where only a new sign-in helps. It never asks anybody.
func (s *Source) Token(ctx context.Context) (string, error) {
	saved, err := s.Current(ctx)
	if err != nil {
		return "", err
	}
	return saved.Session.AccessToken, nil
}

// Current is Token with all that is known about the sign-in.
func (s *Source) Current(ctx context.Context) (Saved, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept != nil && fresh(s.kept.Session) {
		return *s.kept, nil
	}
	if s.opts.Workload != nil {
		return s.exchange(ctx)
	}
	saved, err := s.load()
	if err != nil {
		return Saved{}, err
	}
	if !fresh(saved.Session) {
		if saved, err = s.refresh(ctx); err != nil {
			return Saved{}, err
		}
	}
	s.kept = &saved
	return saved, nil
}

func fresh(s api.Session) bool { return time.Until(s.ExpiresAt) > early }

// load reads the store, or what this process holds where there is none.
func (s *Source) load() (Saved, error) {
	if s.opts.Store == nil {
		if s.kept == nil {
			return Saved{}, needed("There is no sign-in.")
		}
		return *s.kept, nil
	}
	saved, err := s.opts.Store.Load(s.opts.Origin)
	if errors.Is(err, ErrNone) {
		return Saved{}, needed("There is no sign-in at " + s.opts.Origin + ".")
	}
	return saved, err
}

// refresh renews the sign-in. Of several processes that come at once, one does it and the others read the result:
// a refresh token that comes twice looks stolen and ends the whole sign-in.
func (s *Source) refresh(ctx context.Context) (Saved, error) {
	if s.opts.Store != nil {
		unlock, err := s.opts.Store.Lock(ctx, s.opts.Origin)
		if err != nil {
			return Saved{}, err
		}
		defer unlock()
	}
	saved, err := s.load()
	if err != nil || fresh(saved.Session) {
		return saved, err
	}
	if saved.Session.RefreshToken == "" || !time.Now().Before(saved.Session.RefreshExpiresAt) {
		return Saved{}, needed("The sign-in is over.")
	}
	renewed, err := s.opts.Broker.Refresh(ctx, saved.Session.RefreshToken)
	if err != nil {
		return Saved{}, err
	}
	saved.Session = renewed
	if s.opts.Store == nil {
		return saved, nil
	}
	return saved, s.opts.Store.Save(saved)
}

// exchange trades a workload's token, which is never stored.
func (s *Source) exchange(ctx context.Context) (Saved, error) {
	token, err := s.opts.Workload.Token(ctx)
	if err != nil {
		return Saved{}, err
	}
	session, err := s.opts.Broker.Login(ctx, api.LoginRequest{IDToken: token})
	if err != nil {
		return Saved{}, err
	}
	session.RefreshToken = ""
	s.kept = &Saved{Origin: s.opts.Origin, Issuer: session.Identity.Issuer, Session: session}
	return *s.kept, nil
}

// SignOut forgets the sign-in on this machine. The broker is told by who calls this, before.
func (s *Source) SignOut() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = nil
	if s.opts.Store == nil {
		return nil
	}
	return s.opts.Store.Delete(s.opts.Origin)
}

func needed(message string) *api.Error {
	return &api.Error{Code: api.CodeSignInNeeded, Message: message, Hint: "Run `hoop login`."}
}
