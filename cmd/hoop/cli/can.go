package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

type canOptions struct {
	user   string
	groups []string
}

func (p *program) canCommand() *cobra.Command {
	var o canOptions
	cmd := &cobra.Command{
		Use: "can NAME [COMMAND]", Short: "Say what one may do there, or whether a command would run", Args: takes(cobra.RangeArgs(1, 2)),
		Long:              "Without a command: what the rules let you do on a connection. With one: whether it would run, why, and if not, what would make it run. Nothing is sent to the target.",
		ValidArgsFunction: p.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			in := api.CanRequest{Connection: args[0]}
			if len(args) == 2 {
				in.Command = args[1]
			}
			if o.user != "" || len(o.groups) > 0 {
				in.As = &api.As{User: o.user, Groups: o.groups}
			}
			return p.can(cmd.Context(), in)
		},
	}
	cmd.Flags().StringVar(&o.user, "as", "", "ask for another user (needs the power policy.explain)")
	cmd.Flags().StringSliceVar(&o.groups, "groups", nil, "the groups of that user")
	return cmd
}

func (p *program) can(ctx context.Context, in api.CanRequest) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	answer, err := s.Can(ctx, in)
	if err != nil {
		return err
	}
	return p.print(answer, func(w io.Writer) { canText(w, answer) })
}

// canText is shared with policy explain, so that both say the same thing.
func canText(w io.Writer, c api.Can) {
	fieldsOf(w, "connection", c.Connection, "verdict", c.Verdict, "rule", c.Rule, "message", c.Message, "masked", strings.Join(c.Masked, ", "),
		"rows", strings.Join(c.Rows, "; "), "detected", strings.Join(c.Detected, ", "))
	for _, a := range c.Accesses {
		fmt.Fprintf(w, "  %s %s: %s (%s)\n", record.Escape(a.Effect), record.Escape(a.Object), record.Escape(a.Verdict), record.Escape(a.Rule))
	}
	if c.Runs != "" {
		fmt.Fprintf(w, "runs:\n%s\n", record.EscapeLines(c.Runs))
	}
	for _, r := range c.Remedy {
		fmt.Fprintf(w, "what would help (%s): %s\n", record.Escape(r.Kind), record.Escape(r.Text))
	}
	for _, r := range c.Rules {
		fmt.Fprintf(w, "  %s: %s", record.Escape(r.Rule), record.Escape(r.Verdict))
		if len(r.Effects) > 0 {
			fmt.Fprintf(w, " %s", record.Escape(strings.Join(r.Effects, ", ")))
		}
		if len(r.Objects) > 0 {
			fmt.Fprintf(w, " on %s", record.Escape(strings.Join(r.Objects, ", ")))
		}
		if r.Facts != "" {
			fmt.Fprintf(w, " where %s", record.Escape(r.Facts))
		}
		fmt.Fprintln(w)
	}
	for _, l := range c.Limits {
		fmt.Fprintf(w, "limit %s\n", record.Escape(l))
	}
}
