package guard

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Detectors find in free text what must not be shown. They may panic: what was to be shown is not shown then.
type Detectors interface {
	// Apply replaces in place what is found in a value, and answers what is left of it, which is never longer.
	Apply(value []byte, form mask.Form) ([]byte, mask.Result)
}

// ErrDetectors says that what was to be shown could not be looked at. Nothing of it may be shown.
var ErrDetectors = errors.New("the detectors failed")

// Scan lends detectors to protocol code, which knows where in its messages the free text is. A nil Scan finds nothing.
type Scan struct {
	detectors Detectors
	rules     []mask.Rule
}

// same says that both look for the same and show the same instead.
func (s *Scan) same(other *Scan) bool {
	if s == nil || other == nil {
		return s == other
	}
	return reflect.DeepEqual(s.rules, other.rules)
}

// Over has f look at one piece of an answer. Where the detectors panic it answers an error that wraps ErrDetectors; after
// any error the piece must not be shown.
func (s *Scan) Over(f func(Detectors) error) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("%w: panic", ErrDetectors) // not what it says: it may hold what was looked at
		}
	}()
	return f(s.detectors)
}

// Text is a text of a few words with what is found replaced.
func (s *Scan) Text(text string) (string, error) {
	if s == nil {
		return text, nil
	}
	err := s.Over(func(d Detectors) error {
		if b, r := d.Apply([]byte(text), mask.Piece); r != mask.Clean {
			text = string(b)
		}
		return nil
	})
	return text, err
}

// Stream is for text that comes in pieces. It must not be used where Over does not hold its panics.
func (s *Scan) Stream() (*mask.Stream, error) {
	if set, ok := s.detectors.(*mask.Set); ok {
		return mask.NewStream(set), nil
	}
	return nil, fmt.Errorf("%w: they can't look at pieces", ErrDetectors)
}

// Screen is for text that comes in pieces, and may have colours in it: a terminal, a stream. It must not be used where Over does
// not hold its panics.
func (s *Scan) Screen() (*mask.Screen, error) {
	if set, ok := s.detectors.(*mask.Set); ok {
		return mask.NewScreen(set), nil
	}
	return nil, fmt.Errorf("%w: they can't look at a terminal", ErrDetectors)
}

// Scan is what looks at the answers of this command; nil where nothing does.
func (p *Pass) Scan() *Scan { return p.scan }

// Scan is what looks at answers that belong to no command, by the policy in force; nil where nothing does.
func (s *Session) Scan() *Scan { return s.Standing().looks() }

func (x *Standing) looks() *Scan {
	if x == nil {
		return nil
	}
	return x.scan
}

// scanFor makes the detectors that masks ask for, or answers the ones that stand where they are asked for the same. Where
// they can't be made, what it answers fails, so that nothing is shown.
func (s *Session) scanFor(masks []policy.Mask, stands *Standing) *Scan {
	var rules []mask.Rule
	for _, m := range masks {
		if len(m.Detect) > 0 {
			rules = append(rules, mask.Rule{Detect: m.Detect, As: m.As})
		}
	}
	if len(rules) == 0 {
		return nil
	}
	if stands != nil && stands.scan.same(&Scan{rules: rules}) {
		return stands.scan
	}
	make := s.cfg.Detectors
	if make == nil {
		make = func(rules []mask.Rule) (Detectors, error) { return mask.NewSet(rules...) }
	}
	d, err := make(rules)
	if err != nil {
		s.cfg.Log.Error("detectors not made", "session", s.cfg.ID, "error", err)
		return &Scan{failing{}, rules}
	}
	return &Scan{d, rules}
}

// failing are detectors that could not be made.
type failing struct{}

// Apply panics: see Scan.Over.
func (failing) Apply([]byte, mask.Form) ([]byte, mask.Result) { panic("there are no detectors") }

// withheld stands in records for what the detectors could not look at.
const withheld = "(not recorded: the detectors failed)"

// seen is a command as recordings hold it: after the detectors.
func (p *Pass) seen(c Command) Command {
	if p.scan != nil {
		c.Recorded = p.seenText(c.Recorded)
		c.Memo = nil // it may hold the text as other detectors saw it, or none
	}
	return c
}

func (p *Pass) seenText(text string) string {
	seen, err := p.scan.Text(text)
	if err != nil {
		p.session.cfg.Log.Error("not looked at", "session", p.session.cfg.ID, "error", err)
		return withheld
	}
	return seen
}

// seenEncoded is a text that may have a path in it, whose encoding hides what detectors look for.
func (p *Pass) seenEncoded(text string) string {
	if p.scan == nil {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil && plain != text {
		if seen := p.seenText(plain); seen != plain {
			return seen
		}
	}
	return p.seenText(text)
}

// seenValue is a parameter's value as recordings hold it: after the detectors. blank says that it can't be kept.
func (p *Pass) seenValue(v Param) (value []byte, blank bool) {
	if p.scan == nil || v.Null || v.Blank {
		return v.Value, v.Blank
	}
	value = append([]byte{}, v.Value...)
	err := p.scan.Over(func(d Detectors) error {
		if p.command.Values != nil {
			value, blank = p.command.Values(v, value, d)
			return nil
		}
		var r mask.Result
		value, r = d.Apply(value, mask.Text)
		blank = r == mask.Nulled
		return nil
	})
	return value, blank || err != nil
}
