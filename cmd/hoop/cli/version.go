package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return p.print(object{{"version", p.version}, {"go", runtime.Version()}, {"os", runtime.GOOS}, {"arch", runtime.GOARCH}},
				func(w io.Writer) { fmt.Fprintln(w, p.version) })
		},
	}
}

// exitCodesTopic is a page of help, not a command.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What hoop's exit codes mean", Long: exitCodesHelp}
}
