package localproxy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// A socket that a good request opened is not open for others: each is checked, also one that is sent along.
func TestAHostileRequestBehindAGoodOneNeverReachesTheTunnel(t *testing.T) {
	for name, fields := range map[string]func(p *webProxy) []string{
		"no secret": func(p *webProxy) []string { return []string{"Host: 127.0.0.1:" + p.port()} },
		"rebinding": func(p *webProxy) []string { return append([]string{"Host: evil.test"}, p.good()[1:]...) },
		"a page's":  func(p *webProxy) []string { return p.good("Origin: http://evil.test") },
		"malformed": func(p *webProxy) []string { return p.good("Content-Length: 1", "Content-Length: 2") },
	} {
		for _, pipelined := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pipelined %v", name, pipelined), func(t *testing.T) {
				p := serveWeb(t, "http", nil)
				good, bad := head("GET /good", p.good()...), head("GET /bad", fields(p)...)
				sock := p.client(t)
				if pipelined {
					sock.send(t, good+bad)
				} else {
					sock.send(t, good)
				}
				if a, body := sock.answer(t, "GET"); a.StatusCode != 200 || body != "GET /good" {
					t.Fatalf("answered %d %s", a.StatusCode, body)
				}
				if !pipelined {
					sock.send(t, bad)
				}
				if a, body := sock.answer(t, "GET"); a.StatusCode < 400 || a.StatusCode > 403 {
					t.Errorf("answered %d %s", a.StatusCode, body)
				}
				sock.closed(t)
				if got := p.gw.requests(); len(got) != 1 || strings.Contains(p.gw.raw.String(), "bad") {
					t.Errorf("%d requests came: %q", len(got), p.gw.raw.String())
				}
			})
		}
	}
}

func TestRequestsPassInTheirOrder(t *testing.T) {
	p := serveWeb(t, "http", nil)
	sock := p.client(t)
	var all strings.Builder
	for i := range 50 {
		all.WriteString(head(fmt.Sprintf("POST /%d", i), p.good("Content-Length: 3")...) + "abc")
	}
	sock.send(t, all.String())
	for i := range 50 {
		if _, body := sock.answer(t, "POST"); body != fmt.Sprintf("POST /%d", i) {
			t.Fatalf("answer %d is %q", i, body)
		}
	}
	if p.gw.dials.Load() != 1 {
		t.Errorf("%d tunnels", p.gw.dials.Load())
	}
	if e := p.next(t, localproxy.ClientConnected); e.Recording != "ses_1" {
		t.Errorf("%+v", e)
	}
	_ = sock.Close()
	p.next(t, localproxy.ClientClosed)
}

// Wherever a program's bytes are cut, the same requests come out of the tunnel.
func TestTheSameRequestsPassHoweverTheyAreCut(t *testing.T) {
	for name, body := range map[string]string{
		"counted": "Content-Length: 11\r\n\r\nhello world",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
		"neither": "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := serveWeb(t, "http", nil)
			fields := strings.Join(p.good("X-Own: 1"), "\r\n") + "\r\n"
			text := "PUT /a?b HTTP/1.1\r\n" + fields + body + "PUT /end HTTP/1.1\r\n" + fields + "\r\n"
			for cut := range len(text) {
				sock := p.client(t)
				must(t, sock.Conn.(*net.TCPConn).SetNoDelay(true))
				sock.send(t, text[:cut])
				sock.send(t, text[cut:])
				for _, want := range []string{"PUT /a?b", "PUT /end"} {
					if _, got := sock.answer(t, "PUT"); got != want {
						t.Fatalf("cut at %d: %q", cut, got)
					}
				}
				_ = sock.Close()
			}
			for _, q := range p.gw.requests() {
				want := "hello world"
				if name == "neither" || q.RequestURI == "/end" {
					want = ""
				}
				if q.body != want || !q.whole || q.Header.Get("X-Own") != "1" || len(q.Trailer) > 0 || (len(q.TransferEncoding) > 0) != (name == "chunked" && want != "") {
					t.Fatalf("came out: %v %q %v", q.Request, q.body, q.Trailer)
				}
			}
		})
	}
}

// ATTACKS J1: what two readers could understand in two ways is refused before it has a tunnel.
func TestMalformedRequestsNeverReachTheTunnel(t *testing.T) {
	p := serveWeb(t, "http", nil)
	good := strings.Join(p.good(), "\r\n")
	for name, text := range map[string]string{
		"both lengths":          "POST / HTTP/1.1\r\n" + good + "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":           "POST / HTTP/1.1\r\n" + good + "\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"a coding that is none": "POST / HTTP/1.1\r\n" + good + "\r\nTransfer-Encoding: xchunked\r\n\r\n",
		"a folded field":        "GET / HTTP/1.1\r\n" + good + "\r\nX: a\r\n b\r\n\r\n",
		"a space in a name":     "GET / HTTP/1.1\r\n" + good + "\r\nX : a\r\n\r\n",
		"two hosts":             "GET / HTTP/1.1\r\n" + good + "\r\nHost: evil.test\r\n\r\n",
		"a whole address":       "GET http://127.0.0.1/ HTTP/1.1\r\n" + good + "\r\n\r\n",
		"another protocol":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"TLS":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	} {
		sock := p.client(t)
		sock.send(t, text)
		_ = sock.Conn.(*net.TCPConn).CloseWrite()
		if name == "TLS" {
			sock.closed(t)
			continue
		}
		if a, body := sock.answer(t, "GET"); a.StatusCode < 400 || !a.Close {
			t.Errorf("%s: %d %s", name, a.StatusCode, body)
		}
		sock.closed(t)
	}
	if p.gw.dials.Load() != 0 {
		t.Errorf("%d tunnels", p.gw.dials.Load())
	}
}

// Half a request is never taken for a whole one.
func TestABodyThatIsCutOrMalformedDoesNotEnd(t *testing.T) {
	for name, text := range map[string]string{
		"cut, counted":    "Content-Length: 10\r\n\r\nhello",
		"cut, chunked":    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"no chunk":        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzzz\r\n",
		"a chunk too big": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfffffffffffffffff\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := serveWeb(t, "http", nil)
			sock := p.client(t)
			sock.send(t, "POST / HTTP/1.1\r\n"+strings.Join(p.good(), "\r\n")+"\r\n"+text)
			must(t, sock.Conn.(*net.TCPConn).CloseWrite())
			said, _ := io.ReadAll(sock.r)
			if strings.HasPrefix(string(said), "HTTP/1.1 400 ") == strings.HasPrefix(name, "cut") {
				t.Errorf("answered %q", said)
			}
			p.stop()
			for _, q := range p.gw.requests() {
				if q.whole {
					t.Errorf("came out whole: %q", q.body)
				}
			}
		})
	}
}

// Behind an upgrade bytes pass as they are, both ways, and an end is passed on by itself.
func TestBehindAnUpgradeBytesPassBothWays(t *testing.T) {
	said := make(chan string, 1)
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(g *webGateway, c *net.TCPConn) {
			r := bufio.NewReader(c)
			if _, err := g.read(r); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			q, err := g.read(r)
			if err != nil || q.Header.Get("Upgrade") != "websocket" || q.Header.Get("Connection") != "Upgrade" {
				said <- fmt.Sprint(err, q.Header)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
			b, _ := io.ReadAll(r) // to the client's end
			said <- string(b)
			_, _ = io.WriteString(c, "bye")
		}
	})
	sock := p.client(t)
	sock.send(t, head("GET /before", p.good()...))
	sock.answer(t, "GET")
	// What follows looks like a request, and is none.
	sock.send(t, head("GET /ws", p.good("Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Key: x")...)+"GET / HTTP/1.1\r\n\r\n")
	a, err := http.ReadResponse(sock.r, &http.Request{Method: "GET"})
	if err != nil || a.StatusCode != 101 {
		t.Fatalf("%v %v", a, err)
	}
	sock.send(t, "\x00\xff raw")
	must(t, sock.Conn.(*net.TCPConn).CloseWrite())
	if b, err := io.ReadAll(sock.r); err != nil || string(b) != "hellobye" {
		t.Errorf("came back %q, %v", b, err)
	}
	if got := <-said; got != "GET / HTTP/1.1\r\n\r\n\x00\xff raw" {
		t.Errorf("came out %q", got)
	}
}

func TestLargeBodiesPassBothWays(t *testing.T) {
	const size = 48 << 20
	noise := make([]byte, size)
	_, _ = rand.New(rand.NewSource(1)).Read(noise)
	want := sha256.Sum256(noise)
	for _, framing := range []string{"counted", "chunked"} {
		p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
			g.serve = func(_ *webGateway, c *net.TCPConn) {
				q, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
				_, _ = io.Copy(c, q.Body)
			}
		})
		sock := p.client(t)
		go func() {
			if framing == "counted" {
				sock.send(t, head("POST /", p.good(fmt.Sprintf("Content-Length: %d", size))...))
				_, _ = sock.Write(noise)
				return
			}
			sock.send(t, head("POST /", p.good("Transfer-Encoding: chunked")...))
			for rest := noise; len(rest) > 0; {
				n := min(len(rest), 1+len(rest)%300_000)
				_, _ = fmt.Fprintf(sock, "%x\r\n%s\r\n", n, rest[:n])
				rest = rest[n:]
			}
			_, _ = io.WriteString(sock, "0\r\n\r\n")
		}()
		if _, err := http.ReadResponse(sock.r, nil); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if n, err := io.Copy(h, sock.r); n != size || err != nil || !bytes.Equal(h.Sum(nil), want[:]) {
			t.Errorf("%s: %d bytes came back, %v", framing, n, err)
		}
	}
}

// A program that waits for permission to send its body gets it from the other end.
func TestABodyThatWaitsForPermissionIsAskedFor(t *testing.T) {
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(_ *webGateway, c *net.TCPConn) {
			for r := bufio.NewReader(c); ; {
				q, err := http.ReadRequest(r)
				if err != nil || q.Header.Get("Expect") != "100-continue" {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
				b, _ := io.ReadAll(q.Body)
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(b), b)
			}
		}
	})
	sock := p.client(t)
	for _, framing := range [][2]string{{"Content-Length: 4", "data"}, {"Content-Length: 4", "data"}, {"Transfer-Encoding: chunked", "4\r\ndata\r\n0\r\n\r\n"}} {
		sock.send(t, head("POST /", p.good("Expect: 100-continue", framing[0])...))
		if line, err := sock.r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatal(line, err)
		}
		_, _ = sock.r.ReadString('\n')
		sock.send(t, framing[1])
		if _, body := sock.answer(t, "POST"); body != "data" {
			t.Errorf("came back %q", body)
		}
	}
}

func TestServicesStayReachableWhileThereIsNoTunnel(t *testing.T) {
	p := serveWeb(t, "http", nil)
	p.gw.fail.Store(&api.Error{Code: api.CodeUnreachable, Message: "The gateway <is> away.", Hint: "Try again.", Retryable: true, RequestID: "rq_1"})
	sock := p.client(t)
	sock.send(t, head("POST /", p.good("Content-Length: 200000")...)+strings.Repeat("x", 200_000))
	a, body := sock.answer(t, "POST")
	var problem api.Error
	if err := json.Unmarshal([]byte(body), &problem); err != nil || a.StatusCode != 503 || a.Header.Get("Content-Type") != "application/problem+json" || problem.Code != api.CodeUnreachable ||
		problem.Message != "The gateway <is> away." || problem.Hint != "Try again." || !problem.Retryable || problem.RequestID != "rq_1" || problem.Status != 503 {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, body)
	}
	sock = p.client(t)
	sock.send(t, head("GET /", p.good("Accept: text/html")...))
	if _, body := sock.answer(t, "GET"); !strings.Contains(body, "The gateway &lt;is&gt; away.") || !strings.Contains(body, "Try again.") {
		t.Errorf("the page is %s", body)
	}
	sock = p.client(t)
	sock.send(t, head("HEAD /", p.good()...))
	if a, body := sock.answer(t, "HEAD"); a.StatusCode != 503 || body != "" {
		t.Errorf("%d %s", a.StatusCode, body)
	}
	p.next(t, localproxy.Reconnecting)
	p.gw.fail.Store(nil)
	sock = p.client(t)
	sock.send(t, head("GET /x", p.good()...))
	if _, body := sock.answer(t, "GET"); body != "GET /x" {
		t.Errorf("came back %s", body)
	}
	p.next(t, localproxy.Reconnected)
}

// An answer that breaks off is not passed back as one that ended.
func TestATunnelThatBreaksBreaksTheAnswer(t *testing.T) {
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(_ *webGateway, c *net.TCPConn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhalf")
			_ = c.SetLinger(0) // a reset
		}
	})
	sock := p.client(t)
	sock.send(t, head("GET /", p.good()...))
	if b, err := io.ReadAll(sock.r); err == nil {
		t.Errorf("%q ended in order", b)
	}
}

// The gateway may answer before it has a whole body, and read no more: a refusal is an answer that must arrive.
func TestAnAnswerArrivesThoughItsRequestIsNotReadToItsEnd(t *testing.T) {
	for _, closes := range []bool{false, true} {
		hold := make(chan struct{})
		p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
			g.serve = func(_ *webGateway, c *net.TCPConn) {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
				_ = c.CloseWrite()
				if !closes {
					<-hold
				}
			}
		})
		sock := p.client(t)
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(sock, head("POST /", p.good("Content-Length: 64000000")...)+strings.Repeat("x", 64_000_000))
			sent <- err
		}()
		if a, body := sock.answer(t, "POST"); a.StatusCode != 403 || body != "no" {
			t.Errorf("%d %s", a.StatusCode, body)
		}
		_ = sock.Close()
		<-sent
		p.next(t, localproxy.ClientClosed)
		close(hold)
	}
}

// An answer of ours waits for those before it, but not for a program that does not read them, and never stands in the middle of one.
func TestAProgramThatDoesNotReadIsNotWaitedForBehindGarbage(t *testing.T) {
	t.Parallel()
	freed := make(chan struct{})
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(_ *webGateway, c *net.TCPConn) {
			defer close(freed)
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for room := make([]byte, 1<<20); err == nil; {
				_, err = c.Write(room)
			}
		}
	})
	sock := p.client(t)
	sock.send(t, head("GET /", p.good()...)+"NO REQUEST AT ALL\r\n\r\n")
	select {
	case <-freed:
	case <-time.After(time.Minute):
		t.Fatal("the tunnel is still open")
	}
	must(t, sock.SetReadDeadline(time.Now().Add(time.Minute)))
	if b, err := io.ReadAll(sock.r); err == nil || bytes.Contains(b, []byte(" 400 ")) {
		t.Errorf("%d bytes ended with %v, our own answer among them: %v", len(b), err, bytes.Contains(b, []byte(" 400 ")))
	}
}
