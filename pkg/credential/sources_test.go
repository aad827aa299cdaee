package credential_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
)

func TestEachSecretGoesToItsPlaceInTheLogin(t *testing.T) {
	for _, name := range []string{"P", "K", "A", "T", "V"} {
		t.Setenv("SOURCES_TEST_"+name, "secret-"+name)
	}
	from := func(name string) credential.Source { return credential.Source{Env: "SOURCES_TEST_" + name} }
	s := credential.Sources{Password: from("P"), Key: from("K"), Authority: from("A"), Token: from("T"), Value: from("V")}
	var l credential.Login
	certificate, err := s.Read(t.Context(), &l)
	if err != nil || certificate != nil {
		t.Fatal(certificate, err)
	}
	for want, got := range map[string]credential.Secret{"P": l.Password, "K": l.Key, "A": l.Authority, "T": l.Token, "V": l.Value} {
		if got.Reveal() != "secret-"+want {
			t.Errorf("%s: %q", want, got.Reveal())
		}
	}
	s.Token = from("NONE")
	if _, err := s.Read(t.Context(), &l); err == nil || !strings.Contains(err.Error(), "the token: the variable SOURCES_TEST_NONE is not set") {
		t.Errorf("a token that is not there: %v", err)
	}
	s = credential.Sources{Certificate: from("P"), Key: from("K")}
	if _, err := s.Read(t.Context(), &l); err == nil || strings.Contains(err.Error(), "secret-") {
		t.Errorf("what is no certificate: %v", err)
	}
}

func TestTheFormsOfASecretAreThoseThatAreSent(t *testing.T) {
	secret := credential.NewSecret
	for name, c := range map[string]struct {
		login credential.Login
		want  []string
	}{
		"a token":                {credential.Login{Token: secret("tok")}, []string{"tok"}},
		"a header with a scheme": {credential.Login{Slot: credential.Slot{In: credential.InHeader}, Value: secret("Bearer abc")}, []string{"Bearer abc", "abc", "Bearer+abc"}},
		"a parameter":            {credential.Login{Slot: credential.Slot{In: credential.InQuery}, Value: secret("a/b")}, []string{"a/b", "a%2Fb"}},
		"basic":                  {credential.Login{User: "u", Slot: credential.Slot{In: credential.InBasic}, Password: secret("p")}, []string{"p", "dTpw"}},
		"none":                   {credential.Login{Key: secret("k"), Authority: secret("a")}, nil},
	} {
		var got []string
		for _, s := range c.login.Forms() {
			got = append(got, s.Reveal())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestALoginOfAnyFormPrintsNoSecret(t *testing.T) {
	l := credential.Login{Token: credential.NewSecret("canary"), Value: credential.NewSecret("canary"), Request: &credential.TokenRequest{Namespace: "n"}}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", l, l, l), fmt.Sprint(l.Forms()), fmt.Sprintf("%#v", l.Basic())} {
		if strings.Contains(text, "canary") {
			t.Error(text)
		}
	}
}
