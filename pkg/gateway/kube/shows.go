package kube

import (
	"fmt"
	"mime"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// shows settles what the client sees of an answer.
func (c *cluster) shows(t *Tuple, p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
	if a.Status == 101 {
		return exchange.Shown{}, fmt.Errorf("the cluster switches protocols unasked")
	}
	masked := fieldsOf(t, p.Standing())
	fields, err := exchange.Seen(p, answered(t, a, !t.IsResource(), len(masked) > 0), c.hidden())
	if err != nil {
		return exchange.Shown{}, err
	}
	out := exchange.Shown{Fields: append(fields, releasesHidden(t, masked)...)}
	if a.Length == 0 {
		return out, nil
	}
	kind := *a
	switch {
	case !t.IsResource() && t.serverEffect() == "session":
		f, err := body.New(a.Fields.Get("Content-Type"), body.Rules{Secrets: c.hidden()}) // what everybody's client reads holds nobody's data
		out.Filter = f
		return out, err
	case !t.IsResource(), t.Subresource == "proxy", t.Subresource == "log" && a.Status < 300:
		masked = nil
	case answersJSON(a.Fields.Get("Content-Type")):
		if t.Verb == "watch" { // one document after the other, which the type does not say
			kind.Fields = append(http1.Fields{{Name: "Content-Type", Value: typeJSON + ";stream=watch"}}, a.Fields.Without("Content-Type")...)
		}
	case a.Status >= 400 && isPlain(a.Fields.Get("Content-Type")): // "404 page not found"
		return c.showsText(t, p, a, out, len(masked) > 0)
	default:
		return exchange.Shown{}, fmt.Errorf("the cluster answers %.40q where JSON was asked for", a.Fields.Get("Content-Type"))
	}
	filter := func(fields []field) (exchange.Filter, error) {
		rules, err := c.rules(fields)
		if err != nil {
			return nil, err
		}
		return exchange.NewFilter(p, &kind, rules)
	}
	if out.Filter, err = telling(t, a, masked, filter); err != nil {
		return exchange.Shown{}, err
	}
	if own := unrecorded(t); len(own) > 0 && answersJSON(a.Fields.Get("Content-Type")) {
		out.Kept, err = telling(t, a, own, func(fields []field) (exchange.Filter, error) {
			rules, err := c.rules(fields)
			if err != nil {
				return nil, err
			}
			return body.New(kind.Fields.Get("Content-Type"), rules)
		})
	}
	return out, err
}

// showsText settles what is seen of an answer without a form that says what went wrong.
func (c *cluster) showsText(t *Tuple, p *guard.Pass, a *http1.Answer, out exchange.Shown, masked bool) (_ exchange.Shown, err error) {
	rules, err := c.rules(nil)
	if err == nil {
		out.Filter, err = exchange.NewFilter(p, a, rules)
	}
	if masked && t.quotes(a.Status) {
		out.Filter = &textFailure{by: out.Filter}
	} else if len(unrecorded(t)) > 0 && t.quotes(a.Status) {
		out.Kept = &textFailure{}
	}
	return out, err
}

func isPlain(contentType string) bool {
	name, _, err := mime.ParseMediaType(contentType)
	return err == nil && name == "text/plain"
}
