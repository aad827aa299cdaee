package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Sign out, here and at the broker", Args: takes(cobra.NoArgs),
		Long: "End the sign-in at the broker, with all its grants, and forget it on this machine. It is forgotten here even where the broker can't be reached.",
		RunE: func(cmd *cobra.Command, _ []string) error { return p.logout(cmd.Context()) },
	}
}

func (p *program) logout(ctx context.Context) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	if s.workload {
		return &api.Error{Code: api.CodeUsage, Message: "The sign-in is a token of the environment: there is nothing to forget."}
	}
	ended := s.Logout(ctx)
	if err := s.source.SignOut(); err != nil {
		return err
	}
	var known *api.Error
	if errors.As(ended, &known) && known.Code == api.CodeSignInNeeded {
		return nil // it was over already
	}
	if ended != nil {
		p.say("forgotten here, but the broker was not told: the sign-in ends there by itself")
	}
	return ended
}
