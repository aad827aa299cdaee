package exchange_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

var errEnded = errors.New("the grant was ended")

func TestAnAnswerBeforeTheBodyWasReadReachesTheClient(t *testing.T) {
	p := httpform.Play(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		}
		_, _ = io.Copy(io.Discard, r)
	})
	s := open(t, p, everything)
	s.Say("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", 2*readAhead))
	if a := s.Read("PUT"); a.StatusCode != 413 || a.Text != "large" || !a.Close {
		t.Errorf("%s %q, close %v", a.Status, a.Text, a.Close)
	}
	p.Stop() // nothing holds the target
}

func TestAKeptConnectionThatTheTargetClosedIsDialledAnew(t *testing.T) {
	p := answers(t, []string{ok("one") + "CLOSE"}, []string{ok("two")})
	s := open(t, p, everything)
	if a := s.Ask("GET /a", "", ""); a.Text != "one" {
		t.Fatal(a.Text)
	}
	p.Left(0)
	if a := s.Ask("POST /b", "", "body"); a.Text != "two" || p.Connections() != 2 {
		t.Errorf("%s %q on %d connections", a.Status, a.Text, p.Connections())
	}
}

func TestNoRequestIsSentTwice(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		p := answers(t, []string{ok("one"), "CLOSE"}, []string{ok("again")})
		s := open(t, p, everything)
		s.Ask("GET /a", "", "")
		if a := s.Ask(method+" /b", "", ""); a.StatusCode != 502 {
			t.Errorf("%s: %s %q", method, a.Status, a.Text)
		}
		if n := strings.Count(p.Text(), "/b"); n != 1 {
			t.Errorf("%s: the target heard it %d times", method, n)
		}
		if a := s.Ask(method+" /c", "", ""); a.Text != "again" {
			t.Errorf("%s: the session does not go on: %s", method, a.Status)
		}
	}
}

func TestAnAnswersFramingIsReadInStep(t *testing.T) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"
	for name, c := range map[string]struct {
		method, answer, text, length string
		status                       int
	}{
		"interims":           {"GET", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 5) + ok("fine"), "fine", "4", 200},
		"too many interims":  {"GET", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 6) + ok("fine"), "target_unreachable", "18", 502},
		"HEAD":               {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "", "1000", 200},
		"HEAD in chunks":     {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", "", 200},
		"204":                {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "", "", 204},
		"304 with a length":  {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", "", "1000", 304},
		"poison behind 304":  {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\n" + poison, "", "8", 304},
		"poison behind HEAD": {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + poison, "", "8", 200},
		"poison":             {"GET", ok("fine") + poison, "fine", "4", 200},
		"chunks":             {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\nX-T: y\r\n\r\n", "fine", "", 200},
	} {
		p := answers(t, []string{c.answer, ok("next")}, []string{ok("next")})
		s := open(t, p, everything)
		a := s.Ask(c.method+" /a", "", "")
		if a.StatusCode != c.status || a.Text != c.text || a.Header.Get("Content-Length") != c.length {
			t.Errorf("%s: %s %q, of the length %q", name, a.Status, a.Text, a.Header.Get("Content-Length"))
		}
		if b := s.Ask("GET /b", "", ""); b.Text != "next" {
			t.Errorf("%s: the next answer is %s %q", name, b.Status, b.Text)
		}
	}
}

func TestAFilterHasTheLastWord(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer, text, length string
		status                       int
	}{
		"counted":           {"GET", ok("a-x-b"), "a-***-b", "7", 200},
		"chunks":            {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na-x\r\n2\r\n-b\r\n0\r\n\r\n", "a-***-b", "", 200},
		"to the end":        {"GET", "HTTP/1.1 200 OK\r\n\r\na-x-bCLOSE", "a-***-b", "", 200},
		"a length of HEAD":  {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", "", 200},
		"what it can't see": {"GET", ok("a-x-!-b"), "target_unreachable", "18", 502},
	} {
		p := answers(t, []string{c.answer})
		s := open(t, p, everything)
		a := s.Ask(c.method+" /filtered", "", "")
		if a.StatusCode != c.status || a.Text != c.text || a.Header.Get("Content-Length") != c.length {
			t.Errorf("%s: %s %q, of the length %q", name, a.Status, a.Text, a.Header.Get("Content-Length"))
		}
		if text := s.Recording(); strings.Contains(text, "a-x") {
			t.Errorf("%s: the recording has %s", name, text)
		}
	}
}

func TestAnAnswerThatBreaksOffDoesNotEnd(t *testing.T) {
	for name, text := range map[string]string{
		"counted": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirstCLOSE",
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nCLOSE",
	} {
		p := answers(t, []string{text})
		s := open(t, p, everything)
		s.Say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
		a := s.Head("GET")
		if body, err := io.ReadAll(a.Body); err == nil && a.StatusCode == 200 {
			t.Errorf("%s: %q looks whole", name, body)
		}
	}
}

const upgrade = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: "

func TestASocketSwitchesOnlyWhereBothSidesSaySo(t *testing.T) {
	const switches = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: carried\r\n\r\n"
	for name, c := range map[string]struct {
		request, answer string
		status          int
	}{
		"it does":                     {upgrade + "carried\r\n\r\n", switches, 101},
		"the target does not":         {upgrade + "carried\r\n\r\n", ok("no"), 200},
		"the target says another":     {upgrade + "carried\r\n\r\n", strings.Replace(switches, "carried", "other", 1), 502},
		"nobody asked":                {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", switches, 502},
		"nobody could carry it":       {upgrade + "other\r\n\r\n", strings.Replace(switches, "carried", "other", 1), 0},
		"an interim answer before it": {upgrade + "carried\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n" + switches, 101},
	} {
		p := answers(t, []string{c.answer})
		s := open(t, p, everything)
		s.Say(c.request + "behind\n")
		status := 0
		if a, err := http.ReadResponse(s.In, &http.Request{Method: "GET"}); err == nil {
			status = a.StatusCode
			_, _ = io.Copy(io.Discard, a.Body)
		}
		if status != c.status {
			t.Errorf("%s: %d, not %d", name, status, c.status)
		}
		if name != "nobody asked" {
			_ = s.Served(t, 5*time.Second) // what stands behind an upgrade is never read as a request
		}
		_ = s.Conn.Close()
		p.Stop()
		if carried := strings.Contains(p.Text(), "behind\n"); carried != (c.status == 101) {
			t.Errorf("%s: the target heard %q", name, p.Text())
		}
	}
}

func TestALimitOfBytesCutsAnAnswer(t *testing.T) {
	limited := everything + "limits:\n  - {name: small, bytes: 1000000, per: command}\n"
	p := answers(t, []string{ok(strings.Repeat("a", 4<<20))})
	s := open(t, p, limited)
	s.Say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	a := s.Head("GET")
	body, err := io.ReadAll(a.Body)
	if a.StatusCode != 200 || err == nil || len(body) == 0 || len(body) > 1000000 {
		t.Errorf("%s with %d bytes, %v: %.50s", a.Status, len(body), err, body)
	}
	p.Stop() // the target is let go
}

func TestTheLastAnswerOfASocketSaysSo(t *testing.T) {
	for name, head := range map[string]string{"close": "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.0": "GET /a HTTP/1.0\r\nHost: x\r\n\r\n"} {
		p := answers(t, []string{ok("fine"), ok("more")})
		s := open(t, p, everything)
		s.Say(head + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
		if a := s.Read("GET"); a.Text != "fine" || !a.Close {
			t.Errorf("%s: %s %q, close %v", name, a.Status, a.Text, a.Close)
		}
		if rest := s.Closed(name); rest != "" || strings.Contains(p.Text(), "/b") {
			t.Errorf("%s: behind the last answer came %q", name, rest)
		}
	}
}

func TestATargetThatStopsReadingHoldsNobody(t *testing.T) {
	told, over := make(chan struct{}), make(chan struct{})
	p := httpform.Play(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		<-told // there is more on its way than all sockets hold
		_, _ = io.WriteString(c, ok("enough"))
		<-over
	})
	s := open(t, p, everything)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.Say("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n")
		piece := strings.Repeat("a", 1<<20)
		for i := range 60 {
			if i == 1 {
				close(told)
			}
			s.Say(piece)
		}
	}()
	if a := s.Read("PUT"); a.Text != "enough" || !a.Close {
		t.Errorf("%s %q, close %v", a.Status, a.Text, a.Close)
	}
	err := s.Served(t, 5*time.Second)
	close(over)
	if <-sent; err != nil {
		t.Errorf("the session ended with %v", err)
	}
}

// What a client sends behind its request is unread when the grant ends, and must not reset the socket under the answer.
func TestTheEndOfAGrantIsAnsweredBehindWhatNobodyRead(t *testing.T) {
	for name, text := range map[string]string{
		"other requests": "GET /a HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat("GET /b HTTP/1.1\r\nHost: x\r\n\r\n", 10_000),
		"a body":         "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", 300_000),
	} {
		p, asked, _ := holding(t, "")
		s := open(t, p, everything)
		s.Say(text)
		<-asked
		s.End(&api.Error{Code: api.CodeGrantEnded, Message: "The grant was ended."})
		if a := s.Read("GET"); a.StatusCode != 403 || a.Text != api.CodeGrantEnded {
			t.Errorf("%s: %s %q", name, a.Status, a.Text)
		}
		if rest, err := io.ReadAll(s.In); err != nil || len(rest) > 0 {
			t.Errorf("%s: behind the answer come %q, %v", name, rest, err)
		}
	}
}
