package body_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

const formType = "application/x-www-form-urlencoded"

func TestFieldsOfAFormAreMasked(t *testing.T) {
	ssn := body.Rules{Paths: paths(t, "$.ssn")}
	for _, c := range []struct {
		r       body.Rules
		in, out string
	}{
		{ssn, "a=1&ssn=canary&b=2", "a=1&ssn=***&b=2"},
		{ssn, "%73sn=canary&s%73n=canary&ssn=a=b&ssn&ssn=&a=%20+", "%73sn=***&s%73n=***&ssn=***&ssn&ssn=&a=%20+"},
		{ssn, "ssn[]=canary&ssn[a]=canary&ssn.b=canary&ssns=1&assn=2", "ssn[]=***&ssn[a]=***&ssn.b=***&ssns=1&assn=2"},
		{ssn, "user[ssn]=1&", "user[ssn]=1&"},
		{body.Rules{Paths: paths(t, "$.user.ssn")}, "user[ssn]=canary&user.ssn=canary&user%5Bssn%5D=canary&ssn=1&user=2", "user[ssn]=***&user.ssn=***&user%5Bssn%5D=***&ssn=1&user=2"},
		{body.Rules{Paths: paths(t, "$..ssn")}, "a[b][ssn]=canary&a[0].ssn=canary&ssn=canary&x[ssn][y]=canary&[ssn=2&a[=", "a[b][ssn]=***&a[0].ssn=***&ssn=***&x[ssn][y]=***&[ssn=***&a[="},
		{body.Rules{Paths: paths(t, "$.users[*].ssn")}, "users[][ssn]=canary&users[3][ssn]=canary", "users[][ssn]=***&users[3][ssn]=***"},
		{body.Rules{Paths: paths(t, "$.ssn[0]")}, "ssn[]=canary&ssn[a]=1&ssn=2", "ssn[]=***&ssn[a]=1&ssn=2"},
		{body.Rules{Paths: paths(t, "$['a.b']")}, "a.b=canary&a[b]=1", "a.b=***&a[b]=1"},
		{body.Rules{Paths: paths(t, "$")}, "a=canary&b=canary", "a=***&b=***"},
		{body.Rules{Paths: paths(t, "$.ssn"), As: mask.Null}, "ssn=canary&b=", "ssn=&b="},
		{body.Rules{Paths: paths(t, "$.ssn"), As: mask.Last4}, "ssn=%31%32345678%26", "ssn=***678%26"},
		{body.Rules{Detectors: detectors(t, "redact")}, "a=4111+1111%201111+1111+%26&a%40b.example.com=x&c=%c3%a9", "a=***+%26&***=x&c=%c3%a9"},
		{body.Rules{Detectors: detectors(t, "null")}, "a=x+a%40b.example.com&c=1", "a=&c=1"},
		{body.Rules{Paths: paths(t, "$.x"), Secrets: body.NewSecrets("s3cr3t-token")}, "a=s3cr3%74-token&b=s3cr3t-token", "a=***&b=***"},
	} {
		if got, err := everySplit(t, formType, c.r, c.in); got != c.out || err != nil {
			t.Errorf("%q:\n got %q (%v)\nwant %q", c.in, got, err, c.out)
		}
	}
	for _, in := range []string{"a=%", "a=%4", "a=%zz", "%=1", "%ff=1"} {
		if got, err := everySplit(t, formType, ssn, "b=1&"+in); !errors.Is(err, body.ErrMalformed) || got != "b=1&" {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
	for _, size := range []int{2 << 20, 1000} {
		if got, err := through(t, formType, ssn, "ssn="+strings.Repeat("x", 1<<20), size); !errors.Is(err, body.ErrMalformed) || got != "" {
			t.Errorf("a field that is too long became %.100q, %v", got, err)
		}
	}
}

// What comes out has the same fields, without the values of those that are masked, and is the same for every split.
func FuzzForm(f *testing.F) {
	for _, text := range []string{"a=1&ssn=2", "%73sn=x+y&b", "ssn[]=1&a[ssn]=2", "=&&a==", "a=%zz"} {
		f.Add(text, uint8(1), uint8(4))
	}
	rules := body.Rules{Paths: paths(f, "$.ssn")}
	f.Fuzz(func(t *testing.T, text string, a, b uint8) {
		whole, err := through(t, formType, rules, text, max(len(text), 1))
		if split, again := through(t, formType, rules, text, int(a), int(b)); split != whole || (err == nil) != (again == nil) {
			t.Fatalf("%q in pieces of %d and %d became %q (%v), not %q (%v)", text, a, b, split, again, whole, err)
		}
		if err != nil {
			return
		}
		was, is := strings.Split(text, "&"), strings.Split(whole, "&")
		if len(was) != len(is) {
			t.Fatalf("%q became %q", text, whole)
		}
		for i := range was {
			name, value, _ := strings.Cut(was[i], "=")
			plain, err := url.QueryUnescape(name)
			if err != nil {
				t.Fatalf("%q was read though it is broken", text)
			}
			masked := plain == "ssn" || strings.HasPrefix(plain, "ssn[") || strings.HasPrefix(plain, "ssn.")
			if masked && value != "" && is[i] != name+"=***" || !masked && is[i] != was[i] {
				t.Fatalf("%q became %q", was[i], is[i])
			}
		}
	})
}
