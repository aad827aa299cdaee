package cli

import (
	"io"

	"github.com/spf13/cobra"
)

func (p *program) lockCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "lock USER", Short: "Keep a person out, and end what they have open", Args: takes(cobra.ExactArgs(1)),
		Long: "Lock a person, by user name or by issuer and subject joined with \"|\": their grants and sessions end within a second, and none is given until `hoop unlock`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			l, err := s.Lock(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return p.print(l, func(w io.Writer) { fieldsOf(w, "locked", l.User, "by", l.By, "reason", l.Reason) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

func (p *program) unlockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unlock USER", Short: "Lift a lock", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			if err := s.Unlock(cmd.Context(), args[0]); err != nil {
				return err
			}
			return p.print(object{{"unlocked", args[0]}}, func(w io.Writer) { fieldsOf(w, "unlocked", args[0]) })
		},
	}
}
