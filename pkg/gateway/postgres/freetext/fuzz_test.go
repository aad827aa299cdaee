package freetext_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/freetext"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/mask"
)

// binaryCopy is COPY data in binary format of rows of two values.
func binaryCopy(values ...string) []byte {
	b := []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for i := 0; i+1 < len(values); i += 2 {
		b = append(b, 0, 2)
		for _, v := range values[i : i+2] {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	}
	return append(b, 0xff, 0xff)
}

// datas are the joined contents of CopyData messages, which must be whole.
func datas(t testing.TB, raw []byte) []byte {
	t.Helper()
	var out []byte
	for len(raw) > 0 {
		if len(raw) < 5 || raw[0] != 'd' || int(binary.BigEndian.Uint32(raw[1:])) > len(raw)-1 {
			t.Fatalf("not CopyData: %.100q", raw)
		}
		size := 1 + int(binary.BigEndian.Uint32(raw[1:]))
		out, raw = append(out, raw[5:size]...), raw[size:]
	}
	return out
}

// copied is what comes out of a COPY's data, cut into messages and messages into pieces as sizes say.
func copied(t testing.TB, set *mask.Set, format byte, data []byte, sizes ...int) ([]byte, error) {
	t.Helper()
	c := freetext.NewCopy([]byte{format, 0, 0}, func() (*mask.Stream, error) { return mask.NewStream(set), nil })
	var out []byte
	for i := 0; len(data) > 0; i++ {
		n := min(max(sizes[i%len(sizes)], 1), len(data))
		raw := append(binary.BigEndian.AppendUint32([]byte{'d'}, uint32(n+4)), data[:n]...)
		data = data[n:]
		pieces := []wire.Message{{Type: 'd', Raw: raw, First: true, Last: true}}
		if n > 3 && i%2 == 1 {
			pieces = []wire.Message{{Type: 'd', Raw: raw[:7], First: true}, {Type: 'd', Raw: raw[7:], Last: true}}
		}
		for _, m := range pieces {
			got, same, err := c.Message(set, m)
			if err != nil {
				return nil, err
			}
			if same && &got[0] != &raw[0] {
				t.Fatal("it is said to be the message itself, and is not")
			}
			out = append(out, got...)
		}
	}
	held, err := c.End()
	return append(out, held...), err
}

// What comes out of a COPY is the same however its data is cut into messages and pieces, but for a key over several lines,
// where a message that ends with a line is the end of what is looked at together.
func FuzzCopy(f *testing.F) {
	f.Add([]byte("1\tbob@example.com\t\\N\n2\tx 4111 1111 1111 1111\ty\n"), false, uint8(7), uint8(3))
	f.Add([]byte("a,\"b\n123-45-6789\"\n"), false, uint8(1), uint8(9))
	f.Add(binaryCopy("bob@example.com", "x", "4111111111111111", "\x00\x00\x00\x01"), true, uint8(5), uint8(8))
	f.Add(binaryCopy("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0b123-45-6789", ""), true, uint8(40), uint8(1))
	f.Add(binaryCopy()[:12], true, uint8(1), uint8(1))
	scan, err := mask.NewSet(mask.Rule{Detect: []string{"email", "credit_card", "us_ssn", "iban", "phone", "aws_key", "api_token"}, As: "redact"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, inBinary bool, a, b uint8) {
		format := byte(0)
		if inBinary {
			format = 1
		}
		whole, wholeErr := copied(t, scan, format, data, max(len(data), 1))
		for _, sizes := range [][]int{{1}, {int(a), int(b)}, {int(a) + 1, 1, int(b) * 3}} {
			cut, err := copied(t, scan, format, data, sizes...)
			if (err != nil) != (wholeErr != nil) {
				t.Fatalf("%q cut by %v: %v, whole: %v", data, sizes, err, wholeErr)
			}
			if err == nil && !bytes.Equal(datas(t, cut), datas(t, whole)) {
				t.Fatalf("%q cut by %v:\n got %q\nwant %q", data, sizes, datas(t, cut), datas(t, whole))
			}
		}
		if got := datas(t, whole); wholeErr == nil && len(got) > len(data) {
			t.Fatalf("%q became longer: %q", data, got)
		}
	})
}

// unknown is the number of a type that is not PostgreSQL's own.
const unknown = 20000

// A value of an unknown type keeps its layout, is never longer, and is NULL as a whole or not at all.
func FuzzLookValue(f *testing.F) {
	f.Add([]byte("bob@example.com"))
	f.Add([]byte("\x01{\"a\": \"bob@example.com\"}"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x0fbob@example.com\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x17\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x19\x00\x00\x00\x0fbob@example.com"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x01k\x00\x00\x00\x0fbob@example.com"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x0fbob@example.com\xff\xff\xff\xff"))
	f.Add([]byte("\xffbob@example.com\x00"))
	redact, err := mask.NewSet(mask.Rule{Detect: mask.Names(), As: "redact"})
	if err != nil {
		f.Fatal(err)
	}
	null, err := mask.NewSet(mask.Rule{Detect: mask.Names(), As: "null"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		for _, set := range []*mask.Set{redact, null} {
			before := freetext.Layout(v)
			got, nulled, err := freetext.Value(set, freetext.KindOf(unknown, 1), bytes.Clone(v))
			if err != nil {
				continue
			}
			if len(got) > len(v) || nulled && len(got) > 0 {
				t.Fatalf("%q became %q", v, got)
			}
			if !nulled && !freetext.Fits(before, got) {
				t.Fatalf("%q was laid out as %s, %q is not", v, before, got)
			}
		}
	})
}

// row is a DataRow of texts; nil is NULL.
func row(values ...[]byte) []byte {
	b := []byte{'D', 0, 0, 0, 0, 0, byte(len(values))}
	for _, v := range values {
		if v == nil {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	}
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

// Of a row each value becomes what it would become alone, whatever stands beside it.
func FuzzRow(f *testing.F) {
	f.Add([]byte("bob@example.com"), []byte("\x00\x00\x00\x01"), []byte("4111111111111111"), uint32(25), uint32(23), uint32(20000))
	f.Add([]byte("{\"a\": 4111111111111111}"), []byte(""), []byte("\x01[\"bob@example.com\"]"), uint32(114), uint32(25), uint32(3802))
	f.Add([]byte("123-45-"), []byte("6789"), []byte("\\x00"), uint32(25), uint32(1043), uint32(17))
	redact, err := mask.NewSet(mask.Rule{Detect: mask.Names(), As: "redact"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b, c []byte, x, y, z uint32) {
		for format := range int16(2) {
			kinds := []freetext.Kind{freetext.KindOf(x, format), freetext.KindOf(y, format), 0, freetext.KindOf(z, format)}
			values := [][]byte{append([]byte{}, a...), append([]byte{}, b...), nil, append([]byte{}, c...)}
			raw := row(values...)
			got, err := freetext.Row(redact, kinds, raw)
			failed := false
			for i, v := range values {
				if v != nil {
					var e error
					values[i], _, e = freetext.Value(redact, kinds[i], v)
					failed = failed || e != nil
				}
			}
			if (err != nil) != failed {
				t.Fatalf("%v", err)
			}
			if err == nil && !bytes.Equal(got, row(values...)) {
				t.Fatalf("format %d: %q, %q, %q became %q", format, a, b, c, got)
			}
		}
	})
}

func TestARowThatIsNotWhatWasAnnouncedIsAnError(t *testing.T) {
	if _, err := freetext.Row(&mask.Set{}, make([]freetext.Kind, 1), row(nil, nil)); err == nil {
		t.Error("two values pass for one")
	}
}

func TestValuesNestedTooDeepAreAnError(t *testing.T) {
	v := []byte("bob@example.com")
	for range 20 { // rows in rows, of one column each
		head := append([]byte("\x00\x00\x00\x01\x00\x00\x08\xc9"), binary.BigEndian.AppendUint32(nil, uint32(len(v)))...)
		v = append(head, v...)
	}
	if _, _, err := freetext.Value(&mask.Set{}, freetext.KindOf(2249, 1), v); err == nil {
		t.Error("it passes")
	}
}

// BenchmarkRow looks at a row of five columns, three of them text, in which nothing is found.
func BenchmarkRow(b *testing.B) {
	set, err := mask.NewSet(mask.Rule{Detect: mask.Names(), As: "redact"})
	if err != nil {
		b.Fatal(err)
	}
	raw := row([]byte("4000077"), []byte("Customer#000004711"), []byte("2026-11-26 10:42:00.123456+00"), []byte("to the even, regular platelets. regular, ironic epitaphs nag e"), []byte("550e8400-e29b-41d4-a716-446655440000"))
	kinds := []freetext.Kind{freetext.KindOf(20, 0), freetext.KindOf(25, 0), freetext.KindOf(25, 0), freetext.KindOf(25, 0), freetext.KindOf(2950, 0)}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := freetext.Row(set, kinds, raw); err != nil || len(got) != len(raw) {
			b.Fatal(err)
		}
	}
}
