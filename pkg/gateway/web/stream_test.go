package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// steps is a service that puts out the next piece of a stream whenever it is told to, and says when its client is gone.
type steps struct {
	gateway.Target
	next chan string
	gone chan struct{}
}

func streaming(t testing.TB, mediaType string) *steps {
	s := &steps{next: make(chan string), gone: make(chan struct{})}
	s.Target = site(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(s.gone)
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for {
			select {
			case piece := <-s.next:
				_, _ = io.WriteString(w, piece)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	return s
}

const maskedStreams = allowAll + `masks:
  - {name: ssn, json: ["$..ssn"], as: redact}
  - {name: mail, detect: [email], as: redact}
`

func TestEventsReachTheClientWhileTheServiceHoldsTheNext(t *testing.T) {
	for mediaType, pair := range map[string][2]string{
		"text/event-stream":    {"data: {\"n\":%d,\"ssn\":\"078\"}\n\n", "data: {\"n\":%d,\"ssn\":\"***\"}\n\n"},
		"application/x-ndjson": {"{\"n\":%d,\"ssn\":\"078\"}\n", "{\"n\":%d,\"ssn\":\"***\"}\n"},
	} {
		t.Run(mediaType, func(t *testing.T) {
			service := streaming(t, mediaType)
			s := open(t, service.Target, maskedStreams)
			s.Send("GET /events HTTP/1.1\nHost: x\nAccept: " + mediaType + "\n\n")
			body := s.Head("GET").Body // the head is there before anything of the body
			fast := 0
			for n := range 20 {
				service.next <- fmt.Sprintf(pair[0], n)
				began := time.Now()
				got := make([]byte, len(fmt.Sprintf(pair[1], n)))
				if _, err := io.ReadFull(body, got); err != nil || string(got) != fmt.Sprintf(pair[1], n) {
					t.Fatalf("%q %v", got, err)
				}
				if time.Since(began) <= 10*time.Millisecond {
					fast++
				}
			}
			if fast < 5 { // the machine may be busy, but what waits for a timer is never fast
				t.Errorf("%d of 20 events took no more than 10 ms", fast)
			}
		})
	}
}

func TestAStreamIsCutWithinASecond(t *testing.T) {
	for name, cut := range map[string]func(*stand){
		"the grant ends":       func(s *stand) { s.End(&api.Error{Code: api.CodeGrantEnded, Message: "The grant was ended."}) },
		"the rule is gone":     func(s *stand) { s.Change("version: 1\nrules: [{name: none, effects: [session], verdict: allow}]\n") },
		"other masks hold":     func(s *stand) { s.Change(maskedStreams + "  - {name: more, json: [\"$..more\"], as: redact}\n") },
		"other detectors":      func(s *stand) { s.Change(strings.Replace(maskedStreams, "email", "iban", 1)) },
		"the recording failed": func(s *stand) { s.Recorder.Fail() },
	} {
		t.Run(name, func(t *testing.T) {
			service := streaming(t, "text/event-stream")
			s := open(t, service.Target, maskedStreams)
			s.Send("GET /events HTTP/1.1\nHost: x\n\n")
			a := s.Head("GET")
			cut(s) // and the service stays silent
			if rest := s.Cut(name); strings.Contains(rest, "0\r\n\r\n") {
				t.Errorf("a stream that was cut looks whole: %q %q", a.Status, rest)
			}
			select {
			case <-service.gone:
			case <-time.After(time.Second):
				t.Error("the service goes on")
			}
		})
	}
}

func TestAClientThatLeavesFreesTheTarget(t *testing.T) {
	for name, begun := range map[string]bool{"a long poll": false, "a stream": true} {
		t.Run(name, func(t *testing.T) {
			gone, came := make(chan struct{}), make(chan struct{})
			s := open(t, site(t, func(w http.ResponseWriter, r *http.Request) {
				if begun {
					w.WriteHeader(200)
					w.(http.Flusher).Flush()
				}
				close(came)
				<-r.Context().Done()
				close(gone)
			}), allowAll)
			s.Send("GET /wait HTTP/1.1\nHost: x\n\n")
			<-came
			_ = s.Conn.Close()
			select {
			case <-gone:
			case <-time.After(patience):
				t.Fatal("the target still works for a client that left")
			}
			if err := s.Served(t, patience); err != nil {
				t.Errorf("the session ended with %v", err)
			}
		})
	}
}

func TestStatementTimeEndsWaitsAndStreams(t *testing.T) {
	limited := allowAll + "limits:\n  - {name: quick, statement: 1s}\n"
	t.Run("a wait", func(t *testing.T) {
		s := open(t, site(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), limited)
		if a := s.Ask("GET /wait", "", ""); a.StatusCode != 429 || !strings.Contains(a.Text, "quick") {
			t.Errorf("%s %s", a.Status, a.Text)
		}
	})
	t.Run("a stream", func(t *testing.T) {
		service := streaming(t, "text/event-stream")
		s := open(t, service.Target, limited)
		s.Send("GET /events HTTP/1.1\nHost: x\n\n")
		s.Head("GET")
		s.Closed("behind the time of a statement")
		<-service.gone
	})
	t.Run("a slow reader", func(t *testing.T) {
		large := strings.Repeat("x", 64<<20)
		s := open(t, site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }), limited)
		s.Send("GET /large HTTP/1.1\nHost: x\n\n")
		_ = s.Served(t, patience) // though nothing is read
	})
}

func TestBytesAreLimited(t *testing.T) {
	limited := allowAll + "limits:\n  - {name: small, bytes: 100000, per: command}\n"
	s := open(t, site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big(10<<20)) }), limited)
	s.Send("GET /large HTTP/1.1\nHost: x\n\n")
	body, err := io.ReadAll(s.Head("GET").Body)
	if err == nil || len(body) > 100000 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestASlowReaderGetsAllAndHoldsNothingInMemory(t *testing.T) {
	var written atomic.Int64
	piece := big(1 << 20)
	s := open(t, site(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			n, _ := io.WriteString(w, piece)
			written.Add(int64(n))
		}
	}), allowAll)
	s.Send("GET /large HTTP/1.1\nHost: x\n\n")
	body := s.Head("GET").Body
	var before int64
	same := 0
	guardtest.Within(t, 10*time.Second, "the service has to wait for the reader", func() bool {
		if now := written.Load(); now != before || now == 0 {
			before, same = now, 0
		}
		same++
		return same > 30
	})
	if before > 40<<20 {
		t.Errorf("%d bytes were taken from the service, and none was read", before)
	}
	if n, err := io.Copy(io.Discard, body); err != nil || n != 64<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAnswersWithoutBodies(t *testing.T) {
	s := open(t, site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(204)
		case "/304":
			w.WriteHeader(304)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1234")
			if r.Method != "HEAD" {
				_, _ = io.WriteString(w, `"`+big(1232)+`"`)
			}
		}
	}), maskedStreams)
	for _, c := range [][2]string{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/x"}, {"HEAD", "/x"}, {"GET", "/204"}} {
		a := s.Ask(c[0]+" "+c[1], "", "")
		if a.Header.Get("X-Path") != c[1] || a.Text != "" || a.Close {
			t.Errorf("%v: %s %v %q", c, a.Status, a.Header, a.Text)
		}
		if c[0] == "HEAD" && a.Header.Get("Content-Length") != "" {
			t.Error("HEAD tells the length of a body before it is masked")
		}
	}
}

func TestClientsOfHTTP10AreServed(t *testing.T) {
	for name, fields := range map[string]string{"plain": "", "kept alive": "Connection: keep-alive\n"} {
		t.Run(name, func(t *testing.T) {
			s := open(t, site(t, func(w http.ResponseWriter, _ *http.Request) {
				w.(http.Flusher).Flush() // in chunks, which the client does not know
				_, _ = io.WriteString(w, "hello")
			}), allowAll)
			s.Send("GET /x HTTP/1.0\n" + fields + "\n")
			if got := s.Closed("behind an answer"); !strings.HasSuffix(got, "\r\n\r\nhello") || strings.Contains(got, "chunked") {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestManyRequestsGoOverOneConnectionEachOnce(t *testing.T) {
	log, conns := &journal{}, &atomic.Int64{}
	s := open(t, counting(t, log, conns, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), allowAll)
	for n := range 300 {
		body := fmt.Sprintf("body %d", n)
		if a := s.Ask(fmt.Sprintf("POST /n%d-", n), "", body); a.Text != body {
			t.Fatalf("%s %q", a.Status, a.Text)
		}
		if log.Count(fmt.Sprintf("/n%d-", n)) != 1 {
			t.Fatalf("request %d is %d times in the log", n, log.Count(fmt.Sprintf("/n%d-", n)))
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
}

// counting is a service that logs its requests, and counts its connections.
func counting(t testing.TB, log *journal, conns *atomic.Int64, serve http.HandlerFunc) gateway.Target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			log.Add("%s %s from %s", r.Method, r.URL, r.RemoteAddr)
			serve(w, r)
		}),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				conns.Add(1)
			}
		},
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return at(httpform.Parsed(t, "http://"+l.Addr().String()))
}

func TestATargetMayCloseItsConnectionBetweenRequests(t *testing.T) {
	for name, answer := range map[string]string{
		"says so":       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"until close":   "HTTP/1.1 200 OK\r\n\r\nok",
		"HTTP/1.0":      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"without words": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	} {
		t.Run(name, func(t *testing.T) {
			log, closed := &journal{}, make(chan struct{}, 10)
			s := open(t, raw(t, func(c net.Conn) {
				if q, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					body, _ := io.ReadAll(q.Body)
					log.Add("%s %s", q.URL, body)
					_, _ = io.WriteString(c, answer)
				}
				_ = c.Close()
				closed <- struct{}{}
			}), allowAll)
			for n := range 5 {
				if a := s.Ask(fmt.Sprintf("POST /n%d-", n), "", "x"); a.Text != "ok" || a.Close {
					t.Fatalf("request %d: %s %q", n, a.Status, a.Text)
				}
				<-closed
				if got := log.Count(fmt.Sprintf("/n%d-", n)); got != 1 {
					t.Fatalf("request %d came %d times", n, got)
				}
			}
		})
	}
}

func TestAConnectionIsNotUsedAgainWhenItsTargetIsAboutToCloseIt(t *testing.T) {
	log, conns := &journal{}, &atomic.Int64{}
	s := open(t, counting(t, log, conns, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Keep-Alive", "timeout=1") }), allowAll)
	s.Ask("GET /one", "", "")
	s.Ask("GET /two", "", "")
	if conns.Load() != 2 {
		t.Errorf("%d connections", conns.Load())
	}
}

func TestARequestWhoseConnectionBreaksIsNotSentTwice(t *testing.T) {
	log := &journal{}
	s := open(t, raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for n := 0; ; n++ {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			log.Add("%s", q.URL)
			if n > 0 {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}), allowAll)
	s.Ask("GET /first", "", "")
	if a := s.Ask("POST /second", "", "x"); a.StatusCode != 502 || !strings.Contains(a.Text, "may have been carried out") || log.Count("/second") != 1 {
		t.Errorf("%s %s\n%s", a.Status, a.Text, log)
	}
}
