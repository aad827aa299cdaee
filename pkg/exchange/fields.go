package exchange

import (
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// Seen is what a client sees of the fields of an answer: their values without what detectors find, and nothing of secrets, such as the
// target's credential, in any form in which bodies are searched for them.
func Seen(p *guard.Pass, fields http1.Fields, secrets *body.Secrets) (http1.Fields, error) {
	out := make(http1.Fields, len(fields))
	for i, f := range fields {
		value, err := p.Scan().Text(f.Value)
		if err != nil {
			return nil, err
		}
		out[i] = http1.Field{Name: secrets.Hide(f.Name), Value: secrets.Hide(value)}
	}
	return out, nil
}
