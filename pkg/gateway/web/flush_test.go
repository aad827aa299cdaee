package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// J10: an event is shown when it came, not when the next does: its target is silent until the client has it.
func TestAnEventIsNotHeldBackForTheNext(t *testing.T) {
	seen := make(chan struct{})
	shown := sync.OnceFunc(func() { close(seen) })
	defer shown()
	u := httpform.Play(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n")
		<-seen
		_, _ = io.WriteString(c, "9\r\ndata: b\n\n\r\n0\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	c := open(t, at(u.Base(t)), everything)
	c.Say("GET /events HTTP/1.1\r\nHost: app\r\n\r\n")
	a := c.Head("GET")
	event := make([]byte, 9)
	_, err := io.ReadFull(a.Body, event)
	shown()
	if err != nil || string(event) != "data: a\n\n" {
		t.Fatalf("the client got %q, %v", event, err)
	}
	if rest, err := io.ReadAll(a.Body); err != nil || string(rest) != "data: b\n\n" {
		t.Errorf("behind it came %q, %v", rest, err)
	}
}

// K9: a client that sent its next request already may still leave.
func TestAClientThatLeavesBehindItsNextRequestIsNoticed(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	u := httpform.Play(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			close(asked)
			_, _ = io.Copy(io.Discard, c) // it answers nothing
			close(gone)
		}
	})
	c := open(t, at(u.Base(t)), everything)
	c.Say("GET /a HTTP/1.1\r\nHost: app\r\n\r\nGET /b HTTP/1.1\r\nHost: app\r\n\r\n")
	<-asked
	if err := c.Conn.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the target still waits for nobody")
	}
}
