package localproxy

import (
	"bufio"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

func BenchmarkDoor(b *testing.B) {
	e := Endpoint{Kind: kindHTTP, Name: "grafana", Host: loopback, Port: 4000, User: "hoop", Password: Secret{"0123456789abcdefghijklmnopqrstuv"}}
	d := newDoor("http", e)
	d.basic = true
	d.browsers = &browsers{host: d.know("http", "grafana-drawn.localhost", 4000), cookie: "hoop_local_4000_x", secret: Secret{"c00kie"}, tell: func(Event) {}}
	for name, fields := range map[string]string{
		"program": "Host: 127.0.0.1:4000\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer 0123456789abcdefghijklmnopqrstuv",
		"browser": "Host: grafana-drawn.localhost:4000\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nCookie: theirs=1; hoop_local_4000_x=c00kie",
	} {
		b.Run(name, func(b *testing.B) {
			q, err := http1.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\n" + fields + "\r\n\r\n")))
			if err != nil {
				b.Fatal(err)
			}
			all, own := q.Fields, make(http1.Fields, len(q.Fields))
			b.ReportAllocs()
			for b.Loop() {
				copy(own, all) // the door takes fields out of a request
				if q.Fields = own; d.admit(q) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
