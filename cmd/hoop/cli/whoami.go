package cli

import (
	"io"

	"github.com/spf13/cobra"
)

func (p *program) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "Say who is signed in", Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			who, err := s.WhoAmI(cmd.Context())
			if err != nil {
				return err
			}
			saved, err := s.source.Current(cmd.Context())
			if err != nil {
				return err
			}
			until := saved.Session.RefreshExpiresAt
			if until.IsZero() {
				until = saved.Session.ExpiresAt
			}
			answer := append(object{{"broker", s.origin}}, identityMembers(who)...)
			return p.print(append(answer, member{"expires_at", stamp(until)}), func(w io.Writer) { identityLines(w, who, s.origin, until) })
		},
	}
}
