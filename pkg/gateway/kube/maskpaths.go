package kube

import (
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// paths are where in any answer the values of fields stand.
func paths(fields []field) (all []body.Path, err error) {
	for _, f := range fields {
		for _, form := range forms {
			p, err := body.ParsePath(form + f.place)
			if err != nil {
				return nil, fmt.Errorf("mask of %s: %w", f.place, err)
			}
			all = append(all, p.As(f.shown()))
		}
	}
	return all, nil
}

func (f *field) shown() mask.As {
	if as, ok := mask.AsNamed(f.as); ok {
		return as
	}
	return mask.Redact
}

// recorded is a request's body as recordings hold it: what is masked of the object stands there as masks, and of a JSON patch no
// value, because a pointer may lead anywhere.
func (b *Body) recorded(fields []field) (string, error) {
	if b.Type == "" {
		return "", nil
	}
	sent := b.JSON()
	if len(fields) == 0 {
		return string(sent), nil
	}
	var rules body.Rules
	for _, f := range fields {
		place := "$" + f.place
		if b.Type == typeJSONPatch {
			place = "$[*].value"
		}
		p, err := body.ParsePath(place)
		if err != nil {
			return "", err
		}
		rules.Paths = append(rules.Paths, p)
	}
	out, err := exchange.Masked(typeJSON, sent, rules)
	return string(out), err
}
