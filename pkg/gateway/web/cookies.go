package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// standingIn is a cookie that a service sets, as the client gets it: with a stand-in for its value, which stays at the gateway. What it is worth
// is the service's word for whoever the gateway signed in as, and outlives the grant.
func (s *service) standingIn(cookie string) string {
	pair, attributes, _ := strings.Cut(cookie, ";")
	name, value, ok := strings.Cut(pair, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok: // to some clients it is a value without a name
		return ""
	case value == "", slices.Contains(s.shownCookies, name) && !strings.ContainsAny(value, ", \t"): // another cookie may stand behind a comma
		return cookie
	}
	scripts := !slices.ContainsFunc(strings.Split(attributes, ";"), func(a string) bool {
		a, _, _ = strings.Cut(a, "=")
		return strings.EqualFold(strings.TrimSpace(a), "httponly")
	})
	out := name + "=" + s.jar.hold(name, value, scripts)
	if attributes != "" {
		out += ";" + attributes
	}
	return out
}

// filled puts the values of cookies where a client sent their stand-ins: under the cookie's own name, and where pages of the service say
// a cookie of theirs again to show that they are its pages. A stand-in that is of no cookie of this grant is left out. A stand-in is short, and
// its value may be long: there is an error where a client says them so often that no server would read the head.
func (s *service) filled(fields http1.Fields) (http1.Fields, error) {
	if !slices.ContainsFunc(fields, func(f http1.Field) bool { return strings.Contains(f.Value, standInPrefix) }) {
		return fields, nil
	}
	var out http1.Fields
	size := 0
	for _, f := range fields {
		switch name := strings.ToLower(f.Name); {
		case !strings.Contains(f.Value, standInPrefix):
		case name == "cookie":
			value, err := s.filledCookies(f.Value)
			if err != nil {
				return nil, err
			}
			if f.Value = value; value == "" {
				continue
			}
			size += len(value)
		case strings.Contains(name, "csrf") || strings.Contains(name, "xsrf"):
			f.Value = s.said(f.Value)
			size += len(f.Value)
		}
		if size > filledMost {
			return nil, errFilled
		}
		out = append(out, f)
	}
	return out, nil
}

// filledMost is how long the fields with values of cookies may be: what heads have room for, both ways.
const filledMost = 64 << 10

var errFilled = errors.New("the values of its cookies are too long")

func (s *service) filledCookies(value string) (string, error) {
	var kept []string
	size := 0
	for _, c := range strings.Split(value, ";") {
		c = strings.TrimSpace(c)
		name, value, _ := strings.Cut(c, "=")
		if strings.Contains(c, standInPrefix) {
			held, ok := s.jar.held(strings.Trim(value, `"`))
			if !ok || held.name != name {
				continue
			}
			if size += len(held.value); size > filledMost {
				return "", errFilled
			}
			if c = name + "=" + held.value; s.speaksOfOwnCookie(c) {
				continue
			}
		}
		kept = append(kept, c)
	}
	return strings.Join(kept, "; "), nil
}

// said is what a script would have read of a cookie, and said in a field: decoded, as all that do so decode it.
func (s *service) said(standIn string) string {
	held, ok := s.jar.held(standIn)
	if !ok || !held.scripts {
		return standIn
	}
	plain, err := url.PathUnescape(held.value)
	if err != nil || strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return held.value
	}
	return plain
}
