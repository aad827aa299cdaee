package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// refusal is the JSON in a refusal's DETAIL.
type refusal struct {
	Code, Rule, Message string
	DecisionID          string `json:"decision_id"`
	ApprovalID          string `json:"approval_id"`
	Remedy              []struct{ Kind, Text string }
}

// refused wants the refusal of a command, with everything that it has to say.
func refused(t *testing.T, err error) refusal {
	t.Helper()
	var pg *pgconn.PgError
	var r refusal
	if !errors.As(err, &pg) || pg.Code != "42501" || json.Unmarshal([]byte(pg.Detail), &r) != nil {
		t.Fatalf("not a refusal: %v", err)
	}
	if r.Code == "" || r.Rule == "" || r.Message == "" || r.DecisionID == "" || pg.Message == "" || pg.Hint == "" || len(r.Remedy) == 0 {
		t.Fatalf("a refusal that does not say why, or what to do: %+v %+v", pg, r)
	}
	return r
}

func TestWhatIsRefusedOrNotYetApprovedNeverReachesTheTarget(t *testing.T) {
	w := shared
	l := w.user(t, "agent").open(t, "db-prod")
	for kind, sql := range map[string]string{
		"refused":  "DROP TABLE orders /* %s */",
		"approval": "DELETE FROM orders WHERE id = 2100 /* %s */",
	} {
		for form, run := range map[string]func(*client, string) error{
			"simple":    func(c *client, sql string) error { _, err := c.simple(t, sql); return err },
			"extended":  func(c *client, sql string) error { _, err := c.extended(t, sql); return err },
			"prepared":  func(c *client, sql string) error { _, err := c.prepared(t, "held", sql); return err },
			"pipelined": func(c *client, sql string) error { return pipelined(t, c, sql) },
		} {
			t.Run(kind+" "+form, func(t *testing.T) {
				c, from := l.dial(t), w.logged(t)
				mark := "mark" + kind + form
				r := refused(t, run(c, fmt.Sprintf(sql, mark)))
				if (kind == "approval") != (r.ApprovalID != "") {
					t.Errorf("approval: %+v", r)
				}
				if got, err := c.simple(t, "SELECT 'alive'"); err != nil || got != "alive" || c.TxStatus() != 'I' {
					t.Errorf("the session does not go on: %q, %v, %c", got, err, c.TxStatus())
				}
				eventually(t, 5*time.Second, "the log has what came after", func() bool { return strings.Contains(w.targetLog(t, from), "'alive'") })
				for line := range strings.Lines(w.targetLog(t, from)) {
					prepared := kind == "approval" && strings.Contains(line, " ms  parse ")
					if strings.Contains(line, mark) && !prepared {
						t.Errorf("the target's log has it: %s", line)
					}
				}
			})
		}
	}
	if w.asked(t, "app", "SELECT count(*) FROM orders WHERE id = 2100") != "1" {
		t.Fatal("it was deleted")
	}
}

// pipelined sends a statement between two that may run, in one segment: the one before is rolled back, the one after is
// skipped, as PostgreSQL does with an error. A second segment then runs.
func pipelined(t *testing.T, c *client, sql string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	p := c.StartPipeline(ctx)
	p.SendQueryParams("SELECT 'before'", nil, nil, nil, nil)
	p.SendQueryParams(sql, nil, nil, nil, nil)
	p.SendQueryParams("SELECT 'skippedone'", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	p.SendQueryParams("SELECT 'after'", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	var first error
	var got []string
	for syncs := 0; syncs < 2; {
		res, err := p.GetResults()
		var pg *pgconn.PgError
		switch {
		case errors.As(err, &pg):
			first = errors.Join(first, err)
		case err != nil:
			t.Fatal(err)
		}
		switch res := res.(type) {
		case *pgconn.PipelineSync:
			syncs++
		case *pgconn.ResultReader:
			r := res.Read()
			first = errors.Join(first, r.Err)
			got = append(got, cellsOf(r)...)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(got, "|"); strings.Contains(s, "skippedone") || !strings.HasSuffix(s, "after") {
		t.Errorf("the pipeline answered %q", s)
	}
	return first
}

// raw is a connection whose messages the test writes itself.
type raw struct {
	net.Conn
	*pgproto3.Frontend
}

func (l *listener) raw(t *testing.T) *raw {
	t.Helper()
	c, err := l.tryDial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Conn.Close() })
	return &raw{h.Conn, pgproto3.NewFrontend(h.Conn, h.Conn)}
}

// say writes messages at once and answers what came back, in short, until the last ReadyForQuery that is awaited.
func (r *raw) say(t *testing.T, ready int, messages ...pgproto3.FrontendMessage) string {
	t.Helper()
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.SetDeadline(time.Now().Add(commandTime)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for ready > 0 {
		m, err := r.Receive()
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			got = append(got, "E"+m.Code)
		case *pgproto3.ReadyForQuery:
			got, ready = append(got, "Z"+string(m.TxStatus)), ready-1
		case *pgproto3.DataRow:
			got = append(got, "D")
		case *pgproto3.CommandComplete:
			got = append(got, string(m.CommandTag))
		}
	}
	return strings.Join(got, " ")
}

func TestANameThatIsReusedInAPipelineIsRefused(t *testing.T) {
	w := shared
	r, from := w.user(t, "agent").open(t, "db-prod").raw(t), w.logged(t)
	const remove = "DELETE FROM orders WHERE id = 2101"
	got := r.say(t, 3,
		&pgproto3.Parse{Name: "s", Query: remove}, &pgproto3.Sync{},
		&pgproto3.Bind{PreparedStatement: "nosuch"}, &pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Parse{Name: "s", Query: "SELECT 1"}, &pgproto3.Sync{},
		&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got != "ZI E26000 ZI E42501 ZI" {
		t.Errorf("answered %s", got)
	}
	if after := r.say(t, 1, &pgproto3.Query{String: "SELECT 'later'"}); after != "D SELECT 1 ZI" {
		t.Errorf("the session does not go on: %s", after)
	}
	for line := range strings.Lines(w.targetLog(t, from)) {
		if strings.Contains(line, remove) && !strings.Contains(line, " ms  parse ") {
			t.Errorf("the target's log has it: %s", line)
		}
	}
	if w.asked(t, "app", "SELECT count(*) FROM orders WHERE id = 2101") != "1" {
		t.Fatal("it was deleted")
	}
}

func TestHonestPipelinesRun(t *testing.T) {
	r := shared.user(t, "agent").open(t, "db-prod").raw(t)
	got := r.say(t, 3,
		&pgproto3.Parse{Name: "s", Query: "SELECT id FROM orders WHERE id <= $1"}, &pgproto3.Describe{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{},
		&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("2")}}, &pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'S', Name: "s"},
		&pgproto3.Parse{Name: "s", Query: "SELECT 1"}, &pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{},
		&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got != "ZI D D SELECT 2 D SELECT 1 ZI D SELECT 1 ZI" {
		t.Errorf("answered %s", got)
	}
}
