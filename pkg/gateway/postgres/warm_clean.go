package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/jackc/pgx/v5/pgconn"
)

// origin is what a connection was like when it was new.
type origin struct {
	found
	reported map[string]string // ParameterStatus
}

// condition asks for what a session can leave on its connection. The first two columns are what situation asks for. The
// third is what must be as it was when the connection was new. The others count what must not be there: prepared
// statements, cursors, channels listened to, advisory locks, a schema for temporary objects (even an empty one: it is
// never dropped), and languages whose functions keep variables of their own, which no command resets.
// The random number generator is seeded anew, so that a session does not choose what the next one draws.
// Operators are named with their schema, since a role may look elsewhere first.
const condition = `SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true)), current_user, pg_catalog.array_to_json(ARRAY[
session_user::pg_catalog.text, pg_catalog.current_setting('role'), pg_catalog.current_setting('search_path'),
pg_catalog.current_setting('default_transaction_read_only'), pg_catalog.current_setting('transaction_read_only'),
pg_catalog.current_setting('default_transaction_isolation'), pg_catalog.current_setting('session_replication_role'),
pg_catalog.current_setting('row_security'), pg_catalog.current_setting('client_encoding'),
pg_catalog.current_setting('standard_conforming_strings'), pg_catalog.current_setting('backslash_quote'),
pg_catalog.current_setting('statement_timeout'), pg_catalog.current_setting('lock_timeout'),
pg_catalog.current_setting('idle_in_transaction_session_timeout'), pg_catalog.current_setting('DateStyle'),
pg_catalog.current_setting('IntervalStyle'), pg_catalog.current_setting('TimeZone'),
pg_catalog.current_setting('extra_float_digits'), pg_catalog.current_setting('application_name'),
pg_catalog.current_setting('client_min_messages')]), pg_catalog.setseed(%v),
(SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statement()), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_cursor()),
(SELECT pg_catalog.count(*) FROM pg_catalog.pg_listening_channels()), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_lock_status() AS l
WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()),
pg_catalog.pg_my_temp_schema(), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_language AS l
WHERE l.lanname OPERATOR(pg_catalog.<>) ALL (ARRAY['internal', 'c', 'sql', 'plpgsql']::pg_catalog.name[])), ` + defaults

// defaults are the settings that ALTER ROLE and ALTER DATABASE give to new connections of this kind: RESET goes back to those that the
// connection was opened with.
const defaults = `(SELECT pg_catalog.string_agg(pg_catalog.concat(s.setdatabase, ' ', s.setrole, ' ', s.setconfig), ';' ORDER BY s.setdatabase, s.setrole)
FROM pg_catalog.pg_db_role_setting AS s WHERE s.setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0,
pg_catalog.quote_ident(session_user)::pg_catalog.regrole::pg_catalog.oid]::pg_catalog.oid[]) AND s.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0, (SELECT d.oid
FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())]::pg_catalog.oid[]))`

// leftovers names the columns of condition that must be zero, from the fifth on.
var leftovers = []string{"prepared statements", "cursors", "channels listened to", "advisory locks", "temporary objects", "languages with variables of their own"}

// changedSettings counts settings that a session has set. It costs as much as a hundred short queries: it is asked only
// where the session may have set any. It does not show settings that nobody has defined (SET a.b): they are not
// harmless ones, so who sets them leaves no connection.
const changedSettings = `SELECT pg_catalog.count(*) FROM pg_catalog.pg_show_all_settings() AS s WHERE s.source OPERATOR(pg_catalog.=) 'session'`

// errNotClean says that a connection still shows that it was used.
var errNotClean = errors.New("the connection is not as it was when it was new")

// found is the answer to condition.
type found struct {
	path  []string
	role  string
	state string
	given string   // what ALTER ROLE and ALTER DATABASE gave it
	left  []string // what must not be there
}

func inspect(ctx context.Context, conn *pgconn.PgConn) (found, error) {
	row, err := oneRow(ctx, conn, fmt.Sprintf(condition, seed()), 5+len(leftovers))
	if err != nil {
		return found{}, fmt.Errorf("ask for the session's condition: %w", err)
	}
	f := found{role: string(row[1]), state: strings.Join([]string{string(row[0]), string(row[1]), string(row[2])}, "\n"), given: string(row[4+len(leftovers)])}
	if err := json.Unmarshal(row[0], &f.path); err != nil {
		return found{}, fmt.Errorf("read the search path: %w", err)
	}
	for i, name := range leftovers {
		if string(row[4+i]) != "0" {
			f.left = append(f.left, name)
		}
	}
	return f, nil
}

// seed is a number between -1 and 1 that nobody can guess.
func seed() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return float64(binary.BigEndian.Uint64(b[:])>>11)/(1<<52) - 1
}

// oneRow asks the target a question of the gateway's own that has one row.
func oneRow(ctx context.Context, conn *pgconn.PgConn, text string, columns int) ([][]byte, error) {
	results, err := conn.Exec(ctx, text).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != columns {
		return nil, fmt.Errorf("%w: no answer to a question of the gateway's own", wire.ErrProtocol)
	}
	return results[0].Rows[0], nil
}

// clean resets a connection whose session is over. An error means that nobody may use it again; without one it may be
// used once it was looked at.
func (u *upstream) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanWithin)
	defer cancel()
	if err := u.conn.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("reset the connection: %w", err)
	}
	if _, err := u.self().Exec(ctx, "DISCARD ALL").ReadAll(); err != nil {
		return fmt.Errorf("reset the connection: %w", err)
	}
	return settle(ctx, u.self())
}

// fit says in its error why a connection that was reset is not what a new one would be: something is left of its last
// session, or somebody has altered what new ones are given. It is asked when the next session is there, so that it
// begins with what was in force then, and is the only look: what can't be told from a new connection need not be told twice.
func (u *upstream) fit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanWithin)
	defer cancel()
	if err := u.unchanged(ctx, u.thorough); err != nil {
		return err
	}
	return settle(ctx, u.self())
}

// unchanged says in its error what is not as it was when the connection was new. thorough is for one whose session may have
// changed any setting.
func (u *upstream) unchanged(ctx context.Context, thorough bool) error {
	f, err := inspect(ctx, u.self())
	switch {
	case err != nil:
		return err
	case len(f.left) > 0:
		return fmt.Errorf("%w: %s", errNotClean, strings.Join(f.left, ", "))
	case f.state != u.origin.state, f.given != u.origin.given, !maps.Equal(u.all(), u.origin.reported):
		return fmt.Errorf("%w: settings", errNotClean)
	case u.self().TxStatus() != 'I':
		return fmt.Errorf("%w: a transaction", errNotClean)
	case !thorough:
		return nil
	}
	row, err := oneRow(ctx, u.self(), changedSettings, 1)
	if err != nil {
		return fmt.Errorf("ask for changed settings: %w", err)
	}
	if string(row[0]) != "0" {
		return fmt.Errorf("%w: changed settings", errNotClean)
	}
	return nil
}
