package localproxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
)

// Sockets are served in a loop where that can be, and by goroutines alone elsewhere. What holds for one holds for the other.
func TestTheSameHoldsWhereNoLoopServes(t *testing.T) {
	noLoop.Store(true)
	defer noLoop.Store(false)
	for name, test := range map[string]func(*testing.T){
		"hostile requests":    TestAHostileRequestBehindAGoodOneNeverReachesTheTunnel,
		"order":               TestRequestsPassInTheirOrder,
		"cuts":                TestTheSameRequestsPassHoweverTheyAreCut,
		"malformed requests":  TestMalformedRequestsNeverReachTheTunnel,
		"cut bodies":          TestABodyThatIsCutOrMalformedDoesNotEnd,
		"upgrades":            TestBehindAnUpgradeBytesPassBothWays,
		"large bodies":        TestLargeBodiesPassBothWays,
		"permission":          TestABodyThatWaitsForPermissionIsAskedFor,
		"broken tunnels":      TestATunnelThatBreaksBreaksTheAnswer,
		"early answers":       TestAnAnswerArrivesThoughItsRequestIsNotReadToItsEnd,
		"what needs somebody": TestWhatCannotPassInTheLoopIsDoneAsEver,
		"later cuts":          TestALaterRequestPassesHoweverItIsCut,
		"nobody reads":        TestATunnelThatIsNotReadHoldsItsRequestsBack,
		"nobody reads, back":  TestAProgramThatDoesNotReadHoldsNoOtherUp,
	} {
		t.Run(name, test)
	}
}

// Behind a request that passed stands what the loop can't answer by itself, whole and in the middle of a head.
func TestWhatCannotPassInTheLoopIsDoneAsEver(t *testing.T) {
	p := serveWeb(t, "http", nil)
	link := p.signInTarget(t, p.Endpoint().SignIn)
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"ends of lines that are none": {"GET /a HTTP/1.1\nHost: 127.0.0.1\n\n", 400},
		"a line that ends in LF":      {"GET /a HTTP/1.1\r\nHost: x\n", 400},
		"a first line without end":    {"GET /" + strings.Repeat("a", 40<<10), 414},
		"a head without end":          {"GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 70), 431},
		"a long head":                 {head("GET /long", p.good("X: "+strings.Repeat("y", 20<<10))...), 200},
		"a link":                      {head("GET "+link, p.browser()...), 303},
		"no secret":                   {head("GET /", "Host: 127.0.0.1:"+p.port()), 401},
		"a body that comes later":     {head("POST /b", p.good("Content-Length: 3", "Expect: 100-continue")...) + "abc", 200},
	} {
		t.Run(name, func(t *testing.T) {
			sock := p.client(t)
			for range 3 {
				sock.send(t, head("GET /good", p.good()...))
				if a, body := sock.answer(t, "GET"); a.StatusCode != 200 || body != "GET /good" {
					t.Fatalf("answered %d %s", a.StatusCode, body)
				}
			}
			sock.send(t, c.text)
			if a, body := sock.answer(t, "GET"); a.StatusCode != c.want {
				t.Fatalf("answered %d %s, want %d", a.StatusCode, body, c.want)
			}
			if c.want == 303 {
				p.next(t, localproxy.BrowserSignedIn)
			}
			if c.want == 200 {
				sock.send(t, head("GET /more", p.good()...))
				if _, body := sock.answer(t, "GET"); body != "GET /more" {
					t.Errorf("then answered %s", body)
				}
				return
			}
			sock.closed(t)
		})
	}
}

// Wherever it is cut, a request that comes behind an answer is the same. What another socket asks in between shows that the
// first part was seen by itself.
func TestALaterRequestPassesHoweverItIsCut(t *testing.T) {
	p := serveWeb(t, "http", nil)
	sock, other := p.client(t), p.client(t)
	text := head("PUT /a?b", p.good("Content-Length: 5")...) + "hello"
	for cut := range len(text) {
		sock.send(t, text[:cut])
		other.send(t, head("GET /", p.good()...))
		other.answer(t, "GET")
		sock.send(t, text[cut:])
		if _, body := sock.answer(t, "PUT"); body != "PUT /a?b" {
			t.Fatalf("cut at %d: %q", cut, body)
		}
	}
	for _, q := range p.gw.requests() {
		if q.Method == "PUT" && q.body != "hello" || !q.whole {
			t.Fatalf("came out: %v %q", q.Request, q.body)
		}
	}
}

// More than is ever kept waits where it is, at the program, and arrives whole.
func TestATunnelThatIsNotReadHoldsItsRequestsBack(t *testing.T) {
	const requests = 8000
	hold, counted := make(chan struct{}), make(chan string, 1)
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(_ *webGateway, c *net.TCPConn) {
			r := bufio.NewReader(c)
			for i := range requests {
				if i == 1 {
					<-hold
				}
				if q, err := http.ReadRequest(r); err != nil || !strings.HasPrefix(q.RequestURI, fmt.Sprintf("/%d/", i)) {
					counted <- fmt.Sprintf("request %d is %v, %v", i, q, err)
					return
				}
				if i == 0 {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}
			counted <- ""
		}
	})
	sock, pad := p.client(t), strings.Repeat("x", 4000)
	sock.send(t, head("GET /0/"+pad, p.good()...))
	sock.answer(t, "GET")
	var all strings.Builder
	for i := 1; i < requests; i++ {
		all.WriteString(head(fmt.Sprintf("GET /%d/%s", i, pad), p.good()...))
	}
	must(t, sock.SetWriteDeadline(time.Now().Add(time.Second)))
	n, err := io.WriteString(sock, all.String())
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes were taken that nobody reads: %v", n, err)
	}
	close(hold)
	must(t, sock.SetWriteDeadline(time.Now().Add(20*time.Second)))
	sock.send(t, all.String()[n:])
	if wrong := <-counted; wrong != "" {
		t.Error(wrong)
	}
}

func TestAProgramThatDoesNotReadHoldsNoOtherUp(t *testing.T) {
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(_ *webGateway, c *net.TCPConn) {
			for r := bufio.NewReader(c); ; {
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				n := 10
				if q.URL.Path == "/endless" {
					n = 1 << 40
				}
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n)
				for block := make([]byte, 1<<20); n > 0; n -= len(block) {
					if _, err := c.Write(block[:min(n, len(block))]); err != nil {
						return
					}
				}
			}
		}
	})
	slow, quick := p.client(t), p.client(t)
	slow.send(t, head("GET /endless", p.good()...))
	if _, err := slow.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		quick.send(t, head("GET /", p.good()...))
		if a, body := quick.answer(t, "GET"); a.StatusCode != 200 || len(body) != 10 {
			t.Fatalf("answered %d %q", a.StatusCode, body)
		}
	}
	_ = slow.Close()
	p.next(t, localproxy.ClientClosed)
}
