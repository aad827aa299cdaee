package exchange

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// Seen is what a client sees of the fields of an answer: their values without what detectors find, and nothing of secrets, such as the
// target's credential, in any form in which bodies are searched for them.
func Seen(p *guard.Pass, fields http1.Fields, secrets *body.Secrets) (http1.Fields, error) {
	var text []byte
	for _, f := range fields {
		value, err := p.Scan().Text(f.Value)
		if err != nil {
			return nil, err
		}
		text = append(append(append(append(text, f.Name...), ':'), value...), '\n')
	}
	clean, err := Unsecret(string(text), secrets)
	if err != nil {
		return nil, err
	}
	out := make(http1.Fields, 0, len(fields))
	for line := range strings.SplitSeq(strings.TrimSuffix(clean, "\n"), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out = append(out, http1.Field{Name: name, Value: value})
		}
	}
	return out, nil
}

// Unsecret is a text without secrets.
func Unsecret(text string, secrets *body.Secrets) (string, error) {
	out, err := Masked("", []byte(text), body.Rules{Secrets: secrets})
	return string(out), err
}
