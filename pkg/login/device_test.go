package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

const issuer = "https://idp.example.com"

// provider answers like an OpenID provider with a device endpoint. It is called in memory, so that time is synctest's.
type provider struct {
	meta    map[string]any
	device  map[string]any
	answers []any // of the token endpoint, in order; the last one stays
	polls   []time.Time
	forms   []url.Values
}

func newProvider(answers ...any) *provider {
	return &provider{
		meta:   map[string]any{"issuer": issuer, "device_authorization_endpoint": issuer + "/device", "token_endpoint": issuer + "/token"},
		device: map[string]any{"device_code": "canary-device", "user_code": "ABCD-EFGH", "verification_uri": issuer + "/code", "verification_uri_complete": issuer + "/code?c=ABCD", "expires_in": 600, "interval": 5},

		answers: answers,
	}
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	var answer any
	switch r.URL.String() {
	case issuer + "/.well-known/openid-configuration":
		answer = p.meta
	case issuer + "/device":
		answer = p.device
	case issuer + "/token":
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		p.polls, p.forms = append(p.polls, time.Now()), append(p.forms, r.PostForm)
		answer = p.answers[min(len(p.polls), len(p.answers))-1]
	default:
		return nil, fmt.Errorf("unexpected request to %s", r.URL)
	}
	if err, ok := answer.(error); ok {
		return nil, err
	}
	if code, ok := answer.(string); ok {
		answer = map[string]any{"error": code}
		w.WriteHeader(http.StatusBadRequest)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

var good = map[string]any{"access_token": "a", "token_type": "bearer", "id_token": "id.p.s", "refresh_token": "canary-provider"}

func (p *provider) signIn(ctx context.Context, b *broker, show func(login.Prompt)) error {
	s := login.NewSource(login.Options{Origin: origin, Broker: b, HTTP: &http.Client{Transport: p}})
	_, err := s.SignIn(ctx, api.Provider{Name: "corp", Kind: "oidc", Issuer: issuer, ClientID: "hoop", Scopes: []string{"openid", "groups"}, Device: "provider"}, show)
	return err
}

func TestTheDeviceFlowShowsTheCodeAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := newProvider("authorization_pending", "slow_down", "authorization_pending", good), &broker{life: time.Hour}
		begin := time.Now()
		var shown []login.Prompt
		must(t, p.signIn(t.Context(), b, func(pr login.Prompt) {
			if len(p.polls) != 0 {
				t.Error("shown after the first poll")
			}
			shown = append(shown, pr)
		}))
		if len(shown) != 1 || shown[0].Code != "ABCD-EFGH" || shown[0].URL != issuer+"/code" || shown[0].Complete != issuer+"/code?c=ABCD" {
			t.Errorf("shown %+v", shown)
		}
		var at []time.Duration
		for _, poll := range p.polls {
			at = append(at, poll.Sub(begin))
		}
		// Five seconds apart, ten after slow_down (RFC 8628, 3.5).
		if fmt.Sprint(at) != "[5s 10s 20s 30s]" {
			t.Errorf("polled at %v", at)
		}
		if got := p.forms[0]; got.Get("device_code") != "canary-device" || got.Get("client_id") != "hoop" {
			t.Errorf("polled with %v", got)
		}
		if len(b.logins) != 1 || b.logins[0] != (api.LoginRequest{Provider: "corp", IDToken: "id.p.s", RefreshToken: "canary-provider"}) {
			t.Errorf("the broker got %+v", b.logins)
		}
	})
}

func TestTheDeviceFlowEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*provider)
		code   string
	}{
		"expired by the clock":    {func(p *provider) { p.answers = []any{"authorization_pending"} }, api.CodeSignInNeeded},
		"expired by the provider": {func(p *provider) { p.answers = []any{"expired_token"} }, api.CodeSignInNeeded},
		"never expiring": {func(p *provider) {
			p.answers = []any{"authorization_pending"}
			delete(p.device, "expires_in")
		}, api.CodeSignInNeeded},
		"refused":           {func(p *provider) { p.answers = []any{"access_denied"} }, api.CodeSignInNeeded},
		"unknown error":     {func(p *provider) { p.answers = []any{"invalid_client"} }, api.CodeUnreachable},
		"no ID token":       {func(p *provider) { p.answers = []any{map[string]any{"access_token": "a", "token_type": "bearer"}} }, api.CodeUnreachable},
		"another issuer":    {func(p *provider) { p.meta["issuer"] = "https://evil.example.com" }, api.CodeUnreachable},
		"no device flow":    {func(p *provider) { delete(p.meta, "device_authorization_endpoint") }, api.CodeUnreachable},
		"plain token URL":   {func(p *provider) { p.meta["token_endpoint"] = "http://idp.example.com/token" }, api.CodeUnreachable},
		"no code":           {func(p *provider) { p.device["user_code"] = "" }, api.CodeUnreachable},
		"code with escapes": {func(p *provider) { p.device["user_code"] = "A\x1b]52;c;eA==\x07" }, api.CodeUnreachable},
		"code with bidi":    {func(p *provider) { p.device["user_code"] = "A\u202eB" }, api.CodeUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := newProvider(good), &broker{}
				c.change(p)
				wantCode(t, p.signIn(t.Context(), b, func(login.Prompt) {}), c.code)
				if len(b.logins) != 0 {
					t.Error("the broker was asked")
				}
			})
		})
	}
}

func TestAShortOutageDoesNotEndTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := newProvider(&net.OpError{Op: "dial", Err: errors.New("no route")}, "authorization_pending", good), &broker{life: time.Hour}
		must(t, p.signIn(t.Context(), b, func(login.Prompt) {}))
	})
}

func TestAHostileIntervalDoesNotCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, interval := range []int64{-1, 0, 1 << 60} {
			p, b := newProvider(good), &broker{life: time.Hour}
			p.device["interval"] = interval
			must(t, p.signIn(t.Context(), b, func(login.Prompt) {}))
		}
	})
}

func TestTheWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider("authorization_pending")
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := p.signIn(ctx, &broker{}, func(login.Prompt) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// ATTACKS A14: only pages that are safe to open are shown.
func TestOnlySafePagesAreShown(t *testing.T) {
	for uri, safe := range map[string]bool{
		"https://idp.example.com/code":          true,
		"http://127.0.0.1:5556/device":          true,
		"http://[::1]:5556/device":              true,
		"http://localhost:5556/device":          true,
		"http://idp.example.com/code":           false,
		"http://127.0.0.1.evil.test/":           false,
		"http://127.0.0.1@evil.test/":           false,
		"javascript:alert(1)":                   false,
		"file:///etc/passwd":                    false,
		"https://":                              false,
		"https:evil":                            false,
		"https://x\x1b[31m":                     false,
		"https://x\n":                           false,
		"https://x/\u202e":                      false,
		"":                                      false,
		"https://" + strings.Repeat("x", 1<<12): false,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newProvider(good)
			p.device["verification_uri"] = uri
			p.device["verification_uri_complete"] = uri
			shown := false
			err := p.signIn(t.Context(), &broker{life: time.Hour}, func(login.Prompt) { shown = true })
			if shown != safe || (err == nil) != safe {
				t.Errorf("%q: shown %v (%v)", uri, shown, err)
			}
		})
	}
}

func TestAProviderWithoutItsOwnDeviceFlowIsRefused(t *testing.T) {
	s := login.NewSource(login.Options{Origin: origin, Broker: &broker{}, HTTP: &http.Client{Transport: newProvider(good)}})
	_, err := s.SignIn(t.Context(), api.Provider{Name: "saml", Device: "broker"}, func(login.Prompt) {})
	wantCode(t, err, api.CodeUsage)
}

func TestErrorsSayNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(map[string]any{"error": "canary"}, "invalid_grant")
		err := p.signIn(t.Context(), &broker{}, func(login.Prompt) {})
		if err == nil || strings.Contains(err.Error(), "canary-device") {
			t.Errorf("got %v", err)
		}
	})
}
