package policy_test

import (
	"os"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func parse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text), "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sample(t testing.TB) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile("testdata/sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func person(user string, groups ...string) policy.Subject {
	return policy.Subject{Issuer: "https://idp.example.com", ID: "id-" + user, User: user, Groups: groups, Type: "human"}
}

func dbProd() policy.Connection {
	return policy.Connection{Name: "db-prod", Kind: "postgres", Labels: map[string]string{"env": "prod"}}
}

// does makes a command of pairs written as effect, object, effect, object.
func does(pairs ...string) policy.Command {
	var c policy.Command
	for i := 0; i+1 < len(pairs); i += 2 {
		c.Accesses = append(c.Accesses, policy.Access{Effect: policy.Effect(pairs[i]), Object: pairs[i+1]})
	}
	return c
}

func TestTheSampleSaysWhatItsCommentsSay(t *testing.T) {
	p := sample(t)
	for _, c := range []struct {
		who     policy.Subject
		command policy.Command
		verdict policy.Verdict
		rule    string
	}{
		{person("dev", "developers"), does("read", "public.users"), policy.Allow, "read"},
		{person("dev", "developers"), does("delete", "public.users"), policy.Approve, "writes-need-a-dba"},
		{person("privacy", "privacy"), does("write", "public.orders"), policy.Deny, "default"},
		{person("dev", "developers"), does("schema", "public.users"), policy.Deny, "default"},
		{person("dev", "developers"), does("unknown", ""), policy.Deny, "default"},
		{person("security", "security"), does("read", "public.users"), policy.Deny, "default"},
	} {
		if d := p.Decide(c.who, dbProd(), c.command); d.Verdict != c.verdict || d.Rule != c.rule {
			t.Errorf("%s, %v: %s by %s, want %s by %s", c.who.User, c.command.Accesses, d.Verdict, d.Rule, c.verdict, c.rule)
		}
	}
}
