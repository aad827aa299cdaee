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

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

func TestOneRequestIsSentBehindTheAnswerToTheOther(t *testing.T) {
	early := make(chan int, 3)
	p := httpform.Play(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for _, text := range []string{"one", "two", "three"} {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, q.Body)
			early <- r.Buffered()
			_, _ = io.WriteString(c, ok(text))
		}
		_, _ = io.Copy(io.Discard, r)
	})
	s := open(t, p, everything)
	s.Say("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
	for _, want := range []string{"one", "two", "three"} {
		if a := s.Read("GET"); a.Text != want {
			t.Errorf("the client got %q, not %q", a.Text, want)
		}
		if n := <-early; n > 0 {
			t.Errorf("before %q was answered %d bytes more were sent", want, n)
		}
	}
	host := "Host: " + p.Base(t).Host
	want := "POST /a HTTP/1.1\r\n" + host + "\r\nContent-Length: 5\r\n\r\nhello" + "GET /b HTTP/1.1\r\n" + host + "\r\n\r\n" +
		"POST /c HTTP/1.1\r\n" + host + "\r\nContent-Length: 2\r\n\r\nhi"
	if got := p.Text(); got != want || p.Connections() != 1 {
		t.Errorf("the target heard on %d connections\n%q, not\n%q", p.Connections(), got, want)
	}
}

func TestARefusedRequestLeavesTheNextInStep(t *testing.T) {
	p := answers(t, []string{ok("fine")})
	s := open(t, p, everything)
	s.Say("GET /denied HTTP/1.1\r\nHost: x\r\n\r\nGET /refused HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []int{403, 415, 200} {
		if a := s.Read("GET"); a.StatusCode != want {
			t.Errorf("%s, not %d", a.Status, want)
		}
	}
	if got := p.Text(); strings.Contains(got, "denied") || strings.Contains(got, "refused") {
		t.Errorf("the target heard %q", got)
	}
}

func TestWhatStandsBehindABodyIsNoPartOfIt(t *testing.T) {
	p := answers(t, []string{ok("fine")})
	s := open(t, p, everything)
	s.Say("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhello\r\n\r\n")
	if a := s.Read("POST"); a.StatusCode != 200 {
		t.Fatal(a.Status)
	}
	if a := s.Read("GET"); a.StatusCode != 400 || !a.Close {
		t.Errorf("what is no request is answered %s, close %v", a.Status, a.Close)
	}
	if got := p.Text(); !strings.HasSuffix(got, "\r\n\r\nhe") {
		t.Errorf("the target heard %q", got)
	}
}

func TestAnUploadIsRefusedBeforeItIsRead(t *testing.T) {
	for _, path := range []string{"/denied", "/refused"} {
		p := answers(t, []string{ok("fine")})
		s := open(t, p, everything)
		s.Say("PUT " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", readAhead+1))
		if a := s.Read("PUT"); a.StatusCode < 400 || !a.Close {
			t.Errorf("%s: %s, close %v", path, a.Status, a.Close)
		}
		s.Say("GET /behind HTTP/1.1\r\nHost: x\r\n\r\n") // what is left of the body is no request
		if rest := s.Closed("behind a refused upload"); rest != "" {
			t.Errorf("%s: behind its answer came %q", path, rest)
		}
		if p.Text() != "" {
			t.Errorf("%s: the target heard %q", path, p.Text())
		}
	}
}

func TestALongBodyIsSentAsItComes(t *testing.T) {
	first := make(chan struct{})
	p := httpform.Play(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.ReadFull(q.Body, make([]byte, readAhead+10)); err != nil {
			return
		}
		close(first)
		rest, err := io.ReadAll(q.Body)
		if err == nil && string(rest) == "the rest" {
			_, _ = io.WriteString(c, ok("fine"))
		}
	})
	s := open(t, p, everything)
	s.Say("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40a\r\n" + strings.Repeat("a", readAhead+10) + "\r\n")
	<-first
	s.Say("8\r\nthe rest\r\n0\r\n\r\nGET /behind HTTP/1.1\r\nHost: x\r\n\r\n")
	if a := s.Read("PUT"); a.Text != "fine" || !a.Close {
		t.Errorf("%s %q, close %v", a.Status, a.Text, a.Close)
	}
	s.Closed("behind a body that was sent as it came")
	if strings.Contains(p.Text(), "behind") {
		t.Error("the target heard the next request, though the client was told that there is none")
	}
}

func TestABodyThatIsNoneIsNotMadeToLookWhole(t *testing.T) {
	for name, body := range map[string]string{
		"a bad chunk": "40a\r\n" + strings.Repeat("a", readAhead+10) + "\r\nzz\r\n",
		"an overlong": "40a\r\n" + strings.Repeat("a", readAhead+11) + "\r\n0\r\n\r\n",
	} {
		whole := make(chan error, 1)
		p := httpform.Play(t, func(_ int, c net.Conn) {
			q, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				_, err = io.Copy(io.Discard, q.Body)
			}
			whole <- err
		})
		s := open(t, p, everything)
		s.Say("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
		if a := s.Read("PUT"); a.StatusCode != 400 || !a.Close {
			t.Errorf("%s: %s, close %v", name, a.Status, a.Close)
		}
		if err := <-whole; err == nil {
			t.Errorf("%s: the target took it for whole", name)
		}
	}
}

// holding is a target that says something to a request and no more, and tells when it was asked and when it was left.
func holding(t *testing.T, says string) (at *httpform.Played, asked, freed chan struct{}) {
	asked, freed = make(chan struct{}), make(chan struct{})
	return httpform.Play(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, says)
			close(asked)
			_, _ = io.Copy(io.Discard, r)
			close(freed)
		}
	}), asked, freed
}

func TestAClientThatLeavesFreesTheTarget(t *testing.T) {
	for name, text := range map[string]string{
		"while it waits":   "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"while it uploads": "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", 2*readAhead),
	} {
		p, asked, freed := holding(t, "")
		s := open(t, p, everything)
		s.Say(text)
		<-asked
		if err := s.Conn.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-freed:
		case <-time.After(httpform.Patience):
			t.Fatalf("%s: the target still works for nobody", name)
		}
		if err := s.Served(t, httpform.Patience); err != nil {
			t.Errorf("%s: the session ended with %v", name, err)
		}
	}
}

func TestTheEndOfAGrantCutsABodyThatPasses(t *testing.T) {
	for name, text := range map[string]string{
		"down": "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"up":   "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("a", 2*readAhead),
	} {
		says := ""
		if name == "down" {
			says = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nfirst"
		}
		p, asked, freed := holding(t, says)
		s := open(t, p, everything)
		s.Say(text)
		<-asked
		if name == "down" {
			if _, err := io.ReadFull(s.Head("GET").Body, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
		}
		s.End(errEnded)
		s.Cut(name)
		select {
		case <-freed:
		case <-time.After(time.Second):
			t.Errorf("%s: the target is not freed within a second", name)
		}
		if err := s.Served(t, time.Second); !errors.Is(err, errEnded) {
			t.Errorf("%s: the session ended with %v", name, err)
		}
	}
}

func TestWhatCanNotBeReadAsARequestEndsTheSocket(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"a long head":     {"GET /a HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431},
		"many fields":     {"GET /a HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 300) + "\r\n", 431},
		"no HTTP":         {"SSH-2.0-OpenSSH_9.9\r\n\r\n", 400},
		"another version": {"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505},
	} {
		for _, before := range []string{"", "GET /before HTTP/1.1\r\nHost: x\r\n\r\n"} {
			p := answers(t, []string{ok("fine")})
			s := open(t, p, everything)
			if s.Say(before); before != "" && s.Read("GET").StatusCode != 200 {
				t.Fatal("the request before is not answered")
			}
			go s.Say(c.text)
			if a := s.Read("GET"); a.StatusCode != c.status || !a.Close {
				t.Errorf("%s: %s, close %v", name, a.Status, a.Close)
			}
			if got := p.Text(); strings.Contains(got, "/a") {
				t.Errorf("%s: the target heard %q", name, got)
			}
		}
	}
}

func TestWithoutARecordingNothingIsSent(t *testing.T) {
	p := answers(t, []string{ok("fine")})
	s := open(t, p, everything)
	s.Recorder.Fail()
	if a := s.Ask("GET /a", "", ""); a.StatusCode != 503 || p.Text() != "" {
		t.Errorf("%s, and the target heard %q", a.Status, p.Text())
	}
}

func TestAPanicEndsItsSessionAlone(t *testing.T) {
	p := answers(t, []string{ok("fine")})
	other, s := open(t, p, everything), open(t, p, everything)
	s.Say("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := s.Closed("behind a panic"); got != "" {
		t.Errorf("the client got %q", got)
	}
	if a := other.Ask("GET /a", "", ""); a.StatusCode != 200 || strings.Contains(p.Text(), "panic") {
		t.Errorf("%s, and the target heard %q", a.Status, p.Text())
	}
}
