package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

type connectOptions struct {
	name       string
	command    []string // the program to run; empty: hold the connection open
	port       int
	portAsked  bool
	socket     string
	wait       time.Duration
	reason     string
	ttl        time.Duration
	envFile    string
	watchStdin bool
	events     string
}

const connectHelp = `Open a connection on this machine, and hold it open until Ctrl-C or the grant's end.

With "-- CMD ARGS..." the program runs with the connection in its environment (PGHOST,
PGPORT, PGUSER, PGPASSWORD, PGDATABASE, DATABASE_URL), and the connection ends with it;
the exit code is the program's own. Without a sign-in and without a terminal it exits 4.`

func (p *program) connectCommand() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use: "connect NAME [flags] [-- CMD ARGS...]", Short: "Open a connection on this machine", Long: connectHelp,
		Example: "  hoop connect db-prod -- psql -c 'select 1'\n  hoop connect db-prod --port 5433",
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				o.command, args = args[dash:], args[:dash]
				if len(o.command) == 0 {
					return &api.Error{Code: api.CodeUsage, Message: "There is no command behind --.", Hint: "Usage: " + cmd.UseLine()}
				}
			}
			return takes(cobra.ExactArgs(1))(cmd, args)
		},
		ValidArgsFunction: p.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name, o.portAsked = args[0], cmd.Flags().Changed("port")
			if !cmd.Flags().Changed("wait") && p.terminal {
				o.wait = 15 * time.Minute
			}
			return p.connect(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.port, "port", 0, "TCP port on 127.0.0.1; 0: any free one (default: the port it had last time, else a free one)")
	f.StringVar(&o.socket, "socket", "", "listen on a Unix socket in this private directory instead")
	f.DurationVar(&o.wait, "wait", 45*time.Second, "how long to wait for an approval of the grant; on a terminal 15m")
	f.StringVar(&o.reason, "reason", "", "why, for the record; some connections need one")
	f.DurationVar(&o.ttl, "ttl", 0, "end the grant after this time, if that is earlier than the policy says")
	f.StringVar(&o.envFile, "env-file", "", "write the environment to this file, and remove it at the end")
	f.BoolVar(&o.watchStdin, "watch-stdin", false, "end when stdin ends, as it does when the program that started hoop is gone")
	f.StringVar(&o.events, "events", "", "write events as JSON lines to a file, or to fd:N")
	return cmd
}

func (o *connectOptions) check() error {
	switch {
	case o.port < 0 || o.port > 65535:
		return &api.Error{Code: api.CodeUsage, Message: "--port must be between 0 and 65535."}
	case o.portAsked && o.socket != "":
		return &api.Error{Code: api.CodeUsage, Message: "--port and --socket exclude each other."}
	case o.ttl < 0 || o.ttl > 0 && o.ttl < time.Second:
		return &api.Error{Code: api.CodeUsage, Message: "--ttl must be a second or more."}
	case o.wait < 0:
		return &api.Error{Code: api.CodeUsage, Message: "--wait must not be negative."}
	case o.watchStdin && len(o.command) > 0:
		return &api.Error{Code: api.CodeUsage, Message: "--watch-stdin and a command exclude each other: stdin is the command's."}
	}
	return nil
}

// connect goes through the whole life of a connection: everything that can be wrong here first, then the sign-in and the
// grant, then the listener, then the program or the wait, and at the end all of it is taken down again.
func (p *program) connect(ctx context.Context, o connectOptions) (err error) {
	p.connection = o.name
	if err := o.check(); err != nil {
		return err
	}
	program, err := findProgram(o.command)
	if err != nil {
		return err
	}
	broker, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer broker.Close()
	sink, err := p.openEvents(o)
	if err != nil {
		return err
	}
	defer sink.close()
	defer func() { sink.over(err) }()
	grant, err := p.askAndWait(ctx, broker, o)
	defer grant.end(ctx)
	if err != nil {
		return err
	}
	sink.grant, p.grant = grant.ID, grant.ID
	l := &link{program: p, options: o, broker: broker, grant: grant, sink: sink, ended: make(chan api.GrantEvent, 1), idle: make(chan struct{}, 1)}
	return l.run(ctx, program)
}
