package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

func (p *program) sshProxyCommand() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use: "ssh-proxy NAME", Short: "Carry one connection of ssh over stdin and stdout",
		Long: `Carry one connection of ssh to a host over stdin and stdout: it is the ProxyCommand that
"hoop ssh-config" prints. It asks for a grant, and gives it back when ssh ends. It never asks a
question: without a sign-in it says so on stderr and exits 4, and ssh exits 255.`,
		Args: takes(cobra.ExactArgs(1)), ValidArgsFunction: p.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.terminal = false // stdin is the connection's
			o.names = args
			return p.sshProxy(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the record; some connections need one")
	cmd.Flags().DurationVar(&o.wait, "wait", 45*time.Second, "how long to wait for an approval of the grant")
	return cmd
}

// sshProxy opens one tunnel, whose client is the program at stdin and stdout.
func (p *program) sshProxy(ctx context.Context, o connectOptions) error {
	p.connection = o.names[0]
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	dir, err := p.stateDir()
	if err != nil {
		return err
	}
	keys, err := readSSHKeys(dir, sshFilesOf(s.origin))
	if errors.Is(err, fs.ErrNotExist) {
		return &api.Error{Code: api.CodeUsage, Message: "There is no key for ssh yet.", Hint: "Put what `hoop ssh-config` prints into ~/.ssh/config."}
	}
	if err != nil {
		return err
	}
	grant, err := p.askAndWait(ctx, s, p.connection, o)
	defer grant.end(ctx)
	if err != nil {
		return err
	}
	p.grant = grant.ID
	if grant.Connection.Kind != "ssh" {
		return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%s is of kind %s, not a host.", p.connection, grant.Connection.Kind), Hint: "hoop connect " + p.connection + " opens it."}
	}
	grant.ssh = keys.Opening()
	conn, _, err := grant.dial(ctx, nil)
	if err != nil {
		return err
	}
	defer tunnel.Abort(conn)
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { grant.keepFresh(work) })
	return p.carry(ctx, conn)
}

// leaveWithin is how long the gateway has for its last words after ssh has ended.
const leaveWithin = 2 * time.Second

// carry passes bytes until the gateway closes the tunnel, as it does at the grant's end and behind a client that left.
func (p *program) carry(ctx context.Context, conn tunnel.Conn) error {
	back := make(chan error, 1)
	go func() { // ends with the tunnel, which our end closes
		_, err := io.Copy(p.out, conn)
		back <- err
	}()
	there := make(chan struct{})
	go func() { // a read of stdin can't be ended: the process ends first
		_, _ = io.Copy(conn, p.in)
		_ = conn.CloseWrite()
		close(there)
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-back:
		return nil
	case <-there:
	}
	select {
	case <-back:
	case <-time.After(leaveWithin):
	case <-ctx.Done():
	}
	return nil
}
