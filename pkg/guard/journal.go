package guard

import (
	"bytes"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// recordCommand writes a command and the decision on it, before anything of it may be sent. What changes the target's
// data or powers is on disk when this returns; the rest is in the kernel.
func (s *Session) recordCommand(p *Pass, d policy.Decision) error {
	c := p.command
	e := record.Command{
		Command: p.number, Prepare: c.Stage == Prepare, DecisionID: p.decisionID, Verdict: d.Verdict.String(), Rule: d.Rule,
	}
	for _, v := range c.Params {
		v.Value, v.Blank = p.seenValue(v)
		e.Params = append(e.Params, recordedParam(v))
	}
	return s.keep(record.TypeCommand, e.With(p.fixed()), mustSync(c, d))
}

// mustSync says whether a command's record must be on disk before it runs.
func mustSync(c Command, d policy.Decision) bool {
	return d.Verdict != policy.Deny && c.Stage == Execute && weighty(c.Facts.Accesses)
}

// fixed is what recordings hold of a command each time it is sent.
func (p *Pass) fixed() *record.Fixed {
	c := p.command
	if c.Memo == nil {
		c.Memo = &Memo{}
	}
	if f := c.Memo.fixed.Load(); f != nil {
		return f
	}
	e := record.Command{Text: c.Recorded, Masked: c.Masked}
	if c.Rewritten != c.Text && c.Recorded == c.Text { // else it holds what was blanked
		e.Rewrote = c.Rewritten
	}
	for _, a := range c.Facts.Accesses {
		e.Accesses = append(e.Accesses, record.Access{Effect: string(a.Effect), Object: p.seenEncoded(a.Object)})
	}
	if c.Facts.SQL != nil && len(c.Facts.SQL.Commands) > 0 {
		e.SQL = c.Facts.SQL.Commands[0]
	}
	f := e.Fix()
	c.Memo.fixed.Store(f)
	return f
}

// weighty says whether a command does more than read.
func weighty(accesses []policy.Access) bool {
	for _, a := range accesses {
		if a.Effect != policy.Read && a.Effect != policy.Session {
			return true
		}
	}
	return false
}

func recordedParam(v Param) record.Param {
	p := record.Param{OID: v.Type}
	switch {
	case v.Blank:
		p.Blank = true
	case v.Null:
	case v.Format == 0 && utf8.Valid(v.Value):
		text := string(v.Value)
		p.Text = &text
	default:
		b := append([]byte{}, v.Value...)
		p.Binary = &b
	}
	return p
}

func (s *Session) recordApproval(p *Pass, a api.Approval) error {
	e := record.Approval{Command: p.number, ID: a.ID, State: a.State}
	if a.State != api.ApprovalUsed { // that is the requester's doing
		for _, d := range a.Decisions {
			e.By = d.By.User
		}
	}
	return s.append(e, a.State == api.ApprovalUsed)
}

func (s *Session) recordRefusal(p *Pass, r api.Refusal) error {
	return s.append(record.Refused{
		Command: p.number, DecisionID: r.DecisionID, Code: r.Code, Rule: r.Rule, Message: p.seenEncoded(r.Message), ApprovalID: r.ApprovalID,
	}, false)
}

func (s *Session) recordOutcome(p *Pass, o Outcome) error {
	e := record.Outcome{
		Command: p.number, Rows: o.Rows, Bytes: p.bytes + o.Bytes, Tag: o.Tag, SQLState: o.Error, Undone: o.Undone,
		DurationUS: s.cfg.Now().Sub(p.began).Microseconds(),
	}
	if p.rest != nil {
		e.TruncatedBytes = p.bytes - p.whole
		e.TruncatedHash = p.rest.Hex()
	}
	p.inputMu.Lock()
	defer p.inputMu.Unlock()
	if p.input != nil {
		e.InputBytes = p.inputBytes
		e.InputHash = p.input.Hex()
	}
	return s.append(e, false)
}

// recordColumns writes the shape of results where it is not the one written last.
func (s *Session) recordColumns(p *Pass, raw []byte, decode func() []record.Column) error {
	s.shapeMu.Lock()
	defer s.shapeMu.Unlock()
	if bytes.Equal(raw, s.shape) {
		return nil
	}
	if err := s.append(record.Columns{Command: p.number, Columns: decode()}, false); err != nil {
		return err
	}
	s.shape = bytes.Clone(raw)
	return nil
}

func (s *Session) append(b record.Body, sync bool) error {
	body, err := record.Encode(b)
	if err != nil {
		return err
	}
	return s.keep(b.Type(), body, sync)
}

// keep gives an event to the recorder: staged, or on the disk when it returns.
func (s *Session) keep(t record.Type, body []byte, sync bool) error {
	if sync {
		_, err := s.cfg.Recorder.AppendSync(t, body)
		return err
	}
	_, err := s.cfg.Recorder.Stage(t, body)
	return err
}
