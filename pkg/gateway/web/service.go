package web

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// service is one HTTP service as one session sees it.
type service struct {
	words
	base    *url.URL
	prefix  string   // of the service's own paths
	secrets []string // that never pass, in whatever the target says
	// What the gateway signs in with, which is never the client's to send: a field in lower case, a cookie, a parameter.
	field, cookie, parameter string
	asserts                  string // the field that says who is served, in lower case
}

// own says whether a field is the gateway's.
func (s *service) own(name string) bool { return name == s.field || name == s.asserts }

func (s *service) ownCookie(name string) bool { return s.cookie != "" && name == s.cookie }

// masked says whether anything is looked for in answers.
func (s *service) masked(now *guard.Standing) bool {
	if now == nil {
		return true
	}
	for _, m := range now.Masks {
		if len(m.JSON) > 0 || len(m.Detect) > 0 {
			return true
		}
	}
	return false
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
	masked := s.masked(p.Standing())
	out := exchange.Shown{Fields: s.answered(a, masked)}
	for i, f := range out.Fields {
		value, err := p.Scan().Text(f.Value)
		if err != nil {
			return exchange.Shown{}, err
		}
		out.Fields[i].Value = s.unsecret(value)
	}
	paths, err := s.paths(p.Standing())
	if err != nil {
		return exchange.Shown{}, err
	}
	out.Filter, err = exchange.NewFilter(p, a, body.Rules{Paths: paths, Secrets: s.secrets})
	return out, err
}

// unsecret takes the target's credential out of a field that shows it.
func (s *service) unsecret(value string) string {
	for _, secret := range s.secrets {
		value = strings.ReplaceAll(value, secret, "***")
	}
	return value
}

// recorded is a request as recordings hold it.
func (s *service) recorded(q *exchange.Request, line string, content []byte) string {
	if len(content) == 0 {
		return line
	}
	return s.masking(q.Standing, line, q.Fields.Get("Content-Type"), content)
}

// masking is a line with a body as recordings hold it: masked as an answer would be, since what is masked may be written too.
func (s *service) masking(now *guard.Standing, line, mediaType string, content []byte) string {
	paths, err := s.paths(now)
	if err != nil {
		return line + "\n\n(not recorded: a mask can't be applied)"
	}
	shown, err := exchange.Masked(mediaType, content, body.Rules{Paths: paths, Secrets: s.secrets})
	if err != nil {
		return line + "\n\n(not recorded: a body of this type can't be masked)"
	}
	return line + "\n\n" + string(shown)
}

var _ exchange.Protocol = (*service)(nil)
