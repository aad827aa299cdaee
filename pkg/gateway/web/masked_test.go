package web

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const canarySSN = "078-05-1120"

// packed encodes a text.
func packed(t testing.TB, coding, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	default:
		return text
	}
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestABodyInAnEncodingIsDecodedOrWithheld(t *testing.T) { // J8
	document := `{"ssn":"` + canarySSN + `","mail":"` + foundMail + `"}`
	const seen = `{"ssn":"***","mail":"***"}`
	for name, c := range map[string]struct{ coding, body, want string }{
		"gzip":             {"gzip", packed(t, "gzip", document), seen},
		"x-gzip":           {"x-gzip", packed(t, "gzip", document), seen},
		"deflate":          {"deflate", packed(t, "deflate", document), seen},
		"zstd":             {"zstd", packed(t, "zstd", document), seen},
		"identity":         {"identity", document, seen},
		"br":               {"br", document, ""},
		"unknown":          {"x-rot13", document, ""},
		"twice":            {"gzip, gzip", packed(t, "gzip", packed(t, "gzip", document)), ""},
		"two fields":       {"identity\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip", packed(t, "gzip", document), ""},
		"not what it says": {"gzip", document, ""},
		"a bomb":           {"gzip", packed(t, "gzip", `{"a":"`+strings.Repeat("x", 200<<20)+`","ssn":"`+canarySSN+`"}`), "cut"},
		"gzip unsaid":      {"", packed(t, "gzip", document), ""},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " chunked ", chunked), func(t *testing.T) {
				head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				if c.coding != "" {
					head += "Content-Encoding: " + c.coding + "\r\n"
				}
				answer := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(c.body), c.body)
				if chunked {
					answer = fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(c.body), c.body)
				}
				s := open(t, canned(t, answer), maskedStreams)
				s.Send("GET /x HTTP/1.1\nHost: x\n\n")
				a := s.Head("GET")
				body, err := io.ReadAll(a.Body)
				switch {
				case c.want == "cut" && err == nil && a.StatusCode != 502, c.want == "" && a.StatusCode != 502:
					t.Errorf("%s %q %v", a.Status, body[:min(len(body), 200)], err)
				case len(c.want) > 3 && (string(body) != c.want || a.Header.Get("Content-Encoding") != ""):
					t.Errorf("%s %v %q", a.Status, a.Header, body)
				}
				if bytes.Contains(body, []byte(canarySSN)) {
					t.Error("what is masked passed")
				}
				if text := s.Recording(); strings.Contains(text, canarySSN) || strings.Contains(text, foundMail) {
					t.Error("the recording has it")
				}
			})
		}
	}
}

func TestAMaskHoldsHoweverAnAnswerIsCut(t *testing.T) { // J8, L5
	document := `{"a":[{"ssn":"` + canarySSN + `"},"` + strings.Replace(foundMail, "c", `\u0063`, 1) + `"],"token":"` + secretToken + `"}`
	const want = `{"a":[{"ssn":"***"},"***"],"token":"***"}`
	var at atomic.Int64
	target := raw(t, func(c net.Conn) {
		buffer := make([]byte, 4096)
		for {
			if _, err := c.Read(buffer); err != nil {
				return
			}
			n := int(at.Load())
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", n, document[:n])
			_, _ = fmt.Fprintf(c, "%x\r\n%s\r\n0\r\n\r\n", len(document)-n, document[n:])
		}
	})
	s := open(t, target, maskedStreams)
	for n := 1; n < len(document); n++ {
		at.Store(int64(n))
		if a := s.Ask("GET /x", "", ""); a.Text != want {
			t.Fatalf("cut at %d: %s", n, a.Text)
		}
	}
}

func TestWhatCanNotBeLookedAtIsWithheld(t *testing.T) { // J8
	for mediaType, text := range map[string]string{
		"":                                  `{"ssn":"078-05-1120"}`,
		"application/octet-stream":          `{"ssn":"078-05-1120"}`,
		"application/x-protobuf":            "\x0a\x0b078-05-1120",
		"multipart/mixed; boundary=b":       "--b\r\nContent-Type: application/json\r\n\r\n{\"ssn\":\"078-05-1120\"}\r\n--b--\r\n",
		"application/json; charset=utf-16":  "{\x00\"\x00",
		"text/plain":                        ` {"ssn":"078-05-1120"}`,
		"text/html":                         `[{"ssn":"078-05-1120"}]`,
		"image/png":                         `{"ssn":"078-05-1120"}`,
		"application/javascript":            `callback({"ssn":"078-05-1120"})`,
		"application/json":                  `{"ssn":"078-05-1120"`,
		"application/json; charset=utf-8; ": `{"ssn":"078-05-1120",}`,
		"text/csv":                          "ssn\n078-05-1120\n",
	} {
		t.Run(mediaType, func(t *testing.T) {
			s := open(t, canned(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", mediaType, len(text), text)), maskedStreams)
			a := s.Ask("GET /x", "", "")
			if a.StatusCode != 502 || strings.Contains(a.Text, canarySSN) || !strings.Contains(a.Text, "withheld") {
				t.Errorf("%s %s", a.Status, a.Text)
			}
			if b := s.Ask("GET /x", "", ""); b.StatusCode != 502 {
				t.Errorf("the next on the socket: %s", b.Status)
			}
			if text := s.Recording(); strings.Contains(text, canarySSN) {
				t.Error("the recording has it")
			}
		})
	}
}

func TestRudeTargetsAreAnswered502(t *testing.T) { // J12
	for name, answer := range map[string]string{
		"no answer":           "close",
		"no HTTP":             "SSH-2.0-OpenSSH_9.9\r\n",
		"a large head":        "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n",
		"many fields":         "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 300) + "\r\n",
		"interims":            strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 6) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"a split":             "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n",
		"two lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"length and chunks":   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"a short body":        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n",
		"switches unasked":    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"a status of its own": "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, raw(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
			}), allowAll)
			if a := s.Ask("GET /x", "", ""); a.StatusCode != 502 || a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s %v %s", a.Status, a.Header, a.Text)
			}
		})
	}
}

func TestFiveInterimAnswersAreReadAndNonePasses(t *testing.T) { // J12
	s := open(t, canned(t, strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+secretToken+"\r\n\r\n", 5)+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), allowAll)
	if a := s.Ask("GET /x", "", ""); a.StatusCode != 200 || a.Text != "ok" {
		t.Errorf("%s %q", a.Status, a.Text)
	}
}

func TestABodyThatBreaksOffIsNotMadeToLookWhole(t *testing.T) { // J12
	for name, answer := range map[string]string{
		"counted": "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + big(70000),
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, raw(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
			}), allowAll)
			s.Send("GET /x HTTP/1.1\nHost: x\n\n")
			a := s.Head("GET")
			if body, err := io.ReadAll(a.Body); err == nil && a.StatusCode != 502 {
				t.Errorf("%d bytes look whole", len(body))
			}
		})
	}
}

func TestTwoSessionsShareNoConnectionToTheTarget(t *testing.T) { // J14
	log, conns := &journal{}, &atomic.Int64{}
	target := counting(t, log, conns, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	a, b := open(t, target, allowAll), open(t, target, allowAll)
	one, two := a.Ask("GET /a", "", "").Text, b.Ask("GET /b", "", "").Text
	if one == two || a.Ask("GET /a", "", "").Text != one || b.Ask("GET /b", "", "").Text != two || conns.Load() != 2 {
		t.Errorf("%s and %s, %d connections:\n%s", one, two, conns.Load(), log)
	}
}

func TestPagesPassUnderMasksOnlyWhereThePolicySaysThatTheyShowNothing(t *testing.T) {
	const page = "<html>078-05-1120</html>"
	for says, want := range map[string]int{"": 502, ", pages: true": 200} {
		rules := "version: 1\nrules: [{name: all, effects: [read], verdict: allow}]\nmasks: [{name: people, json: [\"$..ssn\"], as: redact" + says + "}]\n"
		s := open(t, canned(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", len(page), page)), rules)
		if a := s.Ask("GET /x", "", ""); a.StatusCode != want || want == 502 && strings.Contains(a.Text, canarySSN) {
			t.Errorf("%q: %s %s", says, a.Status, a.Text)
		}
	}
}
