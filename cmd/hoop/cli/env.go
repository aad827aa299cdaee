package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) envCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "env NAME", Short: "Print the variables of a running connection", Args: takes(cobra.ExactArgs(1)),
		Long:              "Print what programs need to use a connection that `hoop connect NAME` holds open on this machine. In a shell: eval \"$(hoop env NAME)\"",
		ValidArgsFunction: p.completeConnections,
		RunE:              func(_ *cobra.Command, args []string) error { return p.env(args[0], format) },
	}
	cmd.Flags().StringVar(&format, "format", "sh", "sh, fish, powershell, dotenv, json or github")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(localproxy.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (p *program) env(connection, format string) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	dir, err := p.stateDir()
	if err != nil {
		return err
	}
	found, err := findRunning(dir, s.origin, connection)
	if err != nil {
		return err
	}
	text, err := localproxy.FormatEnv(format, found.Env)
	if err != nil {
		return &api.Error{Code: api.CodeUsage, Message: err.Error() + "."}
	}
	_, err = io.WriteString(p.out, text)
	return err
}
