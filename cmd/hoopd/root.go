package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "0.1.0"

// Exit codes, as `hoop help exit-codes` has them.
const (
	exitOK       = 0
	exitInternal = 1
	exitUsage    = 2
)

// usageError is one that the person at the keyboard can mend: a flag, a configuration, a policy.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// streams are what a command reads and writes.
type streams struct {
	out io.Writer // what was asked for
	err *os.File  // everything for people
}

// run is the program, but for its exit.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := commands(streams{out: os.Stdout, err: os.Stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(os.Stderr, "hoopd: %v\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(os.Stderr, "hoopd: %v\n", err)
		return exitInternal
	}
}

func commands(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "hoopd",
		Short:         "The server of hoop: broker and gateway",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\n    hint: %s --help", err, c.CommandPath())}
	})
	root.AddCommand(serveCommand(s), checkCommand(s), policyCommand(s), devCommand(s), versionCommand(s), grammarCommand())
	strictArguments(root)
	return root
}

// strictArguments makes a wrong number of arguments a usage error, like a wrong flag.
func strictArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{fmt.Errorf("%w\n    hint: %s", err, c.UseLine())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strictArguments(sub)
	}
}

func versionCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.out, "hoopd", version)
			return err
		},
	}
}
