package sshhost

import (
	"errors"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// understood is what is known of a command line.
type understood struct {
	facts  policy.Command
	normal string // what is sent, and what an approval covers
}

// understand tells what a command line runs and does, by the reviewed table of programs and the policy's own. A shell that reads what it runs from a
// terminal is an interactive one, however it came to run.
func understand(text, channel string, terminal bool, own policy.Programs) (understood, *api.Refusal) {
	u := understood{facts: policy.Command{SSH: &policy.SSH{Channel: channel}, Accesses: []policy.Access{{Effect: policy.Unknown}}}, normal: text}
	line, err := argv.Parse(text, argv.Limits{})
	if err != nil {
		r := notServed("The command line can't be judged.")
		var cause *argv.Err
		if errors.As(err, &cause) {
			r.Message = "The command line can't be judged: " + cause.Reason + "."
		}
		return u, &r
	}
	u.normal = line.Normal()
	t := transferOf(line)
	switch {
	case t != nil && channel == "lines": // nobody types it, and as a line it would run with the paths as they were written
		r := notServed("What scp, rsync and git run at a host is carried beside line mode, and not in it.")
		r.Remedy = []api.Remedy{{Kind: "rewrite", Text: "Run scp, rsync or git where you are."}}
		return u, &r
	case t != nil:
		u.facts = t.facts(true)
		return u, nil
	}
	table, err := argv.Reviewed().With(own.Text())
	if err != nil { // a policy with such programs is not taken
		return u, nil
	}
	found := table.Judge(line, argv.Setting{NoTerminal: !terminal})
	u.facts.Accesses = nil
	for _, a := range found.Accesses {
		u.facts.Accesses = append(u.facts.Accesses, policy.Access{Effect: policy.Effect(a.Effect), Object: a.Object})
		if terminal && a.Why == argv.FromInput {
			u.facts.Accesses = append(u.facts.Accesses, policy.Access{Effect: policy.Shell, Object: a.Object})
		}
	}
	if line.Known() {
		u.facts.SSH.Argv, u.facts.SSH.Operators = line.Programs(found.Runs)
	}
	return u, nil
}
