package guard_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// watched is a policy that allows everything and has detectors look, in a version.
type watched struct {
	version string
	masks   []policy.Mask
}

func (watched) Decide(policy.Subject, policy.Connection, policy.Command) policy.Decision {
	return policy.Decision{Verdict: policy.Allow, Rule: "all"}
}
func (w watched) Standing(policy.Subject, policy.Connection) policy.Standing {
	return policy.Standing{Masks: w.masks, Limits: policy.NoLimits()}
}
func (w watched) Version() string { return w.version }

var leaks = []policy.Mask{{Name: "leaks", Detect: []string{"email", "us_ssn"}, As: "redact"}}

func watchedGate(t *testing.T, p *watched, j *journal, detectors func([]mask.Rule) (guard.Detectors, error)) *guard.Session {
	t.Helper()
	s, err := guard.New(guard.Config{
		ID: "se_1", GrantID: "gr_1", Policy: func() guard.Policy { return *p }, Recorder: j, Approvals: newDesk(), Now: time.Now, ResultCap: 1 << 20, Detectors: detectors,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThePolicysDetectorsAreThoseOfPkgMask(t *testing.T) {
	if !slices.Equal(policy.Detectors(), mask.Names()) {
		t.Errorf("a policy may name %v, there are %v", policy.Detectors(), mask.Names())
	}
}

func TestCommandsAreRecordedAfterTheDetectors(t *testing.T) {
	j := &journal{}
	s := watchedGate(t, &watched{"1", leaks}, j, nil)
	c := command("SELECT 'alice@example.com'")
	c.Memo = &guard.Memo{}
	c.Params = []guard.Param{
		{Type: 25, Value: []byte("bob@example.com"), Shown: "bob@example.com"}, {Type: 17, Format: 1, Value: []byte("\x00 123-45-6789 \xff")},
		{Null: true}, {Blank: true, Value: []byte("x")},
	}
	p, err := s.Admit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if p.Text() != "SELECT 'alice@example.com'" || string(c.Params[0].Value) != "bob@example.com" {
		t.Errorf("what runs was changed: %s, %s", p.Text(), c.Params[0].Value)
	}
	s.Reject(t.Context(), command("SELEC 'carol@example.com'"), api.Refusal{Code: "refused", Rule: "unparsable", Message: "at carol@example.com"})
	for _, secret := range []string{"alice@", "bob@", "carol@", "123-45", "MTIzLTQ1"} {
		for _, body := range j.bodies {
			if strings.Contains(body, secret) {
				t.Errorf("recorded with %s: %s", secret, body)
			}
		}
	}
	if !j.has(record.TypeCommand, `SELECT '***'`) || !j.has(record.TypeRefused, `at ***`) {
		t.Errorf("recorded: %v", j.bodies)
	}
}

func TestWithoutDetectorsNothingLooks(t *testing.T) {
	s := watchedGate(t, &watched{"1", []policy.Mask{{Columns: []string{"*.email"}, As: "redact"}}}, &journal{}, nil)
	p, err := s.Admit(t.Context(), command("SELECT 1"))
	if err != nil || p.Scan() != nil || s.Scan() != nil {
		t.Errorf("%v looks, %v", p.Scan(), err)
	}
	if text, err := p.Scan().Text("alice@example.com"); text != "alice@example.com" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

type panicking struct{}

func (panicking) Apply([]byte, mask.Form) ([]byte, mask.Result) { panic("over alice@example.com") }

func TestDetectorsThatFailAreAnErrorAndNeverWhatWasThere(t *testing.T) {
	for name, detectors := range map[string]func([]mask.Rule) (guard.Detectors, error){
		"they panic":         func([]mask.Rule) (guard.Detectors, error) { return panicking{}, nil },
		"they can't be made": func([]mask.Rule) (guard.Detectors, error) { return nil, errors.New("no memory") },
	} {
		j := &journal{}
		s := watchedGate(t, &watched{"1", leaks}, j, detectors)
		c := command("SELECT 'alice@example.com'")
		c.Params = []guard.Param{{Value: []byte("bob@example.com")}}
		p, err := s.Admit(t.Context(), c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := p.Scan().Text("carol@example.com")
		if !errors.Is(err, guard.ErrDetectors) || strings.Contains(err.Error(), "alice@") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if all := strings.Join(j.bodies, ""); strings.Contains(all, "@example.com") || strings.Contains(all, "Ym9iQ") {
			t.Errorf("%s: recorded %s", name, all)
		}
	}
	s := watchedGate(t, &watched{"1", []policy.Mask{{Detect: []string{"passport"}, As: "redact"}}}, &journal{}, nil)
	if _, err := s.Scan().Text("x"); !errors.Is(err, guard.ErrDetectors) {
		t.Errorf("a detector that is not known lets everything pass: %v", err)
	}
}

func TestARunningCommandGoesOnOnlyUnderTheSameDetectors(t *testing.T) {
	rules := &watched{"1", leaks}
	s := watchedGate(t, rules, &journal{}, nil)
	p, err := s.Admit(t.Context(), command("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	rules.version = "2"
	if err := s.Again(t.Context(), p); err != nil {
		t.Errorf("another version with the same detectors: %v", err)
	}
	for version, masks := range map[string][]policy.Mask{
		"3": nil, "4": {{Detect: []string{"email"}, As: "redact"}}, "5": {{Detect: []string{"email", "us_ssn"}, As: "last4"}},
	} {
		rules.version, rules.masks = version, masks
		if err := s.Again(t.Context(), p); err == nil {
			t.Errorf("%v: it goes on", masks)
		}
	}
}

func TestPiecesAreLookedAtByTheBuiltInDetectorsAlone(t *testing.T) {
	s := watchedGate(t, &watched{"1", leaks}, &journal{}, nil)
	stream, err := s.Scan().Stream()
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.Flush(stream.Write(nil, []byte("to alice@example.com"))); !bytes.Equal(got, []byte("to ***")) {
		t.Errorf("got %q", got)
	}
	s = watchedGate(t, &watched{"1", leaks}, &journal{}, func([]mask.Rule) (guard.Detectors, error) { return panicking{}, nil })
	if _, err := s.Scan().Stream(); !errors.Is(err, guard.ErrDetectors) {
		t.Errorf("got %v", err)
	}
}
