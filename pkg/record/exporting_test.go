package record_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// row is the body of a DataRow message; nil is NULL.
func row(cells ...any) []byte {
	body := []byte{0, byte(len(cells))}
	for _, c := range cells {
		text, ok := c.(string)
		if !ok {
			body = append(body, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		body = append(body, byte(len(text)>>24), byte(len(text)>>16), byte(len(text)>>8), byte(len(text)))
		body = append(body, text...)
	}
	return body
}

// nasty tries to break out of a line, a cell, a string of JSON, and the terminal.
const nasty = "a\x1b[2J\r\n\"},{\"type\":\"forged\" \u202egpj\u2028 \u200b\x00\x7f\u009b tab\there <b>&"

// hostile is a recording in which everything that a client or a target sends is nasty, with a clock of its own.
func hostile(t testing.TB, s *record.Signer) []byte {
	t.Helper()
	now := started()
	w, name := create(t, record.Options{Signer: s, Now: func() time.Time { now = now.Add(250 * time.Millisecond); return now }})
	text, binary := nasty, []byte{0, 0, 0, 7}
	for _, b := range []record.Body{
		record.SessionOpen{Database: nasty, Role: "hoop", Settings: map[string]string{nasty: nasty}},
		record.Command{Command: 1, Text: "SELECT 1;\nDROP " + nasty, SQL: "select", DecisionID: "d1", Verdict: "approve", Rule: "r", Masked: []string{"public.users.ssn"},
			Params:   []record.Param{{Text: &text}, {OID: 23, Binary: &binary}, {}, {Blank: true}},
			Accesses: []record.Access{{Effect: "read", Object: nasty}}},
		record.Approval{Command: 1, ID: "apr_1", State: "approved", By: nasty},
		record.Columns{Command: 1, Columns: []record.Column{{Name: "n" + nasty, OID: 25}, {Name: "id", OID: 23, Format: 1}, {Name: "x", OID: 25}}},
	} {
		must(w.AppendEvent(b))
	}
	batch := record.AppendRow(nil, row(nasty, "\x00\x00\x00\x2a", nil))
	batch = record.AppendRow(batch, row("NULL", "\xff\xff\xff\xff", "a | b"))
	batch = record.AppendRow(batch, row("", "odd", "\xff\xfe"))
	batch = record.AppendRow(batch, []byte{0, 9, 1}) // no row
	for _, piece := range [][]byte{batch[:7], batch[7:50], batch[50:]} {
		if err := w.AppendBatch(1, piece); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []record.Body{
		record.Outcome{Command: 1, Rows: 4, Tag: nasty, DurationUS: 1500, TruncatedRows: 3, TruncatedBytes: 99, TruncatedHash: "00"},
		record.Refused{Command: 2, DecisionID: "d2", Code: "denied", Rule: "default", Message: nasty},
		record.Outcome{Command: 3, SQLState: "42P01", Error: nasty},
		record.Notice{Code: "01000", Message: nasty},
	} {
		must(w.AppendEvent(b))
	}
	must(w.Append(record.Type(99), []byte("of a later version")))
	must(w.AppendEvent(record.SessionClose{Reason: nasty, Commands: 3, Refused: 1}))
	if err := w.Seal(nasty); err != nil {
		t.Fatal(err)
	}
	return must(os.ReadFile(name))
}

func export(t testing.TB, data []byte, format string) string {
	t.Helper()
	var out bytes.Buffer
	if err := record.Export(&out, must(record.NewReader(bytes.NewReader(data))), format); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// golden compares with a file below testdata; go test ./pkg/record -run Golden -update writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(must(os.ReadFile(file))); got != want {
		t.Errorf("%s:\n got\n%s\nwant\n%s", name, got, want)
	}
}

var _ = flag.Bool("update", false, "write golden files anew")

func TestGoldenExports(t *testing.T) {
	data := hostile(t, signer(t))
	golden(t, "hostile.txt", export(t, data, record.FormatText))
	golden(t, "hostile.ndjson", export(t, data, record.FormatNDJSON))
}

func TestOneEventIsOneLineOfJSONAndNothingForgesAnother(t *testing.T) {
	data := hostile(t, signer(t))
	text := export(t, data, record.FormatNDJSON)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if want := len(frames(data)) - 1; len(lines) != want {
		t.Fatalf("%d frames give %d lines", want, len(lines))
	}
	for i, line := range lines {
		var v struct {
			Seq  int
			Type string
			Body struct{ Message string }
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Seq != i+1 || v.Type == "forged" {
			t.Errorf("line %d: %v: %s", i+1, err, line)
		}
		if v.Type == "notice" && v.Body.Message != nasty {
			t.Errorf("the message came out as %q", v.Body.Message)
		}
	}
}

func TestExportsAreSafeOnATerminal(t *testing.T) {
	data := hostile(t, signer(t))
	for _, format := range []string{record.FormatText, record.FormatNDJSON} {
		for _, r := range export(t, data, format) {
			if r < ' ' && r != '\n' && (r != '\t' || format != record.FormatText) || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u202e\u2028\u200b", r) {
				t.Errorf("%s holds %U", format, r)
			}
		}
	}
	for _, line := range strings.Split(export(t, data, record.FormatText), "\n") {
		if strings.HasPrefix(line, "DROP") || strings.Contains(line, "forged") && strings.HasPrefix(line, "\"") {
			t.Errorf("text of the client begins a line: %s", line)
		}
	}
}

func TestACutRecordingIsExportedUpToItsEndAndSaysSo(t *testing.T) {
	data := story(t, signer(t))
	whole := export(t, data, record.FormatText)
	var out bytes.Buffer
	err := record.Export(&out, must(record.NewReader(bytes.NewReader(data[:len(data)-10]))), record.FormatText)
	var torn *record.TornError
	if !errors.As(err, &torn) || out.Len() == 0 || !strings.HasPrefix(whole, out.String()) {
		t.Fatalf("%v: %s", err, out.String())
	}
	if err := record.Export(&out, must(record.NewReader(bytes.NewReader(data))), "cast"); err == nil {
		t.Fatal("an unknown format was taken")
	}
}

func TestARowThatIsTooLongIsPassedOverAndTheNextOneShown(t *testing.T) {
	s := signer(t)
	w, name := create(t, record.Options{Signer: s})
	must(w.AppendEvent(record.Columns{Command: 1, Columns: []record.Column{{Name: "a", OID: 25}}}))
	batch := record.AppendRow(nil, make([]byte, 17<<20))
	if err := w.AppendBatch(1, record.AppendRow(batch, row("next"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Seal("closed"); err != nil {
		t.Fatal(err)
	}
	text := export(t, must(os.ReadFile(name)), record.FormatText)
	if !strings.Contains(text, "    (row is too long to be shown)\n    next\n") {
		t.Fatal(text)
	}
}

func TestValuesAreShownAsPostgresWritesThem(t *testing.T) {
	for _, c := range []struct {
		oid  uint32
		hex  string
		want string
	}{
		{16, "01", "t"}, {16, "00", "f"}, {16, "0001", `\x0001`},
		{21, "ffff", "-1"}, {23, "8000000000", `\x8000000000`}, {23, "80000000", "-2147483648"}, {26, "ffffffff", "4294967295"},
		{20, "7fffffffffffffff", "9223372036854775807"},
		{700, "3fc00000", "1.5"}, {701, "bff8000000000000", "-1.5"},
		{25, "c3a4", "ä"}, {1043, "ff", `\xff`}, {17, "dead", `\xdead`}, {3802, "017b7d", "{}"}, {3802, "027b7d", `\x027b7d`},
		{2950, "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"},
		{1082, "00000000", "2000-01-01"}, {1082, "ffffffff", "1999-12-31"}, {1082, "7fffffff", "infinity"}, {1082, "80000000", "-infinity"}, {1082, "7ffffffe", `\x7ffffffe`},
		{1114, "00000000000f4240", "2000-01-01 00:00:01"}, {1114, "ffffffffffffffff", "1999-12-31 23:59:59.999999"},
		{1184, "00000000000f4241", "2000-01-01 00:00:01.000001Z"}, {1184, "7fffffffffffffff", "infinity"}, {1184, "7ffffffffffffffe", `\x7ffffffffffffffe`},
		{1700, "0000000000000000", "0"}, {1700, "00000000c0000000", "NaN"}, {1700, "00000000d0000000", "Infinity"},
		{1700, "0003000100000002000104d2162e", "11234.56"}, {1700, "0003000100000002000104d2", `\x0003000100000002000104d2`},
		{1700, "00020001000000000001e240", `\x00020001000000000001e240`},
		{1700, "000200010000000000010929", "12345"}, {1700, "000300014000000200010929162e", "-12345.56"},
		{1700, "0001ffff0000000403e8", "0.1000"}, {1700, "0001fffe0000000603e8", "0.000010"}, {1700, "000100010000000000c8", "2000000"},
		{600, "00", `\x00`},
	} {
		value := must(hex.DecodeString(c.hex))
		if got := record.ShowValue(value, record.Column{OID: c.oid, Format: 1}); got != c.want {
			t.Errorf("type %d, %s: %s, want %s", c.oid, c.hex, got, c.want)
		}
	}
	if got := record.ShowValue([]byte("123"), record.Column{OID: 23}); got != "123" {
		t.Errorf("text format: %s", got)
	}
}

func TestEveryEventDecodesToWhatWasEncoded(t *testing.T) {
	data := hostile(t, signer(t))
	r := must(record.NewReader(bytes.NewReader(data)))
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		b, err := record.Decode(e)
		switch e.Type {
		case record.TypeCheckpoint, record.TypeSeal, record.TypeRows, 99:
			if err == nil {
				t.Errorf("%s decoded to %T", e.Type, b)
			}
		default:
			if err != nil || b.Type() != e.Type || !bytes.Equal(must(record.Encode(b)), e.Body) {
				t.Errorf("%s: %v", e.Type, err)
			}
		}
	}
}

// A batch that decodes has the length that it claims, and no claim takes memory beyond the limit.
func FuzzDecodeBatch(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00abc"))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x01\x03\x08abc"))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := record.DecodeBatch(body, nil)
		if err == nil && (len(b.Raw) > record.MaxBatch || len(b.Raw) != int(body[8])|int(body[9])<<8|int(body[10])<<16|int(body[11])<<24) {
			t.Fatalf("%d bytes", len(b.Raw))
		}
	})
}
