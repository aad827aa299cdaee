package gateway

import (
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// ParsePolicy is policy.Parse, and also reads the policy's own programs, whose language is that of the table in pkg/argv. The
// error is a policy.Problems with everything that is wrong.
func ParsePolicy(data []byte, name string) (*policy.Policy, error) {
	p, err := policy.Parse(data, name)
	if err != nil {
		return nil, err
	}
	var problems policy.Problems
	own := p.Programs()
	for i, entry := range own {
		problem := func(message, hint string) {
			problems = append(problems, policy.Problem{File: name, Line: entry.Line, Column: entry.Column, Message: message, Hint: hint})
		}
		reviewed := argv.Reviewed().Speaks(entry.Name)
		switch _, err := argv.Reviewed().With(own[:i+1].Text()); {
		case err != nil:
			problem(fmt.Sprintf("program %s: %s", entry.Name, cause(err)), "docs/reference/argv.md has the language")
			return nil, problems
		case reviewed && !entry.Replaces:
			problem(fmt.Sprintf("program %s is in the reviewed table, or a command of one that is", entry.Name), "write replaces: true, if this entry is to be believed instead")
		case !reviewed && entry.Replaces:
			problem(fmt.Sprintf("program %s replaces nothing: the reviewed table does not speak of it", entry.Name), "leave replaces out")
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

// cause is an error without the place, which in a policy is another.
func cause(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		err = joined.Unwrap()[0]
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
