package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/freetext"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"
)

// settings are what a client's startup asks for. What SET would not change for everybody refuses the connection by its
// name. User and database come from the grant and the connection: the client's are not looked at.
func settings(s wire.Startup) (map[string]string, error) {
	chosen := map[string]string{}
	listed, err := options(s.Parameters["options"])
	if err != nil {
		return nil, err
	}
	for _, o := range listed {
		if err := choose(chosen, o.name, o.value); err != nil {
			return nil, fmt.Errorf("%w, as its options ask", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) { // they go before options, as PostgreSQL has it
		if name == "user" || name == "database" || name == "options" {
			continue
		}
		if err := choose(chosen, strings.ToLower(name), s.Parameters[name]); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// choose takes one setting by its name in lower case. A pinned one is taken where it changes nothing.
func choose(chosen map[string]string, name, value string) error {
	switch {
	case name == "client_encoding":
		if !utf8Name(value) {
			return fmt.Errorf("client_encoding %q is not served, only UTF8", value)
		}
	case pinned[name] != "" && pinned[name] == strings.ToLower(value):
	case !pgsql.HarmlessSetting(name):
		return fmt.Errorf("the startup parameter %q is not served", name)
	case len(value) > 256:
		return fmt.Errorf("the startup parameter %q is too long", name)
	default:
		chosen[name] = value
	}
	return nil
}

func utf8Name(v string) bool {
	v = strings.ToLower(strings.Trim(v, "'\""))
	return v == "utf8" || v == "utf-8" || v == "unicode"
}

// baseConfig is what pgconn insists on having read by itself: it looks for files and variables, once.
var baseConfig = sync.OnceValues(func() (*pgconn.Config, error) {
	return pgconn.ParseConfig("host=localhost user=none sslmode=disable passfile=/dev/null")
})

// targetConfig is how the gateway connects: nothing of it comes from its own environment.
func targetConfig(t gateway.Target, chosen map[string]string) (*pgconn.Config, error) {
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		return nil, fmt.Errorf("read the address of connection %s: %w", t.Connection.Name, err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("read the port of connection %s: %w", t.Connection.Name, err)
	}
	base, err := baseConfig()
	if err != nil {
		return nil, fmt.Errorf("prepare connection %s: %w", t.Connection.Name, err)
	}
	c := base.Copy()
	c.Host, c.Port, c.Database = host, uint16(number), t.Database
	c.User, c.Password = t.Credential.User, t.Credential.Password.Reveal()
	c.TLSConfig, c.Fallbacks = t.TLS, nil
	if !private(t) {
		c.RequireAuth = "scram-sha-256,none"
	}
	c.MaxProtocolMessageBodyLen = 1 << 20
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &seam{conn}, nil
	}
	c.RuntimeParams = map[string]string{}
	maps.Copy(c.RuntimeParams, chosen)
	maps.Copy(c.RuntimeParams, pinned)
	c.RuntimeParams["backslash_quote"] = "safe_encoding"
	if t.ReadOnly {
		c.RuntimeParams[laneSetting] = "on"
	}
	return c, nil
}

// private says that whoever answers at a target's address is the target, and nobody listens. Elsewhere the credential is
// proved but not shown: who asks for it in clear, or for a digest that can be guessed from, does not get it.
func private(t gateway.Target) bool {
	if strings.HasPrefix(t.Address, "/") {
		return true
	}
	return t.TLS != nil && (!t.TLS.InsecureSkipVerify || t.TLS.VerifyConnection != nil)
}

// negotiate answers a protocol newer than 3.0 or with options: 3.0 without them. (Message NegotiateProtocolVersion.)
func negotiate(options []string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 0)
	body = binary.BigEndian.AppendUint32(body, uint32(len(options)))
	for _, o := range options {
		body = append(append(body, o...), 0)
	}
	return append(binary.BigEndian.AppendUint32([]byte{'v'}, uint32(len(body)+4)), body...)
}

// fatal is the last message of a session: why it ended, in PostgreSQL's words.
func fatal(why error) []byte {
	var e *api.Error
	switch {
	case errors.As(why, &e):
		return fatalText(sqlState(e.Code), "hoop: "+e.Message, e.Hint)
	case errors.Is(why, record.ErrFailed):
		return fatalText("53100", "hoop: the recording can't be written, and nothing runs unrecorded", "Connect again once the gateway's operator has made room for recordings.")
	case errors.Is(why, freetext.ErrTooLong):
		return fatalText("54000", "hoop: a row is longer than 16 MiB, and detectors are in force: it can't be looked at, so it is not shown", "Ask for less of it, or COPY it in text format.")
	case errors.Is(why, wire.ErrProtocol):
		return fatalText("08P01", "hoop: "+why.Error(), "")
	case errors.Is(why, guard.ErrDetectors), errors.Is(why, freetext.ErrTooDeep):
		return fatalText("XX000", "hoop: detectors failed, and what can't be looked at is not shown", "Ask who runs the gateway: its log says more.")
	case errors.Is(why, errTargetGone), errors.Is(why, io.ErrUnexpectedEOF):
		return fatalText("08006", "hoop: the target ended the connection", "Connect again.")
	}
	return fatalText("57P01", "hoop: the session ended", "Connect again; the gateway's log says why it ended.")
}

// sqlState is the code that PostgreSQL's clients know for one of ours.
func sqlState(code string) string {
	switch code {
	case api.CodeGrantEnded, api.CodeLocked:
		return "57P01"
	case api.CodeDenied, api.CodeNoSuchConnection, api.CodeSignInNeeded:
		return "28000"
	case api.CodeTargetDown:
		return "08006"
	case api.CodeUsage:
		return "0A000"
	case "unrecorded":
		return "53100"
	case codeIdle:
		return "25P03"
	case codeOverrun:
		return "57014"
	case codeOutdated:
		return "40001"
	}
	return "57P03"
}

func fatalText(code, message, hint string) []byte {
	e := pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message, Hint: hint}
	return encoded(&e)
}
