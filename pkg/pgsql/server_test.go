package pgsql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/jackc/pgx/v5/pgconn"
)

func startServer() (*pgtest.Server, error) {
	schema, err := os.ReadFile("testdata/evasion-schema.sql")
	if err != nil {
		return nil, err
	}
	s, err := pgtest.New()
	if err != nil {
		return nil, err
	}
	err = s.Exec(string(schema))
	if err != nil && strings.Contains(err.Error(), `near "BEGIN"`) { // servers before 14 know no bodies of that kind
		lines := slices.DeleteFunc(strings.SplitAfter(string(schema), "\n"), func(line string) bool { return strings.Contains(line, "BEGIN ATOMIC") })
		err = s.Exec(strings.Join(lines, ""))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// piiMasks are the masks of the corpus.
func piiMasks() []pgsql.MaskPattern {
	var out []pgsql.MaskPattern
	for _, c := range []string{"email", "ssn", "card", "phone", "notes"} {
		out = append(out, pgsql.MaskPattern{Pattern: "public.users." + c, As: pgsql.Redact})
	}
	return out
}

// session is a connection of a role, which remembers every byte of text that the server said.
type session struct {
	*pgconn.PgConn
	notices []string
}

func connect(t testing.TB, user, database string) *session {
	t.Helper()
	config, err := pgconn.ParseConfig(server.SocketDSN(user, database))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		s.notices = append(s.notices, fmt.Sprintf("%+v", *n))
	}
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { s.notices = append(s.notices, n.Payload) }
	if s.PgConn, err = pgconn.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Close(ctx) // the server may have ended it already
	})
	return s
}

// envOf is what a session of a role understands texts in.
func envOf(t testing.TB, s *session, masks []pgsql.MaskPattern) pgsql.Env {
	t.Helper()
	c, err := pgsql.LoadCatalog(t.Context(), s.PgConn)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Exec(t.Context(), "SELECT unnest(current_schemas(true))").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	env := pgsql.Env{Catalog: c, Masks: c.Masks(masks)}
	for _, r := range rows[0].Rows {
		env.SearchPath = append(env.SearchPath, string(r[0]))
	}
	return env
}

// simple runs a text in the simple protocol and answers all that came back, column names and errors included.
func (s *session) simple(ctx context.Context, text string) string {
	var b strings.Builder
	reader := s.Exec(ctx, text)
	for reader.NextResult() {
		writeResult(&b, reader.ResultReader())
	}
	writeError(&b, reader.Close())
	return b.String() + strings.Join(s.notices, "\n")
}

// copyOut runs a COPY … TO STDOUT and answers the data.
func (s *session) copyOut(ctx context.Context, text string) string {
	var b strings.Builder
	_, err := s.CopyTo(ctx, &b, text)
	writeError(&b, err)
	return b.String() + strings.Join(s.notices, "\n")
}

// extended runs a text in the extended protocol, in the text or the binary format.
func (s *session) extended(ctx context.Context, text string, format int16) string {
	var b strings.Builder
	writeResult(&b, s.ExecParams(ctx, text, nil, nil, nil, []int16{format}))
	return b.String() + strings.Join(s.notices, "\n")
}

func writeResult(b *strings.Builder, r *pgconn.ResultReader) {
	for _, f := range r.FieldDescriptions() {
		b.WriteString(f.Name + "|")
	}
	for r.NextRow() {
		b.WriteString("\n")
		for i, v := range r.Values() {
			if i > 0 {
				b.WriteString("|")
			}
			b.Write(v)
		}
	}
	tag, err := r.Close()
	b.WriteString("\n" + tag.String() + "\n")
	writeError(b, err)
}

func writeError(b *strings.Builder, err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		fmt.Fprintf(b, "%+v", *pg)
	} else if err != nil {
		fmt.Fprintf(b, "%v", err)
	}
}
