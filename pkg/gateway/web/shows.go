package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// service is one HTTP service as one session sees it.
type service struct {
	words
	base    *url.URL
	prefix  string        // of the service's own paths
	secrets *body.Secrets // that never pass, in whatever the target says
	// What the gateway signs in with, which is never the client's to send: a field in lower case, a cookie, a parameter.
	field, cookie, parameter string
	asserts                  string // the field that says who is served, in lower case
	jar                      *jar
	shownCookies             []string
	rawPaths                 bool // an encoded slash in a path is a part of its segment, and nothing else
}

// own says whether a field is the gateway's.
func (s *service) own(name string) bool { return name == s.field || name == s.asserts }

func (s *service) ownCookie(name string) bool { return s.cookie != "" && name == s.cookie }

// masked says whether anything is looked for in answers.
func (s *service) masked(now *guard.Standing) bool {
	return now.Masked(func(m *policy.Mask) bool { return len(m.JSON) > 0 || len(m.Detect) > 0 })
}

// paths are those that masks name.
func (s *service) paths(now *guard.Standing) (paths []body.Path, err error) {
	if now == nil {
		return nil, nil
	}
	for _, m := range now.Masks {
		as, ok := mask.AsNamed(m.As)
		if !ok && len(m.JSON) > 0 {
			return nil, fmt.Errorf("mask %s shows values as %q", m.Name, m.As)
		}
		for _, text := range m.JSON {
			p, err := body.ParsePath(text)
			if err != nil {
				return nil, err
			}
			paths = append(paths, p.As(as))
		}
	}
	return paths, nil
}

// shows settles what the client sees of an answer.
func (s *service) shows(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
	paths, err := s.paths(p.Standing())
	if err != nil {
		return exchange.Shown{}, err
	}
	looked := s.masked(p.Standing())
	if isPart(a) && (looked || s.secrets != nil) {
		return exchange.Shown{}, errPart
	}
	rules := s.rules(p.Standing(), paths)
	fields := s.answered(a, looked)
	if looked {
		fields = lookedIn(p, fields, rules)
	}
	var out exchange.Shown
	if out.Fields, err = exchange.Seen(p, fields, s.secrets); err != nil {
		return exchange.Shown{}, err
	}
	out.Filter, err = exchange.NewFilter(p, a, rules)
	return out, err
}

// lookedIn has masks hold in the fields of an answer, too, where the value of one is a document of JSON, as services say what a page is to do
// next. What begins like one and can't be read is left out: some script may read more than we do.
func lookedIn(p *guard.Pass, fields http1.Fields, rules body.Rules) http1.Fields {
	out := fields[:0]
	for _, f := range fields {
		if begin := strings.TrimLeft(f.Value, " \t"); begin != "" && (begin[0] == '{' || begin[0] == '[') {
			seen, err := exchange.Look(p, "application/json", []byte(f.Value), rules)
			if err != nil {
				continue
			}
			f.Value = string(seen)
		}
		out = append(out, f)
	}
	return out
}

// errCall says that an answer may be a call of a function that the request names, with what is masked for its argument (JSONP).
var errCall = errors.New("a script for a request that names a function can't be looked at")

// showsCall settles the same for a request that names a function to be called with the answer. What stands before its name is for the
// service to say, and where it does not mind, for who asks: no script passes where paths are masked.
func (s *service) showsCall(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
	paths, err := s.paths(p.Standing())
	if mediaType := strings.ToLower(a.Fields.Get("Content-Type")); err == nil && len(paths) > 0 && strings.Contains(mediaType, "script") {
		return exchange.Shown{}, errCall
	}
	return s.shows(p, a)
}

// namesCall says whether a query asks for JSONP.
func namesCall(query map[string][]string) bool {
	for name := range query {
		if name = strings.ToLower(name); strings.Contains(name, "callback") || strings.Contains(name, "jsonp") || name == "cb" {
			return true
		}
	}
	return false
}

// errPart says that a target sent a part of a body that nobody asked it for.
var errPart = errors.New("a part of a body can't be looked at")

// isPart says whether an answer is a part of a body, in bytes: nobody could tell what of it is masked. Parts in other units, such as
// rows, are whole documents.
func isPart(a *http1.Answer) bool {
	unit := strings.ToLower(strings.TrimSpace(a.Fields.Get("Content-Range")))
	return a.Status == 206 && (strings.HasPrefix(unit, "bytes") || len(a.Fields.Values("Content-Range")) > 1) ||
		strings.HasPrefix(strings.ToLower(a.Fields.Get("Content-Type")), "multipart/byteranges")
}

// rules are what is looked for in bodies. Paths name nothing in pages, which pass only where every mask with paths says that they
// show nothing of what it masks.
func (s *service) rules(now *guard.Standing, paths []body.Path) body.Rules {
	hidden := now.Masked(func(m *policy.Mask) bool { return len(m.JSON) > 0 && !m.Pages })
	return body.Rules{Paths: paths, Secrets: s.secrets, Pages: !hidden}
}

var _ exchange.Protocol = (*service)(nil)
