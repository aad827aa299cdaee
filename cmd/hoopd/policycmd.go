package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func policyCommand(s streams) *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "Check a policy file, without a server", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(policyLintCommand(s), policyTestCommand(s), policyExplainCommand(s))
	return c
}

// readPolicyFile reads and parses; what is wrong in the file is the person's to mend.
func readPolicyFile(path string) (*policy.Policy, error) {
	text, err := readPolicy(path)
	if err != nil {
		return nil, usageError{err}
	}
	p, err := gateway.ParsePolicy([]byte(text), path)
	if err != nil {
		return nil, usageError{err}
	}
	return p, nil
}

func policyLintCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "lint FILE", Short: "Say what is wrong in a policy, and what is most likely not meant", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := readPolicyFile(args[0])
			if err != nil {
				return err
			}
			warnings := p.Lint()
			for _, w := range warnings {
				if _, err := fmt.Fprintln(s.out, "warning:", w.String()); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(s.out, "%s: well-formed, %d warnings\n", args[0], len(warnings))
			return err
		},
	}
}

// judging runs fn with the protocols, which understand commands without a server.
func judging(fn func(map[string]gateway.Protocol) error) error {
	grammar, err := startGrammar(1, true)
	if err != nil {
		return err
	}
	defer grammar.Close()
	protocol := postgres.New(grammar, slog.New(slog.DiscardHandler), 0)
	defer protocol.Close()
	return fn(protocols(protocol, nil, slog.New(slog.DiscardHandler)))
}

func policyTestCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "test FILE", Short: "Run the tests that stand in a policy", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPolicyFile(args[0])
			if err != nil {
				return err
			}
			return judging(func(protocols map[string]gateway.Protocol) error {
				failed := gateway.FailedTests(c.Context(), p, protocols, nil)
				if len(failed) > 0 {
					return usageError{testsFailed(args[0], failed)}
				}
				_, err := fmt.Fprintf(s.out, "%s: %d tests pass\n", args[0], len(p.Tests()))
				return err
			})
		},
	}
}

// question is what `policy explain` asks.
type question struct {
	user, typ, connection, kind string
	groups                      []string
	labels                      map[string]string
}

func policyExplainCommand(s streams) *cobra.Command {
	var q question
	c := &cobra.Command{
		Use:   "explain FILE --as USER --groups A,B --on CONNECTION COMMAND",
		Short: "Say what a policy decides on a command, and why", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPolicyFile(args[0])
			if err != nil {
				return err
			}
			if q.user == "" || q.connection == "" {
				return usageError{errors.New("who asks, and of which connection?\n    hint: --as dev --groups developers --on db-prod")}
			}
			return judging(func(protocols map[string]gateway.Protocol) error {
				text, err := q.ask(c.Context(), p, protocols, args[1])
				if err == nil {
					_, err = fmt.Fprint(s.out, text)
				}
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&q.user, "as", "", "the user who asks")
	f.StringSliceVar(&q.groups, "groups", nil, "the user's groups")
	f.StringVar(&q.typ, "type", "human", "human, workload or agent")
	f.StringVar(&q.connection, "on", "", "the connection")
	f.StringVar(&q.kind, "kind", "postgres", "the connection's kind")
	f.StringToStringVar(&q.labels, "labels", nil, "the connection's labels, like env=prod")
	return c
}

// ask puts the decision into words. Names of relations stand as they are written: there is no server to ask.
func (q question) ask(ctx context.Context, p *policy.Policy, protocols map[string]gateway.Protocol, command string) (string, error) {
	protocol := protocols[q.kind]
	if protocol == nil {
		return "", usageError{fmt.Errorf("connections of kind %q are not served by this version", q.kind)}
	}
	who := policy.Subject{User: q.user, ID: q.user, Groups: q.groups, Type: q.typ}
	on := policy.Connection{Name: q.connection, Kind: q.kind, Labels: q.labels}
	var b strings.Builder
	if r, ok := p.Reach(who, on); ok {
		fmt.Fprintf(&b, "reach:   %s, for %s\n", r.Rule, r.TTL)
	} else {
		fmt.Fprintf(&b, "reach:   none: %s can't open %s\n", q.user, q.connection)
	}
	j := protocol.JudgeText(ctx, p.Programs(), command)
	if j.Problem != nil {
		fmt.Fprintf(&b, "verdict: deny\nrule:    %s\nwhy:     %s\n", j.Problem.Rule, j.Problem.Message)
		return b.String(), nil
	}
	j.Facts.Now = time.Now()
	d := p.Decide(who, on, j.Facts)
	fmt.Fprintf(&b, "verdict: %s\nrule:    %s\nwhy:     %s\n", d.Verdict, d.Rule, d.Message)
	for _, pair := range d.Judged {
		fmt.Fprintf(&b, "  %-9s %-30s %-8s by %s\n", pair.Effect, pair.Object, pair.Verdict, pair.Rule)
	}
	for _, a := range d.Approvals {
		fmt.Fprintf(&b, "approve: %d of %s (rule %s)\n", max(a.Quorum, 1), strings.Join(append(a.Groups, a.Users...), ", "), a.Rule)
	}
	for _, l := range p.LimitRules(who, on) {
		fmt.Fprintf(&b, "limit:   %s (limit %s)\n", l, l.Name)
	}
	if d.Affected != nil {
		fmt.Fprintf(&b, "limit:   changes of more than %d rows are undone (rule %s)\n", d.Affected.Max, d.Affected.Rule)
	}
	for _, m := range p.Masks(who, on) {
		if m.Rows != nil {
			fmt.Fprintf(&b, "rows:    %s (mask %s)\n", m.Rows.String(m.Columns), m.Name)
		}
		if m.As == "" {
			continue
		}
		fmt.Fprintf(&b, "masked:  %s, as %s (mask %s)\n", strings.Join(slices.Concat(m.Columns, m.Fields, m.JSON, m.Detect), ", "), m.As, m.Name)
	}
	return b.String(), nil
}
