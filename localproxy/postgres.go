package localproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// openWithin bounds everything that a local program does before it is let through.
const openWithin = 10 * time.Second

// socketPort is the port that stands in the name of a socket, where libpq looks for it.
const socketPort = 5432

// postgres is the front of connections to databases.
type postgres struct {
	*Proxy
	scram   *prover // nil behind a Unix socket, where the peer's uid is checked instead
	cancels cancelKeys
}

func (p *postgres) listen() error {
	p.endpoint.User, p.endpoint.Database = "hoop", p.opts.Connection.Database
	if p.opts.SocketDir != "" {
		p.endpoint.Port = socketPort
		return p.bindSocket(fmt.Sprintf(".s.PGSQL.%d", socketPort))
	}
	secret, err := newSecret()
	if err != nil {
		return err
	}
	if p.scram, err = newProver(secret); err != nil {
		return err
	}
	p.endpoint.Password = secret
	return p.bindPort()
}

func (*postgres) remove() {}

func (p *postgres) serve(ctx context.Context, c net.Conn, proved func() bool) {
	local, ok := c.(relay.Conn)
	if !ok || c.SetDeadline(time.Now().Add(openWithin)) != nil {
		return
	}
	start, err := p.admit(ctx, local)
	if err != nil {
		p.explain(local, err)
		return
	}
	if !proved() || c.SetDeadline(time.Time{}) != nil {
		return
	}
	if start.code == codeCancel {
		p.cancel(ctx, start)
		return
	}
	remote, session, err := p.dial(ctx, start.raw)
	if err != nil {
		p.explain(local, asError(err))
		return
	}
	defer p.forget(remote)
	p.carry(local, remote, session)
}

// carry pumps one client, and knows the key of its cancel requests for as long as it is there.
func (p *postgres) carry(local relay.Conn, remote tunnel.Conn, session string) {
	defer p.client(session)()
	var scan keyScan
	var key string
	p.links.Carry(relay.Link{Local: local, Remote: remote, Seen: func(b []byte) bool {
		if k, found := scan.feed(b); found {
			key = k
			p.cancels.add(key)
		}
		return !scan.done
	}})
	if key != "" {
		p.cancels.remove(key)
	}
}

// admit reads up to the message that says what the program wants, and has the program prove that it may.
func (p *postgres) admit(ctx context.Context, c relay.Conn) (packet, error) {
	if err := p.checkPeer(c); err != nil {
		return packet{}, err
	}
	start, err := readStart(c)
	if err != nil {
		return packet{}, err
	}
	if start.code == codeCancel {
		if !p.cancels.known(start.body()) {
			return packet{}, errors.Join(errSilent, p.guesses.wrong(ctx))
		}
		return start, nil
	}
	database, err := start.database()
	if err != nil {
		return packet{}, err
	}
	if p.scram != nil {
		if err := p.scram.verify(c, start); err != nil {
			return packet{}, p.guessed(ctx, c, err)
		}
	}
	if want := p.opts.Connection.Database; database != "" && want != "" && database != want {
		return packet{}, &pgError{"3D000", fmt.Sprintf("database %q is not what this connection opens", database),
			fmt.Sprintf("%s opens the database %q", p.opts.Connection.Name, want)}
	}
	return start, nil
}

// readStart answers the questions for encryption, each once, with no: there is nothing between the program and us.
func readStart(c io.ReadWriter) (packet, error) {
	asked := map[uint32]bool{}
	for {
		start, err := readPacket(c)
		if err != nil {
			return packet{}, err
		}
		if start.code != codeSSL && start.code != codeGSS {
			return start, nil
		}
		if len(start.raw) != 8 || asked[start.code] {
			return packet{}, fmt.Errorf("%w: request for encryption", errProtocol)
		}
		asked[start.code] = true
		if _, err := c.Write([]byte{'N'}); err != nil {
			return packet{}, err
		}
	}
}

// guessed turns a failed proof into its answer, after the time that a wrong guess costs.
func (p *postgres) guessed(ctx context.Context, c net.Conn, err error) error {
	if !errors.Is(err, errSecret) {
		return err
	}
	// The wait for its turn may be longer than a program has for opening.
	if derr := c.SetDeadline(time.Time{}); derr != nil {
		return derr
	}
	if werr := p.guesses.wrong(ctx); werr != nil {
		return errSilent
	}
	return &pgError{"28P01", "password authentication failed",
		"the password is that of the running hoop connect: hoop env " + p.opts.Connection.Name}
}

// checkPeer lets only processes of the same user in behind a Unix socket.
func (p *postgres) checkPeer(c net.Conn) error {
	if p.scram == nil && !ours(c) {
		return &pgError{"28000", "this socket belongs to another user", ""}
	}
	return nil
}

// cancel forwards a cancel request and keeps the asking program waiting until the gateway has taken it.
func (p *postgres) cancel(ctx context.Context, start packet) {
	remote, _, err := p.dial(ctx, start.raw)
	if err != nil {
		p.opts.Log.Warn("cancel request was not forwarded", "error", err)
		return
	}
	defer p.forget(remote)
	if remote.CloseWrite() == nil && remote.SetReadDeadline(time.Now().Add(tunnel.Timeout)) == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(remote, 1024))
	}
}

// errSilent closes without a word.
var errSilent = errors.New("closed without an answer")

// pgError is an error that is of PostgreSQL's own kind.
type pgError struct{ sqlstate, message, hint string }

func (e *pgError) Error() string { return e.message }

// explain tells a program why it is not let in, in its protocol's words, and closes.
func (p *postgres) explain(c relay.Conn, err error) {
	var own *pgError
	var known *api.Error
	var answer []byte
	switch {
	case errors.As(err, &own):
		answer = fatal(own.sqlstate, own.message, own.hint)
	case errors.As(err, &known):
		answer = fatalError(known)
	case errors.Is(err, errProtocol):
		answer = fatal("08P01", err.Error(), "")
	default:
		return // it is gone, or took too long
	}
	if c.SetDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	if _, err := c.Write(answer); err == nil && c.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c, maxStartup))
	}
}
