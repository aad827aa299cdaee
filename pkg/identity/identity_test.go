package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/identity/identitytest"
)

func newProvider(t testing.TB, i *identitytest.Issuer, change ...func(*identity.Config)) *identity.Provider {
	t.Helper()
	cfg := identity.Config{
		Name: "corp", Issuer: i.URL, ClientID: identitytest.ClientID, RootCAs: i.Roots,
		UsernameClaim: "name", GroupsClaim: "groups",
	}
	for _, c := range change {
		c(&cfg)
	}
	p, err := identity.NewProvider(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func person() map[string]any {
	return map[string]any{"name": "dev", "groups": []string{"developers", "oncall"}}
}

func TestAGoodTokenOfEachAcceptedAlgorithmGivesItsIdentity(t *testing.T) {
	i := identitytest.New(t)
	p := newProvider(t, i)
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		token, err := p.Verify(t.Context(), i.Sign(t, alg, i.Claims("sub-1", person()), nil))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		id := token.Identity
		if id.Issuer != i.URL || id.Subject != "sub-1" || id.User != "dev" || id.Type != identity.Human || id.Owner != nil ||
			!slices.Equal(id.Groups, []string{"developers", "oncall"}) || id.Claims["name"] != "dev" {
			t.Errorf("%s: %+v", alg, id)
		}
		if d := time.Until(token.ExpiresAt); d < 58*time.Minute || d > time.Hour {
			t.Errorf("%s: expires in %s", alg, d)
		}
	}
}

// B1, B2, B3, B5, B6, B7, B9, B11 and what lies next to them.
func TestATokenThatIsNotGoodIsRefused(t *testing.T) {
	i, foreign := identitytest.New(t), identitytest.New(t)
	p := newProvider(t, i)
	now := time.Now()
	with := func(more map[string]any) string {
		claims := person()
		for k, v := range more {
			claims[k] = v
		}
		return i.Token(t, "sub-1", claims)
	}
	good := i.Claims("sub-1", person())
	foreign.Rotate(t)
	asIfOurs := foreign.Sign(t, jose.RS256, good, map[string]any{"kid": "RS256-1"}) // a key id that we know
	cases := map[string]string{
		"nothing":                    "",
		"no token":                   "abc",
		"alg none":                   identitytest.Unsigned(t, map[string]any{"alg": "none"}, good, ""),
		"alg None":                   identitytest.Unsigned(t, map[string]any{"alg": "None"}, good, ""),
		"alg nOnE":                   identitytest.Unsigned(t, map[string]any{"alg": "nOnE", "typ": "JWT"}, good, "AAAA"),
		"RS256 without a signature":  identitytest.Unsigned(t, map[string]any{"alg": "RS256"}, good, ""),
		"alg as a list":              identitytest.Unsigned(t, map[string]any{"alg": []string{"RS256"}}, good, "AAAA"),
		"HS256 with our public key":  confused(t, i, good),
		"RS384, not in the list":     i.Sign(t, jose.RS384, good, nil),
		"signed by another issuer":   asIfOurs,
		"critical extension":         i.Sign(t, jose.RS256, good, map[string]any{"crit": []string{"x"}, "x": 1}),
		"access token by type":       i.Sign(t, jose.RS256, good, map[string]any{"typ": "at+jwt"}),
		"another audience":           with(map[string]any{"aud": "grafana"}),
		"no audience":                with(map[string]any{"aud": nil}),
		"audience that begins so":    with(map[string]any{"aud": "hoop2"}),
		"two audiences, no party":    with(map[string]any{"aud": []string{"hoop", "grafana"}}),
		"two audiences, other party": with(map[string]any{"aud": []string{"hoop", "grafana"}, "azp": "grafana"}),
		"our audience, other party":  with(map[string]any{"azp": "grafana"}),
		"issuer with a slash":        with(map[string]any{"iss": i.URL + "/"}),
		"issuer in capitals":         with(map[string]any{"iss": strings.ToUpper(i.URL)}),
		"no issuer":                  with(map[string]any{"iss": nil}),
		"expired 61 s ago":           with(map[string]any{"exp": now.Add(-62 * time.Second).Unix()}),
		"no expiry":                  with(map[string]any{"exp": nil}),
		"expiry as text":             with(map[string]any{"exp": "tomorrow"}),
		"expiry beyond all times":    with(map[string]any{"exp": 1e300}),
		"issued ahead":               with(map[string]any{"iat": now.Add(90 * time.Second).Unix()}),
		"no time of issue":           with(map[string]any{"iat": nil}),
		"valid only later":           with(map[string]any{"nbf": now.Add(90 * time.Second).Unix()}),
		"no subject":                 with(map[string]any{"sub": nil}),
		"empty subject":              with(map[string]any{"sub": ""}),
		"no user name":               with(map[string]any{"name": nil}),
		"user name as a list":        with(map[string]any{"name": []string{"root"}}),
		"user name with an escape":   with(map[string]any{"name": "dev\x1b[2J"}),
		"user name turned around":    with(map[string]any{"name": "dev\u202Etoor"}),
		"user name with spaces":      with(map[string]any{"name": " root"}),
		"user name too long":         with(map[string]any{"name": strings.Repeat("x", 300)}),
		"groups as an object":        with(map[string]any{"groups": map[string]any{"dba": true}}),
		"a group as a number":        with(map[string]any{"groups": []any{"developers", 7}}),
		"groups left out":            with(map[string]any{"groups": nil, "_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://x.test"}}}),
		"larger than 16 KiB":         with(map[string]any{"pad": strings.Repeat("x", 17<<10)}),
		"five parts":                 "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAA.AAAA.AAAA",
		"a million dots":             strings.Repeat(".", 10_000),
		"JSON serialization":         `{"payload":"e30","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AAAA"}`,
		"one changed letter":         changed(with(nil)),
	}
	if _, err := p.Verify(t.Context(), with(nil)); err != nil {
		t.Fatalf("the good one is refused, so the others prove nothing: %v", err)
	}
	for what, token := range cases {
		got, err := p.Verify(t.Context(), token)
		if !errors.Is(err, identity.ErrRefused) {
			t.Errorf("%s: got %+v, %v; want a refusal", what, got.Identity, err)
		}
		if got.Identity.User != "" {
			t.Errorf("%s: refused, with the identity %+v", what, got.Identity)
		}
	}
}

// confused signs with HMAC, the secret being our published RSA key in PEM.
func confused(t *testing.T, i *identitytest.Issuer, claims map[string]any) string {
	t.Helper()
	return identitytest.HMAC(t, i.RSAPublicKey(), claims)
}

func changed(token string) string {
	at := strings.IndexByte(token, '.') + 10
	flip := byte('A')
	if token[at] == flip {
		flip = 'B'
	}
	return token[:at] + string(flip) + token[at+1:]
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	i := identitytest.New(t)
	p := newProvider(t, i)
	now := time.Now()
	for what, claims := range map[string]map[string]any{
		"expired 50 s ago": {"exp": now.Add(-50 * time.Second).Unix()},
		"issued 50 s away": {"iat": now.Add(50 * time.Second).Unix(), "nbf": now.Add(50 * time.Second).Unix()},
	} {
		claims["name"] = "dev"
		if _, err := p.Verify(t.Context(), i.Token(t, "sub-1", claims)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// B3: the token's own word on where its key is counts for nothing, but does not harm a good one.
func TestKeysNamedInTheTokenAreIgnored(t *testing.T) {
	i, attacker := identitytest.New(t), identitytest.New(t)
	p := newProvider(t, i)
	attacker.Rotate(t)
	jwk := jose.JSONWebKey{Key: attacker.RSAPublicKey(), KeyID: "x"}
	header := map[string]any{"jku": attacker.URL + "/keys", "x5u": attacker.URL + "/x", "jwk": jwk, "kid": "RS256-1"}
	claims := i.Claims("sub-1", person())
	if _, err := p.Verify(t.Context(), attacker.Sign(t, jose.RS256, claims, header)); !errors.Is(err, identity.ErrRefused) {
		t.Errorf("the attacker's token: %v", err)
	}
	if n := attacker.KeyFetches(); n > 0 {
		t.Errorf("the attacker's keys were fetched %d times", n)
	}
	if _, err := p.Verify(t.Context(), i.Sign(t, jose.RS256, claims, map[string]any{"jku": attacker.URL})); err != nil {
		t.Errorf("a good token with such a header: %v", err)
	}
}

// B4: tokens with unknown key ids make one request in 30 s, however many they are.
func TestUnknownKeyIDsDoNotFloodTheIssuer(t *testing.T) {
	i := identitytest.New(t)
	now := time.Now()
	p := newProvider(t, i, func(c *identity.Config) { c.Now = func() time.Time { return now } })
	if _, err := p.Verify(t.Context(), i.Token(t, "sub-1", person())); err != nil {
		t.Fatal(err)
	}
	before := i.KeyFetches()
	for _, kid := range []string{"../../dev/null", "' OR 1=1 --", strings.Repeat("k", 4000), "a", "b", "c"} {
		token := i.Sign(t, jose.RS256, i.Claims("sub-1", person()), map[string]any{"kid": kid})
		if _, err := p.Verify(t.Context(), token); !errors.Is(err, identity.ErrRefused) {
			t.Errorf("kid %.20q: %v", kid, err)
		}
	}
	if n := i.KeyFetches() - before; n > 1 {
		t.Errorf("%d requests for keys, want one at most", n)
	}
}

// B21: a new key is taken at once, a withdrawn one is not for longer than five minutes.
func TestRotatedKeys(t *testing.T) {
	i := identitytest.New(t)
	now := time.Now()
	p := newProvider(t, i, func(c *identity.Config) { c.Now = func() time.Time { return now } })
	long := person()
	long["exp"] = now.Add(48 * time.Hour).Unix()
	old := i.Token(t, "sub-1", long)
	if _, err := p.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate(t)
	now = now.Add(31 * time.Second)
	if _, err := p.Verify(t.Context(), i.Token(t, "sub-1", person())); err != nil {
		t.Errorf("the new key: %v", err)
	}
	now = now.Add(5 * time.Minute)
	if _, err := p.Verify(t.Context(), old); !errors.Is(err, identity.ErrRefused) {
		t.Errorf("the withdrawn key: %v", err)
	}
}

// B20: known keys serve through an outage of a day, and no longer.
func TestAnOutageOfTheIssuer(t *testing.T) {
	i := identitytest.New(t)
	now := time.Now()
	p := newProvider(t, i, func(c *identity.Config) { c.Now = func() time.Time { return now } })
	claims := person()
	claims["exp"] = now.Add(72 * time.Hour).Unix()
	token := i.Token(t, "sub-1", claims)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	i.SetDown(true)
	now = now.Add(23 * time.Hour)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Errorf("after 23 h: %v", err)
	}
	now = now.Add(2 * time.Hour)
	if _, err := p.Verify(t.Context(), token); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("after 25 h: %v, want unavailable", err)
	}
	i.SetDown(false)
	now = now.Add(time.Minute)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestAProviderMayBeDownWhenItIsMade(t *testing.T) {
	i := identitytest.New(t)
	i.SetDown(true)
	now := time.Now()
	p := newProvider(t, i, func(c *identity.Config) { c.Now = func() time.Time { return now } })
	token := i.Token(t, "sub-1", person())
	if _, err := p.Verify(t.Context(), token); !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrRefused) {
		t.Fatalf("while it is down: %v, want unavailable", err)
	}
	i.SetDown(false)
	now = now.Add(3 * time.Second)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Fatalf("it is up again, and still: %v", err)
	}
}
