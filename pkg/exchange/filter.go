package exchange

import (
	"fmt"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// NewFilter makes the filter of an answer's body: what rules name, and what the detectors of the policy find in it. It is nil
// where nothing is looked for.
func NewFilter(p *guard.Pass, a *http1.Answer, rules body.Rules) (Filter, error) {
	if err := detect(p, &rules); err != nil {
		return nil, err
	}
	f, err := body.New(a.Fields.Get("Content-Type"), rules)
	switch {
	case err != nil && a.Length == 0: // as of HEAD, which must not tell the length of what is withheld
		return unseen{}, nil
	case err != nil || f.Passes():
		return nil, err
	}
	return f, nil
}

// unseen is the filter of a body that may not be seen.
type unseen struct{}

func (unseen) Write(dst, _ []byte) ([]byte, error) { return dst, body.ErrType }
func (unseen) Close(dst []byte) ([]byte, error)    { return dst, nil }

// codingOf is how an answer's body is encoded, though nobody asked for that: "" where it is not. Some services send what they keep in
// this form whatever is asked. More than one coding is not read.
func codingOf(a *http1.Answer) (string, error) {
	coding := ""
	for _, value := range a.Fields.Values("Content-Encoding") {
		for part := range strings.SplitSeq(value, ",") {
			switch part = strings.ToLower(strings.Trim(part, " \t")); {
			case part == "" || part == "identity":
			case coding != "":
				return coding, fmt.Errorf("%w: it is encoded twice", body.ErrEncoding)
			default:
				coding = part
			}
		}
	}
	return coding, nil
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
