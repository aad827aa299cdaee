package localproxy

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// FuzzDoor: a request that passes carried a whole secret of this run, names this origin, and carries neither Authorization
// with the secret nor any cookie of hoop, as another reader reads it; the service's own cookies are all there.
func FuzzDoor(f *testing.F) {
	e := Endpoint{Kind: kindHTTP, Name: "grafana", Host: loopback, Port: 4000, User: "hoop", Password: Secret{"s3cret"}}
	basic := base64.StdEncoding.EncodeToString([]byte("hoop:s3cret"))
	for _, fields := range []string{
		"Host: 127.0.0.1:4000\r\nAuthorization: Bearer s3cret", "Host: localhost:4000\r\nAuthorization: Basic " + basic,
		"Host: grafana-drawn.localhost:4000\r\nSec-Fetch-Site: none\r\nCookie: a=1; hoop_local_4000_x=c00kie; b=2",
		"Host: grafana-drawn.localhost:4000\r\nOrigin: http://grafana-drawn.localhost:4000\r\nCookie: hoop_local_4000_x=c00kie;;hoop_local_1=; c = \" ; d\"",
		"Host: grafana.localhost:4000\r\nSec-Fetch-Site: none\r\nCookie: hoop_local_4000_x=c00kie", "Host: evil.test\r\nAuthorization: Bearer s3cret", "Host: 127.0.0.1:4000\r\nOrigin: null\r\nAuthorization: Bearer s3cret",
	} {
		f.Add([]byte("GET /a?b HTTP/1.1\r\n" + fields + "\r\n\r\n"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := newDoor("http", e)
		d.basic = true
		d.browsers = &browsers{host: d.know("http", "grafana-drawn.localhost", 4000), cookie: "hoop_local_4000_x", secret: Secret{"c00kie"}, code: Secret{"c0de"}, tell: func(Event) {}}
		q, err := http1.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return
		}
		before := len(othersCookies(strings.Join(q.Fields.Values("Cookie"), ";")))
		if r := d.admit(q); r != nil {
			if r.ask != nil {
				r = r.ask()
			}
			if r.status < 300 || r.status == http.StatusSeeOther && !bytes.Contains(in, []byte("c0de")) {
				t.Fatalf("answered %d", r.status)
			}
			return
		}
		if !bytes.Contains(in, []byte("s3cret")) && !bytes.Contains(in, []byte("c00kie")) && !bytes.Contains(in, []byte(basic)) {
			t.Fatalf("passed without a secret: %q", in)
		}
		out, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(http1.AppendRequest(nil, q))))
		if err != nil {
			return // of what this reader knows less
		}
		host := strings.ToLower(out.Host)
		programs := host == "127.0.0.1:4000" || host == "localhost:4000" || host == "grafana.localhost:4000"
		if !programs && host != "grafana-drawn.localhost:4000" {
			t.Fatalf("passed to %q", out.Host)
		}
		if programs && !bytes.Contains(in, []byte("s3cret")) && !bytes.Contains(in, []byte(basic)) {
			t.Fatalf("a cookie passed to %q", out.Host)
		}
		if origin := out.Header.Get("Origin"); origin != "" && origin != "http://"+host && (origin != "null" || out.Header.Get("Sec-Fetch-Site") != "same-origin") {
			t.Fatalf("passed from %q", origin)
		}
		if said := out.Header.Get("Authorization"); d.proves(said) {
			t.Fatalf("passed on %q", said)
		}
		left := strings.Join(out.Header["Cookie"], ";")
		if strings.Contains(strings.ToLower(";"+strings.ReplaceAll(left, " ", "")), ";"+cookiePrefix) || len(othersCookies(left)) != before {
			t.Fatalf("passed on the cookies %q", left)
		}
	})
}
