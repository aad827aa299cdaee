package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// root is the tree of commands.
func (p *program) root() *cobra.Command {
	p.flags = &flagValues{}
	root := &cobra.Command{
		Use:   "hoop",
		Short: "Open databases and other targets without holding their credentials",
		Long: `hoop opens a connection to a named target for a short time: it signs you in, asks the
broker for a grant, and listens on this machine. The target's credential stays at the
gateway, where every command is judged, masked and recorded.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			p.began = true
			return p.chooseFormat(cmd)
		},
	}
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetIn(p.in)
	flags := root.PersistentFlags()
	flags.StringVar(&p.flags.broker, "broker", "", "URL of the broker (HOOP_BROKER)")
	flags.StringVar(&p.flags.caFile, "ca-file", "", "PEM file of a CA to trust for broker and provider (HOOP_CA_FILE)")
	flags.StringVar(&p.flags.tokenStore, "token-store", "", "where the sign-in is kept: auto, keyring, file or none (HOOP_TOKEN_STORE)")
	flags.StringVar(&p.flags.tokenFile, "token-file", "", "sign in with the ID token in this file (HOOP_TOKEN_FILE)")
	flags.StringVarP(&p.flags.output, "output", "o", "", "output: text, json or ndjson (HOOP_OUTPUT)")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputFormats(), cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("token-store", cobra.FixedCompletions([]string{"auto", "keyring", "file", "none"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(
		p.loginCommand(), p.logoutCommand(), p.whoamiCommand(),
		p.lsCommand(), p.connectCommand(), p.envCommand(), p.canCommand(),
		p.sshConfigCommand(), p.sshProxyCommand(),
		p.grantsCommand(), p.lockCommand(), p.unlockCommand(),
		p.approvalsCommand(), p.sessionsCommand(), p.policyCommand(),
		p.completionCommand(), p.versionCommand(), exitCodesTopic(),
	)
	return root
}

// chooseFormat takes the output format from the flag, or else from the settings.
func (p *program) chooseFormat(cmd *cobra.Command) error {
	chosen := p.flags.output
	if chosen == "" {
		chosen = p.getenv("HOOP_OUTPUT")
	}
	if chosen == "" && cmd.Name() != "version" && cmd.Name() != "completion" {
		set, err := p.load()
		if err != nil {
			return err
		}
		chosen = set.Output
	}
	switch chosen {
	case "":
		p.format = formatText
	case formatText, formatJSON, formatNDJSON:
		p.format = chosen
	default:
		return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("Output %q is not known.", chosen), Hint: "It is one of " + strings.Join(outputFormats(), ", ") + "."}
	}
	return nil
}

// group is a command that only holds others. Called alone it shows its help, with another word it is an error.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(children...)
	return cmd
}

// takes makes errors in the number of arguments errors of usage.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &api.Error{Code: api.CodeUsage, Message: err.Error() + ".", Hint: "Usage: " + cmd.UseLine()}
		}
		return nil
	}
}
