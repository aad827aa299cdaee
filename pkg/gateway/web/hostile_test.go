package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// says is a target that answers the first request of each connection with the next text, whatever was asked, and reads on.
func says(texts ...string) func(int, net.Conn) {
	return func(number int, c net.Conn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_ = q.Body.Close()
		text := texts[min(number, len(texts)-1)]
		if _, err := io.WriteString(c, text); err == nil && !strings.Contains(text, "ENDS") {
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

const fine = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfine"

// J12: an answer that two readers could take apart in two ways, or that has no end, is a 502, and nothing of it is shown.
func TestAnAnswerThatIsNoneIsWithheld(t *testing.T) {
	for name, text := range map[string]string{
		"both framings":            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPWNED",
		"two lengths":              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nPWNED",
		"two types":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nPWNED",
		"a bare LF":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\nSet-Cookie: PWNED\r\n\r\nPWNED",
		"a bare CR":                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\rSet-Cookie: PWNED\r\n\r\nPWNED",
		"a folded field":           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n Set-Cookie: PWNED\r\n\r\nPWNED",
		"NUL in a field":           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\x00PWNED\r\n\r\nPWNED",
		"six interim answers":      strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: PWNED\r\n\r\n", 6) + fine,
		"an interim with a body":   "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nPWNED" + fine,
		"another protocol unasked": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nPWNED",
		"an early end":             "HTTP/1.1 200 OK\r\nX: PWNED-ENDS",
		"no answer at all":         "PWNED\r\n\r\n",
		"201 fields":               "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: PWNED\r\n", 201) + "\r\n",
	} {
		u := httpform.Play(t, says(text))
		c := open(t, at(u.Base(t)), everything)
		c.Say("GET /a HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
		all, err := io.ReadAll(c.In)
		if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 502 ") || strings.Contains(string(all), "PWNED") {
			t.Errorf("%s: the client got %q, %v", name, all, err)
		}
	}
}

// J12: five interim answers are passed over, and the answer behind them is the answer.
func TestInterimAnswersArePassedOver(t *testing.T) {
	u := httpform.Play(t, says(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", 5)+fine))
	c := open(t, at(u.Base(t)), everything)
	c.Say("GET /a HTTP/1.1\r\nHost: app\r\n\r\n")
	if got := c.Read("GET"); got.StatusCode != 200 || got.Text != "fine" {
		t.Errorf("%s %s", got.Status, got.Text)
	}
}

// J12: a head of 100 MiB costs its limit, not its length.
func TestAnEndlessHeadIsCutOff(t *testing.T) {
	u := httpform.Play(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		line := []byte("X: " + strings.Repeat("a", 32<<10) + "\r\n")
		for range 100 << 20 / len(line) {
			if err == nil {
				_, err = c.Write(line)
			}
		}
	})
	c := open(t, at(u.Base(t)), everything)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.Say("GET /a HTTP/1.1\r\nHost: app\r\n\r\n")
	got := c.Read("GET")
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; got.StatusCode != 502 || grown > 4<<20 {
		t.Errorf("status %d, %d bytes allocated", got.StatusCode, grown)
	}
}

// J12 and J14: what stands behind an answer is not the answer to the next request.
func TestWhatStandsBehindAnAnswerIsNoAnswer(t *testing.T) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nPWNED"
	for name, first := range map[string]struct{ method, text string }{
		"behind a counted body": {"GET", fine + poison},
		"behind chunks":         {"GET", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n" + poison},
		"behind 204":            {"GET", "HTTP/1.1 204 No Content\r\n\r\n" + poison},
		"behind 304":            {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n" + poison},
		"in the body of HEAD":   {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n" + poison},
	} {
		u := httpform.Play(t, says(first.text, fine))
		c := open(t, at(u.Base(t)), everything)
		c.Say(first.method + " /a HTTP/1.1\r\nHost: app\r\n\r\n")
		if got := c.Read(first.method); strings.Contains(got.Text, "PWNED") {
			t.Errorf("%s: %s %s", name, got.Status, got.Text)
		}
		c.Say("GET /b HTTP/1.1\r\nHost: app\r\n\r\n")
		if got := c.Read("GET"); got.Text != "fine" {
			t.Errorf("%s: the next answer is %s %s", name, got.Status, got.Text)
		}
	}
}

// A body that ends too early, or is malformed on its way, is not one that ends: the client can tell.
func TestABodyThatBreaksOffDoesNotEnd(t *testing.T) {
	for name, text := range map[string]string{
		"a counted body":  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nENDS",
		"chunks":          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nENDS\r\n",
		"a bad chunk":     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n4;a\nPWNE\r\n0\r\n\r\n",
		"bytes too many":  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfinePWNED\r\n0\r\n\r\n",
		"a large counted": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 999999\r\n\r\n" + strings.Repeat("a", 99999) + "ENDS",
	} {
		u := httpform.Play(t, says(text))
		c := open(t, at(u.Base(t)), everything)
		c.Say("GET /a HTTP/1.1\r\nHost: app\r\n\r\n")
		a, err := http.ReadResponse(c.In, &http.Request{Method: "GET"})
		if err != nil {
			continue // nothing was shown at all
		}
		body, err := io.ReadAll(a.Body)
		if a.StatusCode == 200 && err == nil || strings.Contains(string(body), "PWNE") {
			t.Errorf("%s: the client got %d %.99q as if it were all", name, a.StatusCode, body)
		}
	}
}
