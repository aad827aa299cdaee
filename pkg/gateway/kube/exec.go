package kube

import (
	"errors"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// run is what a request starts in a container.
type run struct {
	accesses  []policy.Access
	argv      [][]string // nil: not known
	operators []string
	text      string // the command as a line, "" of attach
}

// runs tells what exec starts and what attach reaches: a container's runtime starts exactly the words of the query, by no
// shell; a shell among them is judged by what it is told to run.
func (t *Tuple) runs(own policy.Programs) (*run, *api.Refusal) {
	r := &run{accesses: t.Effects()}
	if t.what() == "pods/attach" {
		r.does(t, policy.Shell) // what runs there is not known, and reads what is typed
		return r, nil
	}
	words := t.Query.Values("command")
	if len(words) == 0 {
		return nil, badRequest("The request says no command.")
	}
	line, err := argv.Exact(words, argv.Limits{})
	if err != nil {
		message := "The command can't be judged."
		var cause *argv.Err
		if errors.As(err, &cause) {
			message = "The command can't be judged: " + cause.Reason + "."
		}
		return nil, badRequest(message)
	}
	r.text = line.Normal()
	table, err := argv.Reviewed().With(own.Text())
	if err != nil { // a policy with such programs is not taken
		r.does(t, policy.Unknown)
		return r, nil
	}
	found := table.Judge(line, argv.Setting{NoTerminal: !t.Query.is("tty")})
	for _, a := range found.Accesses {
		r.does(t, policy.Effect(a.Effect))
		if a.Why == argv.FromInput && (t.Query.is("stdin") || t.Query.is("tty")) {
			r.does(t, policy.Shell)
		}
	}
	r.argv, r.operators = line.Programs(found.Runs)
	return r, nil
}

// does adds an effect on the pod in which something runs.
func (r *run) does(t *Tuple, e policy.Effect) {
	if a := (policy.Access{Effect: e, Object: t.Object()}); !slices.Contains(r.accesses, a) {
		r.accesses = append(r.accesses, a)
	}
}
