package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) grantsCommand() *cobra.Command {
	return group("grants", "List and end grants", p.grantsLsCommand(), p.grantsEndCommand())
}

func (p *program) grantsLsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List one's own grants, and those that one may end", Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := s.Grants(cmd.Context())
			if err != nil {
				return err
			}
			return printList(p, "grants", all, []string{"grant", "connection", "user", "state", "expires", "reason"}, func(g api.Grant) []string {
				return []string{g.ID, g.Connection.Name, g.Identity.User, g.State, local(g.ExpiresAt), g.Reason}
			})
		},
	}
}

func (p *program) grantsEndCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "end ID", Short: "End a grant and its sessions", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			g, err := s.EndGrant(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return p.print(g, func(w io.Writer) {
				fieldsOf(w, "grant", g.ID, "connection", g.Connection.Name, "user", g.Identity.User, "state", g.State)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}
