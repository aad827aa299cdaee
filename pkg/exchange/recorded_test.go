package exchange

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// usual are the fields of a short answer of a service.
var usual = http1.Fields{
	{Name: "Content-Type", Value: "application/json; charset=utf-8"}, {Name: "Date", Value: "Fri, 27 Nov 2026 03:30:03 GMT"}, {Name: "Server", Value: "nginx/1.27.2"},
	{Name: "Vary", Value: "Accept-Encoding"}, {Name: "X-Request-Id", Value: "0f9c1d"}, {Name: "Cache-Control", Value: "no-store"}, {Name: "X-Content-Type-Options", Value: "nosniff"},
	{Name: "ETag", Value: `W/"33a64df5"`},
}

func TestTheHeadOfAnAnswerCostsLittle(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = headOf(200, usual) }); n > 1 {
		t.Errorf("%v allocations for a head of %d fields", n, len(usual))
	}
}

func TestFieldsThatMayOpenSomethingAreTold(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Auth-Token": true, "SET-COOKIE": true, "x-api-KEY": true, "Keyring": true, "X-CSRF": true, "WWW-Authenticate": true, "JWT": true, "a-Signature": true,
		"": false, "Content-Type": false, "ETag": false, "Server": false, "X-Ke": false, "X-Toke": false, "Location": false,
	} {
		if Secretive(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func BenchmarkHeadOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Encode(headOf(200, usual)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNoHead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Encode(record.Terminal{What: "answer"}); err != nil {
			b.Fatal(err)
		}
	}
}
