package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// The databases of the corpus have names of one length. Two copies hold masks, written by hand, in the place of masked
// values: what a statement answers directly there is what it is to answer through hoop where the values stand. What the
// two copies don't have in common no two runs have.
var corpusDatabases = []string{"corpus_shown", "corpus_copy1", "corpus_copy2"}

func (w *world) fillCorpus() error {
	ctx := context.Background()
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join("../clients/corpus", name))
		if err != nil {
			return err.Error() + ";" // which the server refuses
		}
		return string(content)
	}
	const functions = "CREATE FUNCTION hidden(value text, mask text) RETURNS text LANGUAGE sql AS 'SELECT $%[1]d'; CREATE FUNCTION hidden(value jsonb, mask jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $%[1]d';"
	for _, setting := range []string{"ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"} { // what it counts stands in catalogs, which clients read
		if _, err := w.past(ctx, "postgres", setting); err != nil {
			return err
		}
	}
	for i, database := range corpusDatabases {
		for _, step := range [][2]string{
			{"postgres", "CREATE DATABASE " + database},
			{database, "GRANT CREATE ON SCHEMA public TO hoop; GRANT CREATE ON DATABASE " + database + " TO hoop"},
			{database, "SET ROLE hoop;" + read("schema.sql") + fmt.Sprintf(functions, min(i, 1)+1) + read("data.sql") + "DROP FUNCTION hidden(text, text); DROP FUNCTION hidden(jsonb, jsonb)"},
		} {
			if _, err := w.past(ctx, step[0], step[1]); err != nil {
				return fmt.Errorf("fill database %s: %w", database, err)
			}
		}
	}
	return nil
}

// sent is a statement of the corpus.
type sent struct {
	session string
	text    string
	values  [][]byte
	simple  bool
}

func readSent(t *testing.T, path string) (list []sent) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, all, _ := strings.Cut(string(content), "\n")
	now := sent{simple: true}
	for part := range strings.SplitSeq(all, "\n-- ;\n") {
		for strings.HasPrefix(part, "-- session of ") || strings.HasPrefix(part, "-- with ") {
			var line string
			line, part, _ = strings.Cut(part, "\n")
			if session, ok := strings.CutPrefix(line, "-- session of "); ok {
				now.session = fmt.Sprintf("%s (%d)", session, len(list))
				continue
			}
			var values []*string
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "-- with ")), &values); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			now.simple = false
			for _, v := range values {
				if v == nil {
					now.values = append(now.values, nil)
				} else {
					now.values = append(now.values, []byte(*v))
				}
			}
		}
		if now.text = part; strings.TrimSpace(part) != "" {
			list = append(list, now)
		}
		now = sent{session: now.session, simple: true}
	}
	return list
}

// firstOwn is the first number of what a database itself has made: those differ from one to the other.
const firstOwn = 16384

// answer is what a statement answered: the cells of its results, in rows, or an SQLSTATE.
type answer struct {
	rows  [][]string
	error string
}

func ask(ctx context.Context, c *pgconn.PgConn, s sent, text string) answer {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var results []*pgconn.Result
	var err error
	var copied bytes.Buffer
	switch {
	case copyOut.MatchString(text):
		_, err = c.CopyTo(ctx, &copied, text)
		results = []*pgconn.Result{{Rows: [][][]byte{{copied.Bytes()}}}}
	case s.simple:
		results, err = c.Exec(ctx, text).ReadAll()
	default:
		r := c.ExecParams(ctx, text, s.values, nil, nil, nil).Read()
		results, err = []*pgconn.Result{r}, r.Err
	}
	var a answer
	for _, r := range results {
		var head []string
		numbers := map[int]bool{}
		for i, f := range r.FieldDescriptions {
			kind := f.DataTypeOID
			if kind >= firstOwn {
				kind = 0
			}
			numbers[i] = kind == pgtype.OIDOID
			head = append(head, fmt.Sprintf("%s %d(%d)", f.Name, kind, f.TypeModifier))
		}
		var rows [][]string
		for _, row := range r.Rows {
			rows = append(rows, cellsOf(&pgconn.Result{Rows: [][][]byte{row}}))
		}
		if !strings.Contains(strings.ToLower(text), "order by") {
			slices.SortStableFunc(rows, func(x, y []string) int { return slices.Compare(inCommon(x, numbers), inCommon(y, numbers)) })
		}
		a.rows = append(append(append(a.rows, head), rows...), []string{r.CommandTag.String()})
	}
	var pgError *pgconn.PgError
	if errors.As(err, &pgError) {
		a.error = pgError.Code + " " + pgError.Message
	} else if err != nil {
		a.error = err.Error()
	}
	return a
}

// inCommon is a row without the numbers that databases don't have in common.
func inCommon(row []string, numbers map[int]bool) []string {
	row = slices.Clone(row)
	for i, cell := range row {
		if n, err := strconv.Atoi(cell); numbers[i] && err == nil && n >= firstOwn {
			row[i] = ""
		}
	}
	return row
}

var (
	copyOut = regexp.MustCompile(`(?is)^\s*COPY\s.*TO\s+STDOUT`)
	number  = regexp.MustCompile(`\{oid (\w+)(?: ([^}]*))?\}`)
)

func (a answer) masked() bool {
	return slices.ContainsFunc(a.rows, func(row []string) bool {
		return slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, "***") })
	})
}

// agrees says whether an answer is the wanted one, where two runs of what is wanted agree themselves.
func (a answer) agrees(want, again answer) bool {
	if a.error != "" || want.error != "" {
		return a.error != "" && want.error != "" && a.error[:5] == want.error[:5]
	}
	return slices.EqualFunc(a.rows, want.rows, func(x, y []string) bool { return len(x) == len(y) }) &&
		len(want.rows) == len(again.rows) && func() bool {
		for i, row := range want.rows {
			for k, cell := range row {
				if same := k < len(again.rows[i]) && again.rows[i][k] == cell; same && a.rows[i][k] != cell {
					return false
				}
			}
		}
		return true
	}()
}

// TestWhatClientsSendIsAnswered runs what psql, pg_dump, ORMs, drivers and reports were captured to send, as a person for
// whom columns are masked.
func TestWhatClientsSendIsAnswered(t *testing.T) {
	w := shared
	if err := w.fillCorpus(); err != nil {
		t.Fatal(err)
	}
	l := w.user(t, "agent").open(t, "db-corpus")
	files, err := filepath.Glob("../clients/corpus/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	exceptions := readExceptions(t)
	total, failed, masked := 0, 0, 0
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		if slices.Contains([]string{"schema", "data", "tpch-queries"}, name) {
			continue
		}
		statements := readSent(t, path)
		f, m := w.replay(t, l, name, statements, exceptions)
		total, failed, masked = total+len(statements), failed+f, masked+m
	}
	for e, met := range exceptions {
		if !met {
			t.Errorf("it is answered, remove its exception: %s", e)
		}
	}
	t.Logf("%d of %d statements are answered as expected; %d show masks", total-failed, total, masked)
	if masked < 50 {
		t.Errorf("only %d answers show masks", masked)
	}
	if total < 300 || failed*20 > total {
		t.Errorf("%d of %d statements are not answered as expected: more than one in twenty", failed, total)
	}
}

// replay runs what a client sent, through hoop and in both copies. It counts what differs, and what is to show masks.
func (w *world) replay(t *testing.T, l *listener, client string, list []sent, exceptions map[string]bool) (failed, masked int) {
	t.Helper()
	var conns []*pgconn.PgConn
	for _, url := range []string{l.url, w.direct(t, corpusDatabases[1]), w.direct(t, corpusDatabases[2])} {
		c, err := pgconn.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer closeSoon(c)
		conns = append(conns, c)
	}
	each := func(sql string) {
		for _, c := range conns {
			_, _ = c.Exec(t.Context(), sql).ReadAll() // what it leaves shows in the next answers
		}
	}
	session := ""
	for _, s := range list {
		if s.session != session { // the next one of that client, in the same connection
			each("ROLLBACK")
			each("RESET search_path")
			each("DEALLOCATE ALL")
			session = s.session
		}
		inside := conns[0].TxStatus() == 'T' && !strings.HasPrefix(s.text, "SET TRANSACTION")
		if inside {
			each("SAVEPOINT of_the_corpus")
		}
		var got [3]answer
		for i, c := range conns {
			got[i] = ask(t.Context(), c, s, w.meant(t, corpusDatabases[i], s.text))
		}
		if got[1].error != "" {
			t.Errorf("%s: %s is not answered in the copy: %s", s.session, s.text, got[1].error)
		}
		if got[1].masked() {
			masked++
		}
		if !got[0].agrees(got[1], got[2]) {
			failed++
			if !excepted(exceptions, client, s.text) {
				t.Errorf("%s: %s\n got %.700v\nwant %.700v", s.session, s.text, got[0], got[1])
			}
		}
		if inside && (conns[0].TxStatus() == 'E' || conns[1].TxStatus() == 'E' || conns[2].TxStatus() == 'E') {
			each("ROLLBACK TO of_the_corpus")
		}
	}
	return failed, masked
}

// meant is a statement for one of the databases: with its name, and its numbers of objects.
func (w *world) meant(t *testing.T, database, text string) string {
	return number.ReplaceAllStringFunc(strings.ReplaceAll(text, corpusDatabases[0], database), func(of string) string {
		m := number.FindStringSubmatch(of)
		key := database + of
		if known, ok := w.numbers[key]; ok {
			return known
		}
		sql := map[string]string{
			"class": "SELECT '" + m[2] + "'::regclass::oid", "type": "SELECT '" + m[2] + "'::regtype::oid", "proc": "SELECT '" + m[2] + "'::regprocedure::oid",
			"database": "SELECT oid FROM pg_database WHERE datname = current_database()", "role": "SELECT '" + m[2] + "'::regrole::oid",
		}[m[1]]
		if w.numbers == nil {
			w.numbers = map[string]string{}
		}
		w.numbers[key] = w.asked(t, database, sql)
		return w.numbers[key]
	})
}

// readExceptions reads what is answered otherwise, each with its reason: CLIENT: part of the text | reason.
func readExceptions(t *testing.T) map[string]bool {
	t.Helper()
	content, err := os.ReadFile("../clients/corpus/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		what, reason, _ := strings.Cut(strings.TrimSpace(line), " | ")
		if reason == "" {
			t.Fatalf("an exception without a reason: %s", line)
		}
		list[what] = false
	}
	return list
}

func excepted(exceptions map[string]bool, client, text string) bool {
	text = client + ": " + strings.Join(strings.Fields(text), " ")
	found := false
	for e := range exceptions {
		of, part, _ := strings.Cut(e, ": ")
		if strings.HasPrefix(text, of+": ") && strings.Contains(text, part) {
			exceptions[e], found = true, true
		}
	}
	return found
}
