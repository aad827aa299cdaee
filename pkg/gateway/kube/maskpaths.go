package kube

import (
	"fmt"
	"slices"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// paths are where in any answer the values of fields stand.
func paths(fields []field) (all []body.Path, err error) {
	for _, f := range fields {
		in, err := f.in(forms)
		if err != nil {
			return nil, err
		}
		all = append(all, in...)
	}
	return all, nil
}

// in are the paths of a value where objects stand in some of the forms, the first ones.
func (f *field) in(forms []string) ([]body.Path, error) {
	if known := always()[*f]; known != nil {
		return known[:len(forms):len(forms)], nil
	}
	return f.parsed(forms)
}

func (f *field) parsed(forms []string) ([]body.Path, error) {
	all := make([]body.Path, 0, len(forms))
	for _, form := range forms {
		p, err := body.ParsePath(form + f.place)
		if err != nil {
			return nil, fmt.Errorf("mask of %s: %w", f.place, err)
		}
		all = append(all, p.As(f.shown()))
	}
	return all, nil
}

// always are the paths of what no policy names, which most requests under masks need: they are read once.
var always = sync.OnceValue(func() map[field][]body.Path {
	known := map[field][]body.Path{}
	for _, f := range append(slices.Concat(secretData, madeToken, kept), managers) {
		if all, err := f.parsed(forms); err == nil { // else each request is told
			known[f] = all
		}
	}
	return known
})

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
	if b.Type == typeJSONPatch {
		p, err := body.ParsePath("$[*].value")
		if err != nil {
			return "", err
		}
		rules.Paths, fields = []body.Path{p}, nil
	}
	for _, f := range fields {
		in, err := f.in(forms[:1])
		if err != nil {
			return "", err
		}
		rules.Paths = append(rules.Paths, in[0].As(mask.Redact))
	}
	out, err := exchange.Masked(typeJSON, sent, rules)
	return string(out), err
}
