package exchange

import (
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// NewFilter makes the filter of an answer's body: what rules name, and what the detectors of the policy find in it. It is nil
// where nothing is looked for.
func NewFilter(p *guard.Pass, a *http1.Answer, rules body.Rules) (Filter, error) {
	for _, coding := range a.Fields.Values("Content-Encoding") {
		if coding != "" && coding != "identity" {
			return nil, fmt.Errorf("the answer is encoded as %.20q, which nobody asked for", coding)
		}
	}
	if a.Length == 0 {
		return nil, nil
	}
	if err := detect(p, &rules); err != nil {
		return nil, err
	}
	f, err := body.New(a.Fields.Get("Content-Type"), rules)
	if err != nil || f.Passes() {
		return nil, err
	}
	return f, nil
}

// Masked is a body as it may be kept: without what rules name. Detectors look at it when it is recorded.
func Masked(mediaType string, content []byte, rules body.Rules) ([]byte, error) {
	f, err := body.New(mediaType, rules)
	if err != nil {
		return nil, err
	}
	out, err := f.Write(nil, content)
	if err == nil {
		out, err = f.Close(out)
	}
	return out, err
}

// Look is a whole message of an answer as the client may see it.
func Look(p *guard.Pass, mediaType string, content []byte, rules body.Rules) ([]byte, error) {
	if err := detect(p, &rules); err != nil {
		return nil, err
	}
	return Masked(mediaType, content, rules)
}

// detect adds the detectors of the policy that admitted a command.
func detect(p *guard.Pass, rules *body.Rules) error {
	scan := p.Scan()
	if scan == nil {
		return nil
	}
	return scan.Over(func(d guard.Detectors) error { rules.Detectors = d; return nil })
}
