package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func (p *program) approvalsCommand() *cobra.Command {
	return group("approvals", "See and decide what waits for a person", p.approvalsLsCommand(), p.approvalsShowCommand(),
		p.decideCommand("approve", "Let the command run, once"), p.decideCommand("reject", "Refuse the command"), p.approvalsWaitCommand())
}

func (p *program) approvalsLsCommand() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use: "ls", Short: "List requests that one made or may decide", Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := s.Approvals(cmd.Context(), state)
			if err != nil {
				return err
			}
			return printList(p, "approvals", all, []string{"approval", "state", "connection", "requester", "expires", "command"}, func(a api.Approval) []string {
				return []string{a.ID, a.State, a.Connection, a.Requester.User, local(a.ExpiresAt), beginning(a.Command)}
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only those in this state: pending, approved, used, rejected, expired or withdrawn")
	return cmd
}

// beginning fits a command into a line of a list. `approvals show` has it in full.
func beginning(command string) string {
	line := strings.Join(strings.Fields(command), " ")
	if runes := []rune(line); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return line
}

func (p *program) approvalsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a request in full", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			a, err := s.Approval(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.print(a, func(w io.Writer) { approvalText(w, a) })
		},
	}
}

// approvalText shows all that would run. Nothing is cut, and what a terminal would act on or hide is written out.
func approvalText(w io.Writer, a api.Approval) {
	fieldsOf(w, "approval", a.ID, "state", a.State, "connection", a.Connection,
		"requester", fmt.Sprintf("%s (%s; %s)", a.Requester.User, a.Requester.Type, strings.Join(a.Requester.Groups, ", ")),
		"reason", a.Reason, "rule", a.Rule, "asked", local(a.CreatedAt), "expires", local(a.ExpiresAt), "digest", a.Digest)
	fmt.Fprintln(w, "command:")
	for line := range strings.Lines(record.EscapeLines(a.Command)) {
		fmt.Fprintf(w, "  %s\n", strings.TrimSuffix(line, "\n"))
	}
	for i, param := range a.Params {
		fmt.Fprintf(w, "  $%d = %s\n", i+1, record.Escape(param))
	}
	fmt.Fprintln(w, "what it does:")
	for _, access := range a.Accesses {
		fmt.Fprintf(w, "  %s %s\n", record.Escape(access.Effect), record.Escape(access.Object))
	}
	fieldsOf(w, "filter", a.Filter, "preview", a.Preview)
	for _, who := range a.Approvers {
		fieldsOf(w, "needs", fmt.Sprintf("%d of %s (%s)", who.Quorum, strings.Join(append(who.Users, who.Groups...), ", "), who.Rule))
	}
	for _, d := range a.Decisions {
		fieldsOf(w, d.Decision, fmt.Sprintf("%s, %s, %s: %s", d.By.User, local(d.Time), d.Scope, d.Comment))
	}
}

type decideOptions struct{ digest, comment string }

func (p *program) decideCommand(decision, short string) *cobra.Command {
	var o decideOptions
	cmd := &cobra.Command{
		Use: decision + " ID", Short: short, Args: takes(cobra.ExactArgs(1)),
		Long: short + ". The request is shown, and the decision holds for exactly what was shown. With --digest it holds only for what you looked at before.",
		RunE: func(cmd *cobra.Command, args []string) error { return p.decide(cmd.Context(), decision, args[0], o) },
	}
	cmd.Flags().StringVar(&o.digest, "digest", "", "decide only if the request still has this digest")
	cmd.Flags().StringVar(&o.comment, "comment", "", "a word to the requester")
	return cmd
}

// decide sends the digest of what it has shown: if the request became another one meanwhile, the broker refuses.
func (p *program) decide(ctx context.Context, decision, id string, o decideOptions) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	a, err := s.Approval(ctx, id)
	if err != nil {
		return err
	}
	approvalText(p.err, a)
	if o.digest != "" && o.digest != a.Digest {
		return &api.Error{Code: api.CodeConflict, Message: "The request is not the one with this digest.", Hint: "Look at it again: hoop approvals show " + id}
	}
	decided, err := s.Decide(ctx, id, api.DecisionRequest{Decision: decision, Digest: a.Digest, Comment: o.comment})
	if err != nil {
		return err
	}
	return p.print(decided, func(w io.Writer) { fieldsOf(w, "approval", decided.ID, "state", decided.State) })
}

func (p *program) approvalsWaitCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "wait ID", Short: "Wait until a request is decided", Args: takes(cobra.ExactArgs(1)),
		Long: "Wait until a request is decided. Exit 0: approved; 7: rejected, expired or withdrawn; 9: nobody decided in time.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			p.say("waiting for %s, %s at most", args[0], timeout.String())
			a, err := s.WaitApproval(cmd.Context(), args[0], timeout)
			if err != nil {
				return err
			}
			if err := p.print(a, func(w io.Writer) { fieldsOf(w, "approval", a.ID, "state", a.State) }); err != nil {
				return err
			}
			if a.State == api.ApprovalApproved || a.State == api.ApprovalUsed {
				return nil
			}
			return &api.Error{Code: api.CodeRejected, Message: "The request is " + a.State + ".", Hint: "hoop approvals show " + a.ID + " says by whom."}
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	return cmd
}
