package httpform

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Journal is what a service of a test says it got: the oracle.
type Journal struct {
	mu    sync.Mutex
	lines []string
}

// Add adds a line.
func (j *Journal) Add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// String is all lines.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// Text is all lines, as guardtest asks for a peer's log.
func (j *Journal) Text(testing.TB) string { return j.String() }

// Count is how many lines have a word.
func (j *Journal) Count(word string) (n int) {
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// Site starts a service of net/http, and answers where it is.
func Site(t testing.TB, serve http.HandlerFunc) *url.URL {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return Parsed(t, server.URL)
}

// Logging starts a service of net/http that says in a journal what it got, before it does anything with it.
func Logging(t testing.TB, log *Journal, serve http.HandlerFunc) *url.URL {
	t.Helper()
	return Site(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		log.Add("%s %s %s %q %v", r.Method, r.Host, r.URL.RequestURI(), body, r.Header)
		r.Body = io.NopCloser(bytes.NewReader(body))
		serve(w, r)
	})
}

// Parsed is an address.
func Parsed(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Played is a service that is played over sockets. What came in is kept as it came, and is what tests ask: neither our record nor a
// server's view of it.
type Played struct {
	listener net.Listener
	mu       sync.Mutex
	came     [][]byte        // by connection
	left     []chan struct{} // closed with the connection
	done     sync.WaitGroup
}

// Play starts one. play is called for each connection with its number, and the connection is closed behind it.
func Play(t testing.TB, play func(number int, c net.Conn)) *Played {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Played{listener: l}
	p.done.Go(func() {
		for number := 0; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			left := make(chan struct{})
			p.mu.Lock()
			p.came, p.left = append(p.came, nil), append(p.left, left)
			p.mu.Unlock()
			p.done.Go(func() {
				defer func() { _ = c.Close(); close(left) }()
				play(number, &heard{c, p, number})
			})
		}
	})
	t.Cleanup(p.Stop)
	return p
}

// Base is where it is.
func (p *Played) Base(t testing.TB) *url.URL { return Parsed(t, "http://"+p.listener.Addr().String()) }

// Stop waits for the ends of all connections, which are those of sessions: what a client that has gone left behind is heard first.
func (p *Played) Stop() {
	_ = p.listener.Close()
	p.done.Wait()
}

// Left waits until the service has closed a connection that there was: an answer is with its client before that.
func (p *Played) Left(number int) {
	p.mu.Lock()
	left := p.left[number]
	p.mu.Unlock()
	<-left
}

// Text is all that came, connection after connection.
func (p *Played) Text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(bytes.Join(p.came, nil))
}

// Connections is how many there were.
func (p *Played) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.came)
}

// heard keeps what is read.
type heard struct {
	net.Conn
	of     *Played
	number int
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.of.mu.Lock()
	h.of.came[h.number] = append(h.of.came[h.number], p[:n]...)
	h.of.mu.Unlock()
	return n, err
}
