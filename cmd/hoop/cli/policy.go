package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func (p *program) policyCommand() *cobra.Command {
	return group("policy", "Check a policy file on the server", p.policyTestCommand("lint", "Check a policy file for mistakes"),
		p.policyTestCommand("test", "Check a policy file and run its tests"), p.policyExplainCommand())
}

const maxPolicy = 4 << 20

func readPolicy(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "The policy file can't be read."}, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicy))
	if err != nil {
		return "", fmt.Errorf("read the policy file: %w", err)
	}
	return string(text), nil
}

// policyTestCommand makes lint and test, which differ in whether a failing test counts.
func (p *program) policyTestCommand(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name + " FILE", Short: short, Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.policyTest(cmd.Context(), args[0], name == "test")
		},
	}
}

func (p *program) policyTest(ctx context.Context, file string, tests bool) error {
	text, err := readPolicy(file)
	if err != nil {
		return err
	}
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	report, err := s.TestPolicy(ctx, text)
	if err != nil {
		return err
	}
	if err := p.print(report, func(w io.Writer) {
		for _, problem := range report.Problems {
			fmt.Fprintf(w, "%s:%d:%d: %s\n", record.Escape(file), problem.Line, problem.Column, record.Escape(problem.Message))
			fieldsOf(w, "  hint", problem.Hint)
		}
		if tests {
			fmt.Fprintf(w, "%d tests, %d failed\n", report.Tests, report.Failed)
		}
	}); err != nil {
		return err
	}
	if report.OK || !tests && len(report.Problems) == 0 {
		return nil
	}
	return &api.Error{Code: api.CodeUsage, Message: "The policy file is not good.", Hint: "The server would keep the one that is in force."}
}

type explainOptions struct {
	connection, command, user string
	groups                    []string
}

func (p *program) policyExplainCommand() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use: "explain [FILE] --on NAME --command TEXT", Short: "Say what a policy makes of a command, and why", Args: takes(cobra.MaximumNArgs(1)),
		Long: "Judge a command by a policy file, or without one by the policy in force. Nothing is sent to the target.",
		RunE: func(cmd *cobra.Command, args []string) error {
			in := api.PolicyRequest{Connection: o.connection, Command: o.command}
			if in.Connection == "" || in.Command == "" {
				return &api.Error{Code: api.CodeUsage, Message: "It takes a connection and a command to judge.", Hint: "Usage: " + cmd.UseLine()}
			}
			if len(args) == 1 {
				text, err := readPolicy(args[0])
				if err != nil {
					return err
				}
				in.Policy = text
			}
			if o.user != "" || len(o.groups) > 0 {
				in.As = &api.As{User: o.user, Groups: o.groups}
			}
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			answer, err := s.Explain(cmd.Context(), in)
			if err != nil {
				return err
			}
			return p.print(answer, func(w io.Writer) { canText(w, answer) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.connection, "on", "", "name of the connection")
	flags.StringVar(&o.command, "command", "", "the command to judge")
	flags.StringVar(&o.user, "as", "", "judge it for this user")
	flags.StringSliceVar(&o.groups, "groups", nil, "the groups of that user")
	return cmd
}
