package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestAPersonIsImpersonatedByTheTemplates(t *testing.T) {
	who := policy.Subject{Issuer: "https://idp.example.com", ID: "u1", User: "dev@example.com", Groups: []string{"devs", "staff"}}
	i := &gateway.Impersonate{User: "hoop:{user}", Groups: []string{"hoop:{groups}", "hoop-users", "system:authenticated"}, Extra: map[string][]string{"by": {"{issuer}#{subject}"}}}
	if err := i.Check(); err != nil {
		t.Fatal(err)
	}
	as, err := i.As(who)
	if got, want := fmt.Sprint(as, err), "&{hoop:dev@example.com [hoop:devs hoop:staff hoop-users system:authenticated] map[by:[https://idp.example.com#u1]]} <nil>"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if as, err := (*gateway.Impersonate)(nil).As(who); as != nil || err != nil {
		t.Errorf("nobody is impersonated as %+v, %v", as, err)
	}
	who.Groups = nil
	if as, err = i.As(who); err != nil || len(as.Groups) != 2 {
		t.Errorf("without groups: %+v, %v", as, err)
	}
}

func TestNobodyIsImpersonatedAsWhomTheProviderMadeUp(t *testing.T) {
	bare := &gateway.Impersonate{User: "{user}", Groups: []string{"{groups}"}}
	for name, c := range map[string]struct {
		i    *gateway.Impersonate
		who  policy.Subject
		want string
	}{
		"a group of Kubernetes' own":  {bare, policy.Subject{User: "eve", Groups: []string{"system:masters"}}, "a name of Kubernetes' own"},
		"a user of Kubernetes' own":   {bare, policy.Subject{User: "system:admin"}, "a name of Kubernetes' own"},
		"one that a prefix completes": {&gateway.Impersonate{User: "sys{user}"}, policy.Subject{User: "tem:admin"}, "a name of Kubernetes' own"},
		"no user":                     {bare, policy.Subject{}, "{user} is empty"},
		"no user behind a prefix":     {&gateway.Impersonate{User: "hoop:{user}"}, policy.Subject{}, "{user} is empty"},
		"an empty group":              {bare, policy.Subject{User: "eve", Groups: []string{""}}, "{groups} is empty"},
		"another header":              {bare, policy.Subject{User: "eve\r\nImpersonate-Group: system:masters"}, "characters that can't be seen"},
		"another text on screens":     {bare, policy.Subject{User: "eve\u202e"}, "characters that can't be seen"},
		"what a header trims":         {bare, policy.Subject{User: "admin "}, "begins or ends with a space"},
		"what is too long":            {bare, policy.Subject{User: strings.Repeat("a", 2000)}, "more than 1024 bytes"},
		"a template in a name":        {&gateway.Impersonate{User: "{subject}"}, policy.Subject{User: "root"}, "{subject} is empty"},
	} {
		if as, err := c.i.As(c.who); as != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", name, as, err)
		}
	}
	// What a name holds is never read as a template.
	if as, err := (&gateway.Impersonate{User: "hoop:{user}"}).As(policy.Subject{User: "{subject}", ID: "root"}); err != nil || as.User != "hoop:{subject}" {
		t.Errorf("%+v, %v", as, err)
	}
}
