package postgres

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"
)

// errFull says that the target has no place for another connection.
var errFull = errors.New("the target has too many connections")

// errTargetGone says that the target ended the connection.
var errTargetGone = errors.New("the target ended the connection")

// pinned are settings that the gateway's understanding of every text rests on. The session ends if the target reports
// another value; every way to change them is refused before that.
var pinned = map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on"}

// upstream is the connection to the target, connected and authenticated.
type upstream struct {
	conn       net.Conn
	self       func() *pgconn.PgConn // over the same socket: for cancelling, and for the gateway's own questions
	process    uint32
	secret     uint32 // the gateway's own, given to the client
	role       string
	searchPath []string

	mu       sync.Mutex
	settings map[string]string
	fixed    map[string]string // pinned, and what identifies the session's role
	origin   origin

	thorough  bool // its last session may have changed any setting
	cancelled bool // a cancel request was sent
	gone      bool // the connection is another upstream's
}

// connect opens and authenticates a connection to the target with settings that the client may choose.
func connect(ctx context.Context, c *pgconn.Config) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	boundIterations(c)
	conn, err := pgconn.ConnectConfig(ctx, c)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "53300":
		return nil, fmt.Errorf("%w: %w", errFull, targetError(err))
	case err != nil:
		return nil, targetError(err)
	}
	return conn, nil
}

// takeOver asks what names mean in the session and takes the socket over.
func takeOver(ctx context.Context, conn *pgconn.PgConn, secret uint32) (*upstream, error) {
	f, err := inspect(ctx, conn)
	if err == nil {
		err = settle(ctx, conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	h, err := conn.Hijack()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take over the target's connection: %w", err), conn.Close(ctx))
	}
	u := &upstream{
		conn: h.Conn, process: h.PID, secret: secret, role: f.role, searchPath: f.path,
		settings: h.ParameterStatuses, fixed: map[string]string{}, origin: origin{f, maps.Clone(h.ParameterStatuses)},
	}
	for name, want := range pinned {
		if h.ParameterStatuses[name] != want {
			return nil, errors.Join(fmt.Errorf("%w: the target runs with %s=%s", wire.ErrProtocol, name, h.ParameterStatuses[name]), h.Conn.Close())
		}
		u.fixed[name] = want
	}
	for _, name := range []string{"session_authorization", "is_superuser"} {
		u.fixed[name] = h.ParameterStatuses[name]
	}
	u.self = aside(h)
	return u, nil
}

// aside is pgconn over a socket that was taken over from it. Most sessions never need it, and it has 10 KiB of buffers, so
// that it is made when it is first asked for.
func aside(h *pgconn.HijackedConn) func() *pgconn.PgConn {
	h.Frontend = nil
	return sync.OnceValue(func() *pgconn.PgConn {
		c, err := pgconn.Construct(h)
		if err != nil {
			panic("pgconn does not take its own connection back: " + err.Error()) // it has no error to give
		}
		return c
	})
}

// settle ends what pgconn does with the socket in the background: after a write that took it 15 ms it reads ahead, and
// would take the answer to what the session sends next.
func settle(ctx context.Context, conn *pgconn.PgConn) error {
	if err := conn.SyncConn(ctx); err != nil {
		return fmt.Errorf("take over the target's connection: %w", err)
	}
	return nil
}

// situation is what names mean in a session besides what the catalog says.
type situation struct {
	path []string // schemas that names are looked up in
	role string
	// frozen: the transaction reads what was committed when it began, of the catalog too. The target itself does not: it takes
	// names as they are now.
	frozen bool
}

// situated asks a session for its situation.
func situated(ctx context.Context, conn *pgconn.PgConn) (now situation, err error) {
	row, err := oneRow(ctx, conn, "SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true)), current_user, pg_catalog.current_setting('transaction_isolation')", 3)
	if err != nil {
		return now, fmt.Errorf("ask for the search path: %w", err)
	}
	if err := json.Unmarshal(row[0], &now.path); err != nil {
		return now, fmt.Errorf("read the search path: %w", err)
	}
	now.role = string(row[1])
	now.frozen = string(row[2]) != "read committed" && string(row[2]) != "read uncommitted"
	return now, nil
}

// greeting is what tells the client that it is signed in.
func (u *upstream) greeting() []byte {
	messages := []encoder{&pgproto3.AuthenticationOk{}}
	for name, value := range u.all() {
		messages = append(messages, &pgproto3.ParameterStatus{Name: name, Value: value})
	}
	messages = append(messages, &pgproto3.BackendKeyData{ProcessID: u.process, SecretKey: u.secret}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	return encoded(messages...)
}

// status takes a ParameterStatus of the target. A fixed setting that changes ends the session.
func (u *upstream) status(body []byte) error {
	name, value, err := wire.DecodeParameterStatus(body)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if want, ok := u.fixed[name]; ok && want != value {
		return fmt.Errorf("%w: the target changed %s", wire.ErrProtocol, name)
	}
	if len(u.settings) > 200 {
		return fmt.Errorf("%w: the target reports too many settings", wire.ErrProtocol)
	}
	u.settings[name] = value
	return nil
}

// all is a copy of what the target reported.
func (u *upstream) all() map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.settings)
}

// meaning is what of the settings gives literals their meaning.
func (u *upstream) meaning() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return []string{u.settings["DateStyle"], u.settings["IntervalStyle"], u.settings["TimeZone"]}
}

// cancel asks the target to stop what the session runs.
func (u *upstream) cancel() {
	if !u.fence() {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	_ = u.self().CancelRequest(ctx) // the sockets are closed next in any case
}

// abandon ends the connection such that the target runs nothing more of what it was sent, once it has been made to stop what it runs: it
// would go on with what waits behind that, but it looks first whether it can still be heard, and finds the connection broken.
func (u *upstream) abandon() {
	under := u.beneath()
	if s, ok := under.(*seam); ok {
		under = s.Conn
	}
	switch c := under.(type) {
	case *pump.Conn:
		_ = c.Reset() // else it is closed already
		select {
		case <-c.Gone():
		case <-time.After(tellWithin): // somebody still writes
		}
	case *net.TCPConn:
		_ = c.SetLinger(0) // else it is closed already
		_ = c.Close()
	default:
		_ = c.Close()
	}
}

// beneath is what the connection's TLS runs over; without TLS the connection itself.
func (u *upstream) beneath() net.Conn {
	if t, ok := u.conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return u.conn
}

// Close ends the connection, politely where the target still listens.
func (u *upstream) Close() error {
	u.mu.Lock()
	gone := u.gone
	u.mu.Unlock()
	if gone {
		return nil
	}
	_ = u.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = u.conn.Write(encoded(&pgproto3.Terminate{}))
	return u.conn.Close()
}
