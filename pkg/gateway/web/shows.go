package web

import (
	"fmt"
	"net/url"

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
	var out exchange.Shown
	if out.Fields, err = exchange.Seen(p, s.answered(a, s.masked(p.Standing())), s.secrets); err != nil {
		return exchange.Shown{}, err
	}
	out.Filter, err = exchange.NewFilter(p, a, s.rules(p.Standing(), paths))
	return out, err
}

// rules are what is looked for in bodies. Paths name nothing in pages, which pass only where every mask with paths says that they
// show nothing of what it masks.
func (s *service) rules(now *guard.Standing, paths []body.Path) body.Rules {
	hidden := now.Masked(func(m *policy.Mask) bool { return len(m.JSON) > 0 && !m.Pages })
	return body.Rules{Paths: paths, Secrets: s.secrets, Pages: !hidden}
}

var _ exchange.Protocol = (*service)(nil)
