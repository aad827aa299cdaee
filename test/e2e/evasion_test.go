package e2e

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// entry is one way around a masking gateway, of the corpus.
type entry struct{ id, title, sql string }

func corpus(t *testing.T) (all []entry) {
	t.Helper()
	content, err := os.ReadFile("../../pkg/pgsql/testdata/evasion-postgres.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(content), "\n-- @")[1:] {
		head, body, _ := strings.Cut(block, "\n")
		id, title, _ := strings.Cut(head, " ")
		var sql []string
		for line := range strings.Lines(body) {
			if !strings.HasPrefix(line, "-- how:") {
				sql = append(sql, line)
			}
		}
		all = append(all, entry{id, title, strings.TrimSpace(strings.Join(sql, ""))})
	}
	if len(all) < 70 {
		t.Fatalf("only %d entries in the corpus", len(all))
	}
	return all
}

// parts splits a text at the semicolons between statements, for the extended protocol, which takes one at a time. Texts
// with dollar quotes stay whole.
func parts(sql string) []string {
	if strings.Contains(sql, "$") {
		return []string{sql}
	}
	return strings.FieldsFunc(sql, func(r rune) bool { return r == ';' || r == '\n' })
}

// one is one way of sending a text.
type one struct {
	form string
	send func(*testing.T, *client, string) error
}

func forms() []one {
	return []one{
		{"simple", func(t *testing.T, c *client, sql string) error { _, err := c.simple(t, sql); return err }},
		{"extended", func(t *testing.T, c *client, sql string) error {
			var all error
			for _, part := range parts(sql) {
				if strings.TrimSpace(part) != "" {
					_, err := c.extended(t, part)
					all = errors.Join(all, err)
				}
			}
			return all
		}},
	}
}

// said is all that a client was sent since a place, message by message, without what differs between any two runs.
func said(t *testing.T, c *client, from int) string {
	t.Helper()
	var b strings.Builder
	for bytes := []byte(c.seen.String()[from:]); len(bytes) >= 5; {
		kind, size := bytes[0], int(binary.BigEndian.Uint32(bytes[1:5]))
		if size < 4 || len(bytes) < 1+size {
			t.Fatalf("what the client was sent ends within a message %q", kind)
		}
		body := slices.Clone(bytes[5 : 1+size])
		switch kind {
		case 'T':
			forgetNumbers(body)
		case 'A':
			clear(body[:4]) // the process that notified
		}
		fmt.Fprintf(&b, "%c %q\n", kind, volatile.ReplaceAll(body, []byte("?")))
		bytes = bytes[1+size:]
	}
	return b.String()
}

// volatile are ids of decisions and sessions, and times.
var volatile = regexp.MustCompile(`(se|ap|gr)_[a-z0-9]{10,}(\.[0-9]+)?|[0-9]{2}:[0-9]{2}:[0-9]{2} UTC|20[0-9]{2}-[0-9]{2}-[0-9]{2}[ T][0-9:.+]+Z?`)

// forgetNumbers clears, in a RowDescription, the numbers that a database gave its own tables and types.
func forgetNumbers(body []byte) {
	for at := 2; at < len(body); {
		at += strings.IndexByte(string(body[at:]), 0) + 1
		clear(body[at : at+4])
		if binary.BigEndian.Uint32(body[at+6:]) > 16383 {
			clear(body[at+6 : at+10])
		}
		at += 18
	}
}

// images are what a value could be hidden as and read back from.
func images(value string) []string {
	runes := []rune(value)
	slices.Reverse(runes)
	return []string{value, string(runes), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))}
}

// plainReads are those of the corpus that an honest person could write, and that answer with masks.
var plainReads = []string{"E01", "E02", "E03", "E04", "E05", "E16", "E21", "E26", "E27", "E29", "E30", "E33", "E34", "E35", "E47"}

func TestTheEvasionCorpusLeaksNothing(t *testing.T) {
	agent := shared.user(t, "agent")
	left, right := agent.open(t, "db-left"), agent.open(t, "db-right")
	for _, way := range forms() {
		t.Run(way.form, func(t *testing.T) {
			ran, denied := 0, 0
			a, b := left.dial(t), right.dial(t)
			for _, e := range corpus(t) {
				if a.IsClosed() || b.IsClosed() {
					a, b = left.dial(t), right.dial(t)
				}
				fromA, fromB := a.seen.len(), b.seen.len()
				err, other := way.send(t, a, e.sql), way.send(t, b, e.sql)
				tidy(t, a)
				tidy(t, b)
				saidA, saidB := said(t, a, fromA), said(t, b, fromB)
				if saidA != saidB {
					t.Errorf("%s %s: two databases that differ in masked values alone answer\n%s\nand\n%s", e.id, e.title, saidA, saidB)
				}
				for value := range values() {
					for _, image := range images(value) {
						if strings.Contains(saidA, image) && !strings.Contains(e.sql, image) {
							t.Errorf("%s %s leaks %s:\n%s", e.id, e.title, image, saidA)
						}
					}
				}
				if (err == nil) != (other == nil) {
					t.Errorf("%s %s: %v, and at the twin %v", e.id, e.title, err, other)
				}
				ran, denied = tally(t, e, err, ran, denied)
				if slices.Contains(plainReads, e.id) && (err != nil || !strings.Contains(saidA, "***")) {
					t.Errorf("%s %s: a plain read does not answer masked: %v\n%s", e.id, e.title, err, saidA)
				}
			}
			t.Logf("%d ran, %d were refused", ran, denied)
			if ran < 25 || denied < 20 {
				t.Errorf("%d ran and %d were refused: this tests nothing", ran, denied)
			}
		})
	}
}

// tally counts what ran and what was refused, and wants every refusal to explain itself.
func tally(t *testing.T, e entry, err error, ran, denied int) (int, int) {
	t.Helper()
	if err == nil {
		return ran + 1, denied
	}
	var pg *pgconn.PgError
	for _, err := range flat(err) {
		if errors.As(err, &pg) && pg.Code == "42501" && strings.Contains(pg.Detail, "decision_id") {
			if r := refused(t, err); r.Message == "" {
				t.Errorf("%s is refused without a word", e.id)
			}
			return ran, denied + 1
		}
	}
	t.Logf("%s %s: %v", e.id, e.title, err)
	return ran, denied
}

func flat(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// tidy ends what an entry left open.
func tidy(t *testing.T, c *client) {
	t.Helper()
	for _, sql := range []string{"ROLLBACK", "DEALLOCATE ALL", "CLOSE ALL", "UNLISTEN *"} {
		if c.IsClosed() {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), commandTime)
		_, _ = c.Exec(ctx, sql).ReadAll()
		cancel()
	}
}
