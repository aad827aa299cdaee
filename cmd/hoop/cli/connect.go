package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/localproxy"
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
	sink.grant = grant.ID
	l := &link{program: p, options: o, broker: broker, grant: grant, sink: sink, ended: make(chan api.GrantEvent, 1), idle: make(chan struct{}, 1)}
	return l.run(ctx, program)
}

// askAndWait asks for the grant, after offering a sign-in on a terminal, and again while somebody has to approve it.
func (p *program) askAndWait(ctx context.Context, s *session, o connectOptions) (*held, error) {
	in := api.GrantRequest{Connection: o.name, Reason: o.reason, TTLSeconds: int64(o.ttl / time.Second)}
	until := time.Now().Add(o.wait)
	for offered, said := false, false; ; {
		grant, err := s.ask(ctx, "hoop/"+p.version, in)
		var known *api.Error
		switch {
		case err == nil || !errors.As(err, &known):
			return grant, err
		case known.Code == api.CodeSignInNeeded && p.terminal && !offered && !s.workload:
			offered = true
			if err := p.offerSignIn(ctx, s, known); err != nil {
				return grant, err
			}
		case known.Code == api.CodeApprovalPending && o.wait > 0:
			if !time.Now().Before(until) {
				return grant, &api.Error{Code: api.CodeWaitTimedOut, Message: known.Message, Hint: known.Hint, Retryable: true, RequestID: known.RequestID}
			}
			if !said {
				p.say("waiting for an approval, %s at most: %s", o.wait.String(), known.Message)
				said = true
			}
			if err := pause(ctx, time.Second); err != nil {
				return grant, err
			}
		default:
			return grant, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// offerSignIn asks a person at the terminal, and signs them in.
func (p *program) offerSignIn(ctx context.Context, s *session, why *api.Error) error {
	p.say("%s", why.Message)
	_, _ = io.WriteString(p.err, "Sign in now? [Y/n] ")
	line, err := readLine(ctx, p.in)
	if err != nil {
		return why
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "" && answer != "y" && answer != "yes" {
		return why
	}
	_, err = p.signIn(ctx, s, "")
	return err
}

// readLine waits for a line or the end of ctx. A read of a terminal can't be ended: the process ends first.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := bufio.NewReaderSize(io.LimitReader(r, 1024), 1).ReadString('\n')
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// link is an open connection: grant, listener, events.
type link struct {
	program *program
	options connectOptions
	broker  *session
	grant   *held
	sink    *sink

	ended chan api.GrantEvent // the grant's last event
	idle  chan struct{}       // a token whenever the last local program left

	mu      sync.Mutex
	clients int
}

// run opens the listener, says that it is ready, and holds it until the program, the grant or the person ends it.
func (l *link) run(ctx context.Context, program string) error {
	listen := localproxy.Options{Connection: l.grant.Connection, Port: l.options.port, SocketDir: l.options.socket, Dial: l.grant.dial, Events: l.local}
	dir, dirErr := l.program.stateDir()
	if !l.options.portAsked && dirErr == nil {
		listen.Prefer = lastPort(dir, l.broker.origin, l.grant.Connection.Name)
	}
	proxy, err := localproxy.Listen(listen)
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	served := make(chan error, 1)
	wg.Go(func() { served <- proxy.Serve(work) })
	wg.Go(func() { l.follow(work) })
	wg.Go(func() { l.grant.keepFresh(work) })
	cleanup, err := l.publish(ctx, proxy.Endpoint())
	defer cleanup()
	if err != nil {
		return err
	}
	l.sink.ready(l.grant, proxy.Endpoint())
	if len(l.options.command) > 0 {
		return l.program.runChild(ctx, program, l.options.command, l.grant.Connection.Kind, proxy.Endpoint())
	}
	return l.hold(ctx, served)
}

// graceAfterExpiry is how long the gateway leaves a running command after the grant's time is over.
const graceAfterExpiry = 65 * time.Second

// hold waits without a program.
func (l *link) hold(ctx context.Context, served <-chan error) error {
	gone := make(chan struct{})
	if l.options.watchStdin {
		go func() { // a read of stdin can't be ended: the process ends first
			_, _ = io.Copy(io.Discard, l.program.in)
			close(gone)
		}()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-served:
		return err
	case <-gone:
		return nil
	case last := <-l.ended:
		if last.Code == api.EndingExpired {
			l.drain(ctx)
		}
		return endedError(last)
	}
}

// drain lets the commands that run when the time is over come to their end.
func (l *link) drain(ctx context.Context) {
	late := time.After(graceAfterExpiry)
	for {
		l.mu.Lock()
		clients := l.clients
		l.mu.Unlock()
		if clients == 0 {
			return
		}
		select {
		case <-l.idle:
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

func endedError(last api.GrantEvent) *api.Error {
	message := last.Message
	if message == "" {
		message = "The grant is over."
	}
	return &api.Error{Code: api.CodeGrantEnded, Message: message, Hint: "Run `hoop connect` again for a new grant."}
}
