package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/identity/identitytest"
)

// B22: a discovery document that leads elsewhere is not believed.
func TestADiscoveryDocumentThatLeadsElsewhereIsNotBelieved(t *testing.T) {
	for what, doc := range map[string]map[string]any{
		"another issuer":       {"issuer": "https://evil.test"},
		"issuer with a slash":  {"issuer": "https://127.0.0.1/"},
		"keys over http":       {"jwks_uri": "http://127.0.0.1:1/keys"},
		"keys at a file":       {"jwks_uri": "file:///etc/passwd"},
		"no keys":              {"jwks_uri": ""},
		"tokens over http":     {"token_endpoint": "http://169.254.169.254/token"},
		"keys behind metadata": {"jwks_uri": "https://169.254.169.254/keys"},
	} {
		i := identitytest.New(t)
		i.SetDocument(doc)
		if _, err := newProvider(t, i).Verify(t.Context(), i.Token(t, "sub-1", person())); err == nil {
			t.Errorf("%s: a token passes", what)
		}
	}
}

func TestAConfigurationThatTrustsTooMuchIsRefused(t *testing.T) {
	claims := func(c map[string]string) []identity.Match { return []identity.Match{{Claims: c, As: "ci"}} }
	for what, cfg := range map[string]identity.Config{
		"plain http":              {Issuer: "http://idp.test", ClientID: "hoop"},
		"http to a near name":     {Issuer: "http://localhost.evil.test", ClientID: "hoop"},
		"no URL":                  {Issuer: "idp", ClientID: "hoop"},
		"credentials in the URL":  {Issuer: "https://a:b@idp.test", ClientID: "hoop"},
		"no audience":             {Issuer: "https://idp.test"},
		"unknown type":            {Issuer: "https://idp.test", ClientID: "hoop", Type: "robot"},
		"workload without a rule": {Issuer: "https://idp.test", ClientID: "hoop", Type: identity.Workload},
		"rule without claims":     {Issuer: "https://idp.test", ClientID: "hoop", Match: claims(nil)},
		"rule on audience alone":  {Issuer: "https://idp.test", ClientID: "hoop", Match: claims(map[string]string{"aud": "hoop"})},
		"rule on nothing's value": {Issuer: "https://idp.test", ClientID: "hoop", Match: claims(map[string]string{"repository_id": ""})},
		"rule that names nobody":  {Issuer: "https://idp.test", ClientID: "hoop", Match: []identity.Match{{Claims: map[string]string{"a": "b"}}}},
		"rule that makes a human": {Issuer: "https://idp.test", ClientID: "hoop", Match: []identity.Match{{Claims: map[string]string{"a": "b"}, As: "x", Type: identity.Human}}},
		"ca_file that is missing": {Issuer: "https://idp.test", ClientID: "hoop", CAFile: "/nonexistent/ca.pem"},
	} {
		if _, err := identity.NewProvider(cfg); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := identity.NewProvider(identity.Config{Issuer: "http://127.0.0.1:5556", ClientID: "hoop"}); err != nil {
		t.Errorf("http to a loopback address: %v", err)
	}
}

// B8: an address that nobody verified names nobody.
func TestAnUnverifiedEmailNamesNobody(t *testing.T) {
	i := identitytest.New(t)
	p := newProvider(t, i, func(c *identity.Config) { c.UsernameClaim = "email" })
	for verified, ok := range map[any]bool{true: true, "true": true, false: false, "false": false, nil: true} {
		_, err := p.Verify(t.Context(), i.Token(t, "s", map[string]any{"email": "admin@corp.test", "email_verified": verified}))
		if (err == nil) != ok {
			t.Errorf("email_verified %v: %v", verified, err)
		}
	}
}

// B23, B24: a workload is what a rule says of its immutable claims, and nothing else.
func TestWorkloadsAreWhatRulesSay(t *testing.T) {
	i := identitytest.New(t)
	owner := &api.Person{Issuer: i.URL, Subject: "sub-owner"}
	p := newProvider(t, i, func(c *identity.Config) {
		c.Type = identity.Workload
		c.Match = []identity.Match{
			{Claims: map[string]string{"repository_id": "1234", "environment": "prod"}, As: "ci-deploy", Groups: []string{"ci"}, Owner: owner},
			{Claims: map[string]string{"repository_id": "1234", "event_name": "pull_request"}, As: "ci-check", Type: identity.Agent},
			{Claims: map[string]string{"number": "7", "flag": "true"}, As: "seven"},
		}
	})
	for what, c := range map[string]struct {
		claims map[string]any
		user   string
	}{
		"matches":                          {map[string]any{"repository_id": "1234", "environment": "prod"}, "ci-deploy"},
		"another environment":              {map[string]any{"repository_id": "1234", "environment": "dev"}, ""},
		"no environment":                   {map[string]any{"repository_id": "1234"}, ""},
		"another repository":               {map[string]any{"repository_id": "12345", "environment": "prod"}, ""},
		"a list":                           {map[string]any{"repository_id": []string{"1234"}, "environment": "prod"}, ""},
		"a pull request":                   {map[string]any{"repository_id": "1234", "environment": "prod", "event_name": "pull_request_target"}, ""},
		"a pull request, which a rule has": {map[string]any{"repository_id": "1234", "event_name": "pull_request"}, "ci-check"},
		"a number and a flag":              {map[string]any{"number": 7, "flag": true}, "seven"},
		"its own word of what it is":       {map[string]any{"name": "root", "groups": []string{"dba"}, "hoop_type": "human"}, ""},
	} {
		token, err := p.Verify(t.Context(), i.Token(t, "repo:o/r", c.claims))
		if token.Identity.User != c.user || (err == nil) != (c.user != "") {
			t.Errorf("%s: %+v, %v; want %q", what, token.Identity, err, c.user)
		}
		if c.user == "ci-deploy" && (token.Identity.Type != identity.Workload || *token.Identity.Owner != *owner || !slices.Equal(token.Identity.Groups, []string{"ci"})) {
			t.Errorf("%s: %+v", what, token.Identity)
		}
	}
}

func TestATokenDoesNotSayWhatKindOfIdentityItIs(t *testing.T) {
	i := identitytest.New(t)
	p := newProvider(t, i)
	claims := person()
	claims["hoop_type"], claims["type"], claims["owner"] = "agent", "agent", "x"
	token, err := p.Verify(t.Context(), i.Token(t, "s", claims))
	if err != nil || token.Identity.Type != identity.Human || token.Identity.Owner != nil {
		t.Errorf("%+v, %v", token.Identity, err)
	}
}

func TestARefreshAsksTheProviderAgain(t *testing.T) {
	for _, byUserinfo := range []bool{false, true} {
		i := identitytest.New(t)
		if byUserinfo {
			i.AnswerByUserinfo()
		}
		p := newProvider(t, i)
		refresh := i.Refreshable("sub-1", person())
		i.SetUser("sub-1", map[string]any{"name": "dev", "groups": []string{"interns"}})
		out, err := p.Refresh(t.Context(), refresh, "sub-1")
		if err != nil {
			t.Fatal(err)
		}
		if out.Identity == nil || !slices.Equal(out.Identity.Groups, []string{"interns"}) || out.RefreshToken == "" || out.RefreshToken == refresh {
			t.Errorf("by userinfo %v: %+v", byUserinfo, out)
		}
		if _, err := p.Refresh(t.Context(), out.RefreshToken, "sub-2"); !errors.Is(err, identity.ErrRefused) {
			t.Errorf("by userinfo %v: another's refresh: %v", byUserinfo, err)
		}
	}
}

func TestARefreshTellsARefusalFromAnOutage(t *testing.T) {
	i := identitytest.New(t)
	p := newProvider(t, i)
	refresh := i.Refreshable("sub-1", person())
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.SetDown(true)
	if _, err := p.Refresh(t.Context(), refresh, "sub-1"); !errors.Is(err, identity.ErrUnavailable) || strings.Contains(err.Error(), refresh) {
		t.Errorf("while it is down: %v", err)
	}
	i.SetDown(false)
	i.RemoveUser("sub-1")
	if _, err := p.Refresh(t.Context(), refresh, "sub-1"); !errors.Is(err, identity.ErrRefused) || strings.Contains(err.Error(), refresh) {
		t.Errorf("a person who is gone: %v", err)
	}
}

// Whatever is sent, an identity comes only of a token that the issuer signed as it is.
func FuzzVerify(f *testing.F) {
	i := identitytest.New(f)
	p := newProvider(f, i)
	good := i.Token(f, "sub-1", person())
	f.Add(good)
	f.Add(identitytest.Unsigned(f, map[string]any{"alg": "none"}, i.Claims("sub-1", nil), ""))
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := p.Verify(t.Context(), raw)
		if err == nil && (token.Identity.Subject != "sub-1" || !sameSigned(raw, good)) {
			t.Fatalf("%q passes as %+v", raw, token.Identity)
		}
		if err != nil && token.Identity.Subject != "" {
			t.Fatalf("refused, with an identity")
		}
		if issuer, err := identity.UnverifiedIssuer(raw); err == nil && issuer == "" {
			t.Fatal("an empty issuer without an error")
		}
	})
}

// sameSigned compares what is signed: base64url lets the last letter of the signature vary.
func sameSigned(a, b string) bool {
	return a[:strings.LastIndexByte(a, '.')] == b[:strings.LastIndexByte(b, '.')]
}
