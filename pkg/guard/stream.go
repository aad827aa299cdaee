package guard

import (
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// Stream begins to record the streams of a command: a terminal, a shell, a remote command. What is given to it is what the
// client sees: masked, and looked at by detectors. Its calls must have returned before what they were given goes on. A
// command with a terminal is kept whole, since nothing else tells what was done in it; for others the cap of results holds.
func (p *Pass) Stream(t record.Terminal) (*cast.Stream, error) {
	if !p.alive() {
		return nil, ErrNoPass
	}
	o := cast.Options{Recorder: p.session.cfg.Recorder, Terminal: t, Cap: p.session.cfg.ResultCap, Now: p.session.cfg.Now}
	o.Terminal.Command = p.number
	o.Staged = t.What == "answer" // every piece of one goes through Stands before it is delivered
	if t.PTY || t.What == "shell" {
		o.Cap = 0
	}
	return cast.Open(o)
}

// Event records what belongs to the command and is none of its streams, which see to their own order: a
// record.FileOperation, a record.Forward.
func (p *Pass) Event(b record.Body) error {
	if !p.alive() {
		return ErrNoPass
	}
	return p.session.append(b, false)
}

// alive says whether the command was admitted and has not ended.
func (p *Pass) alive() bool {
	if p == nil || p.session == nil {
		return false
	}
	state := p.state.Load()
	return state == passIssued || state == passSpent
}
