package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

type connectOptions struct {
	names      []string
	command    []string // the program to run; empty: hold the connections open
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

const connectHelp = `Open connections on this machine, and hold them open until Ctrl-C or their grants' end.

With "-- CMD ARGS..." the program runs with the connections in its environment, and they end
with it; the exit code is the program's own. A database: PGHOST, PGPORT, PGUSER, PGPASSWORD,
PGDATABASE, DATABASE_URL. Hosts: HOOP_SSH_CONFIG, a configuration for ssh -F that knows all
of them by their names, and GIT_SSH_COMMAND; ssh, scp and sftp are given it by hoop. Clusters:
KUBECONFIG, a private file with a context for each of them, the first is current. A service:
HOOP_URL, which holds the secret; of several, HOOP_URL_NAME for each.
Without a sign-in and without a terminal it exits 4.`

func (p *program) connectCommand() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use: "connect NAME... [flags] [-- CMD ARGS...]", Short: "Open connections on this machine", Long: connectHelp,
		Example: "  hoop connect db-prod -- psql -c 'select 1'\n  hoop connect db-prod --port 5433\n" +
			"  hoop connect web-1 -- ssh web-1 uptime\n  hoop connect k8s-stg -- kubectl get pods\n" +
			"  hoop connect grafana -- sh -c 'curl $HOOP_URL/api/health'\n  hoop connect web-1 web-2 db-prod -- ./deploy.sh",
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				o.command, args = args[dash:], args[:dash]
				if len(o.command) == 0 {
					return &api.Error{Code: api.CodeUsage, Message: "There is no command behind --.", Hint: "Usage: " + cmd.UseLine()}
				}
			}
			return takes(cobra.MinimumNArgs(1))(cmd, args)
		},
		ValidArgsFunction: p.completeMore,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args = args[:dash]
			}
			o.names, o.portAsked = args, cmd.Flags().Changed("port")
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
	case len(o.names) > 1 && (o.port != 0 || o.socket != ""):
		return &api.Error{Code: api.CodeUsage, Message: "--port and --socket are for one connection, and there are several."}
	}
	for i, name := range o.names {
		if slices.Contains(o.names[:i], name) {
			return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%q is named twice.", name)}
		}
	}
	return nil
}

// connect goes through the whole life of connections: everything that can be wrong here first, then the sign-in and the
// grants, then the listeners, then the program or the wait, and at the end all of it is taken down again.
func (p *program) connect(ctx context.Context, o connectOptions) (err error) {
	if len(o.names) == 1 {
		p.connection = o.names[0]
	}
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
	out, err := p.openEvents(o)
	if err != nil {
		return err
	}
	defer out.close()
	all := &links{program: p, options: o}
	defer func() {
		all.end(ctx)
		all.over(out, err)
	}()
	for _, name := range o.names {
		if err := all.ask(ctx, broker, out, name); err != nil {
			return err
		}
	}
	return all.run(ctx, program)
}
