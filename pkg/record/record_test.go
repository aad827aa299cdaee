package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// started is the wall time at which the recordings of these tests begin.
func started() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func header() record.Header {
	return record.Header{
		Session: "ses_1", Grant: "gr_1", Connection: "db-prod", Kind: "postgres",
		Identity: record.Identity{Issuer: "https://idp.example.com", Subject: "s1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Started:  started(), Version: "0.1.0", PolicyVersion: "abc",
	}
}

func signer(t testing.TB) *record.Signer {
	t.Helper()
	s, err := record.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t testing.TB, o record.Options) (*record.Writer, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "2026", "03", "04", "ses_1.hrec")
	w, err := record.Create(name, header(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Seal("test over"); err != nil && !errors.Is(err, record.ErrSealed) && !errors.Is(err, record.ErrFailed) {
			t.Error(err)
		}
	})
	return w, name
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// story writes one session with all that a recording can hold, seals it and returns its bytes.
func story(t testing.TB, s *record.Signer) []byte {
	t.Helper()
	w, name := create(t, record.Options{Signer: s})
	text := "5"
	for _, b := range []record.Body{
		record.SessionOpen{Database: "app", Role: "hoop"},
		record.Command{Command: 1, Text: "SELECT id, name FROM users WHERE id < $1", SQL: "select", DecisionID: "d1", Verdict: "allow", Rule: "read",
			Params: []record.Param{{OID: 23, Text: &text}}, Accesses: []record.Access{{Effect: "read", Object: "public.users"}}},
		record.Approval{Command: 1, ID: "ap_1", State: "approved", By: "dba"},
		record.Approval{Command: 1, ID: "ap_1", State: "used"},
		record.Columns{Command: 1, Columns: []record.Column{{Name: "id", OID: 23}, {Name: "name", OID: 25}}},
	} {
		must(w.AppendEvent(b))
	}
	if err := w.AppendBatch(1, rows(2)); err != nil {
		t.Fatal(err)
	}
	must(w.AppendEvent(record.Outcome{Command: 1, Rows: 2, Bytes: 20, Tag: "SELECT 2", DurationUS: 1500}))
	must(w.Checkpoint())
	must(w.AppendEvent(record.Command{Command: 2, Text: "DROP TABLE users", SQL: "drop table", Accesses: []record.Access{{Effect: "schema", Object: "public.users"}}}))
	must(w.AppendEvent(record.Refused{Command: 2, DecisionID: "d2", Code: "denied", Rule: "default", Message: "no rule allows schema"}))
	must(w.AppendEvent(record.SessionClose{Reason: "client left", Commands: 2, Refused: 1}))
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(name))
}

// rows are n rows of two text columns.
func rows(n int) []byte {
	var batch []byte
	for i := range n {
		batch = record.AppendRow(batch, []byte{0, 2, 0, 0, 0, 1, byte('1' + i), 0, 0, 0, 3, 'A', 'n', 'n'})
	}
	return batch
}

func verify(t testing.TB, data []byte, keys record.Keys, heads ...record.Head) record.Report {
	t.Helper()
	report, err := record.Verify(bytes.NewReader(data), keys, heads...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestARecordingThatEndedWellIsSealed(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	report := verify(t, data, s.Keys())
	if report.State != record.Sealed || report.Sealed != "closed" || report.BadFrame != 0 || report.KeyID != s.Key().ID {
		t.Fatalf("report: %+v", report)
	}
	if report.Header.Session != "ses_1" || report.Header.Identity.User != "dev" || report.LastCheckpoint != report.Frames {
		t.Fatalf("report: %+v", report)
	}
}

func TestWhatWasAppendedIsReadInOrder(t *testing.T) {
	s := signer(t)
	r := must(record.NewReader(bytes.NewReader(story(t, s))))
	var types []record.Type
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, e.Type)
		if e.Type == record.TypeCommand {
			c := must(record.Decode(e)).(record.Command)
			if c.Command == 1 && *c.Params[0].Text != "5" {
				t.Fatalf("parameters: %+v", c.Params)
			}
		}
		if e.Type == record.TypeRows {
			b := must(record.DecodeBatch(e.Body, nil))
			if b.Command != 1 || !bytes.Equal(b.Raw, rows(2)) {
				t.Fatalf("batch: %+v", b)
			}
		}
	}
	want := []record.Type{1, 2, 16, 18, 20, 20, 22, 23, 24, 2, 18, 25, 27, 3}
	if g, w := must(json.Marshal(types)), must(json.Marshal(want)); !bytes.Equal(g, w) {
		t.Fatalf("types %s, want %s", g, w)
	}
}
