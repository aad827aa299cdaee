package sshhost

import (
	"errors"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// understood is what is known of a command line.
type understood struct {
	facts  policy.Command
	normal string // what is sent, and what an approval covers
}

// understand tells what a command line runs. What programs do is not told apart yet: each has the effects execute and
// unknown, so that only a rule that names both admits it.
func understand(text string) (understood, *api.Refusal) {
	u := understood{facts: policy.Command{SSH: &policy.SSH{Channel: "exec"}, Accesses: runs("")}, normal: text}
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
	if !line.Known() {
		return u, nil
	}
	u.facts.SSH.Argv, u.facts.SSH.Operators = programs(line)
	if len(u.facts.SSH.Argv) > 0 { // else it only redirects or assigns
		u.facts.Accesses = nil
	}
	for _, words := range u.facts.SSH.Argv {
		u.facts.Accesses = append(u.facts.Accesses, runs(words[0])...)
	}
	return u, nil
}

// programs are the words of every program that a known line runs, and everything beside them that it needs a shell for.
func programs(line *argv.Line) (all [][]string, operators []string) {
	all, operators = [][]string{}, slices.Concat(line.Operators, line.Expansions)
	for _, c := range line.Commands {
		for _, r := range c.Redirects {
			operators = append(operators, r.Op)
		}
		if len(c.Assigns) > 0 {
			operators = append(operators, "=")
		}
		if words, _ := c.Values(); len(words) > 0 {
			all = append(all, words)
		}
	}
	return all, operators
}

// runs are the effects of a program of which nothing is known.
func runs(program string) []policy.Access {
	return []policy.Access{{Effect: policy.Execute, Object: program}, {Effect: policy.Unknown, Object: program}}
}
