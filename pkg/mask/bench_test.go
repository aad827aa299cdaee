package mask_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// corpora are texts without findings, like those that tables hold.
func corpora() map[string][]byte {
	var log, prose, rows, json strings.Builder
	for i := range 500 {
		fmt.Fprintf(&log, "2026-11-%02d 10:%02d:%02d.%06d+00 INFO [worker-%d] request_id=550e8400-e29b-41d4-a716-4466554%05d GET /api/v1/orders/%d?page=%d 200 %d.%03dms\n",
			i%28+1, i%60, i%59, i*1999, i%8, i, 4_000_000+i*77, i%9, i%300, i)
		fmt.Fprintf(&prose, "The order was delivered on Tuesday; the customer asked for %d more items, and said that A. Brown (Berlin) would call back. ", i)
		fmt.Fprintf(&rows, "%d|Customer#%09d|IVhzIApeRb ot,c,E|%d|711.%02d|BUILDING|to the even, regular platelets. regular, ironic epitaphs nag e\n", i, i, i%25, i%100)
		fmt.Fprintf(&json, `{"id": %d, "user_name": "customer-%d", "created_at": "2026-11-26T10:42:%02dZ", "tags": ["a", "b_c"], "total": %d.50, "sha": "da39a3ee5e6b4b0d3255bfef95601890afd8%04d"}`+"\n", 100000+i, i, i%60, i*3, i)
	}
	return map[string][]byte{"log": []byte(log.String()), "prose": []byte(prose.String()), "rows": []byte(rows.String()), "json": []byte(json.String())}
}

func BenchmarkClean(b *testing.B) {
	s := set(b, "redact")
	for name, text := range corpora() {
		b.Run(name, func(b *testing.B) {
			if s.Find(text) {
				out, _ := s.Apply([]byte(string(text)), mask.Text)
				b.Fatalf("something is found in %.300q", out)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, r := s.Apply(text, mask.Text); r != mask.Clean {
					b.Fatal("found")
				}
			}
		})
	}
}

// BenchmarkCells looks at values of twenty bytes, one by one.
func BenchmarkCells(b *testing.B) {
	s := set(b, "redact")
	text := corpora()["rows"]
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for at := 0; at+20 <= len(text); at += 20 {
			if _, r := s.Apply(text[at:at+20], mask.Text); r != mask.Clean {
				b.Fatal("found")
			}
		}
	}
}

func TestNothingIsAllocatedWhereNothingIsFound(t *testing.T) {
	s := set(t, "redact")
	for name, text := range corpora() {
		if n := testing.AllocsPerRun(5, func() { s.Apply(text, mask.Text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	honestText := []byte(strings.Join(honest(), "\t"))
	if n := testing.AllocsPerRun(5, func() { s.Apply(honestText, mask.Text) }); n != 0 {
		t.Errorf("honest values: %v allocations", n)
	}
}
