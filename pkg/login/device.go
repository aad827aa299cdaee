package login

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Prompt is what a person needs to sign in on another device. All of it was checked: it prints, and the URL is safe to open.
type Prompt struct {
	URL      string // where to type the code
	Complete string // the same with the code in it; may be empty
	Code     string
	Expires  time.Time
}

// longestFlow bounds a device flow whose provider names no end.
const longestFlow = 15 * time.Minute

// SignIn has a person sign in at the provider: show is called once, then SignIn waits until the person is done.
// The sign-in is kept in the store, and its session returned.
func (s *Source) SignIn(ctx context.Context, p api.Provider, show func(Prompt)) (api.Session, error) {
	token, err := s.device(ctx, p, show)
	if err != nil {
		return api.Session{}, err
	}
	id, _ := token.Extra("id_token").(string)
	if id == "" {
		return api.Session{}, providerError(p, "it gave no ID token: the scope openid may be missing", nil)
	}
	session, err := s.opts.Broker.Login(ctx, api.LoginRequest{Provider: p.Name, IDToken: id, RefreshToken: token.RefreshToken})
	if err != nil {
		return api.Session{}, err
	}
	saved := Saved{Origin: s.opts.Origin, Issuer: p.Issuer, Provider: p.Name, Session: session}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = &saved
	if s.opts.Store == nil {
		return session, nil
	}
	return session, s.opts.Store.Begin(ctx, saved)
}

// device runs the flow of RFC 8628 up to the provider's tokens.
func (s *Source) device(ctx context.Context, p api.Provider, show func(Prompt)) (*oauth2.Token, error) {
	if p.Device != "provider" {
		return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("The provider %s has a sign-in that this client does not know.", p.Name),
			Hint: "A newer hoop may know it."}
	}
	endpoint, err := s.discover(ctx, p)
	if err != nil {
		return nil, err
	}
	conf := &oauth2.Config{ClientID: p.ClientID, Scopes: p.Scopes, Endpoint: endpoint}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.opts.HTTP)
	flow, err := conf.DeviceAuth(ctx)
	if err != nil {
		return nil, providerError(p, "it did not begin the sign-in", err)
	}
	if flow.Expiry.IsZero() || time.Until(flow.Expiry) > longestFlow {
		flow.Expiry = time.Now().Add(longestFlow)
	}
	flow.Interval = min(max(flow.Interval, 1), 60) // oauth2 panics on a negative one
	prompt, err := check(flow)
	if err != nil {
		return nil, providerError(p, err.Error(), nil)
	}
	show(prompt)
	return poll(ctx, conf, p, flow)
}

// poll waits for the person. A network that fails for a moment does not end the wait (RFC 8628, 3.5).
func poll(ctx context.Context, conf *oauth2.Config, p api.Provider, flow *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	for {
		token, err := conf.DeviceAccessToken(ctx, flow)
		if err == nil {
			return token, nil
		}
		var said *oauth2.RetrieveError
		var network net.Error
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !time.Now().Before(flow.Expiry), errors.As(err, &said) && said.ErrorCode == "expired_token":
			return nil, &api.Error{Code: api.CodeSignInNeeded, Message: "Nobody signed in in time.", Hint: "Run `hoop login` again.", Retryable: true}
		case errors.As(err, &said) && said.ErrorCode == "access_denied":
			return nil, &api.Error{Code: api.CodeSignInNeeded, Message: "The sign-in was refused at the provider.", Hint: "Run `hoop login` again."}
		case said == nil && errors.As(err, &network):
			flow.Interval = min(flow.Interval*2, 60)
		default:
			return nil, providerError(p, "it ended the sign-in", err)
		}
	}
}

// check refuses what must not be opened or shown.
func check(flow *oauth2.DeviceAuthResponse) (Prompt, error) {
	prompt := Prompt{URL: flow.VerificationURI, Complete: flow.VerificationURIComplete, Code: flow.UserCode, Expires: flow.Expiry}
	if err := safeURL(prompt.URL); err != nil {
		return Prompt{}, fmt.Errorf("it names a page to sign in that is not safe to open: %w", err)
	}
	if prompt.Complete != "" && safeURL(prompt.Complete) != nil {
		prompt.Complete = ""
	}
	if prompt.Code == "" || len(prompt.Code) > 64 || !prints(prompt.Code) {
		return Prompt{}, errors.New("its code can't be shown")
	}
	return prompt, nil
}

// safeURL admits https, and http to this machine.
func safeURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || !prints(text) || len(text) > 2048:
		return errors.New("not a URL")
	case u.Host == "" || u.User != nil || u.Opaque != "":
		return errors.New("not a plain address")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("neither https nor on this machine")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// prints tells whether a terminal shows s as it is, in one line.
func prints(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0
}

// providerError says what went wrong at a provider. Of the cause only the OAuth code is said: the rest is the
// provider's text.
func providerError(p api.Provider, message string, cause error) error {
	e := &api.Error{Code: api.CodeUnreachable, Message: fmt.Sprintf("Sign-in at %s: %s.", p.Issuer, message), Hint: "Try again; if it stays, ask who runs the provider.", Retryable: true}
	var said *oauth2.RetrieveError
	if errors.As(cause, &said) && said.ErrorCode != "" && prints(said.ErrorCode) {
		e.Message = strings.TrimSuffix(e.Message, ".") + " (" + said.ErrorCode + ")."
		return e
	}
	if cause == nil {
		return e
	}
	return fmt.Errorf("%w (%w)", e, cause)
}
