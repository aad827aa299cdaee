package guardtest

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// client is a session under test whose client has signed in.
type client struct {
	*Engagement
	conn net.Conn // what forms are written to
}

func open(t testing.TB, a Adapter) *client {
	t.Helper()
	e := &client{Engagement: Open(t, Setting{
		Protocol: func(*slog.Logger) gateway.Protocol { return a.Protocol }, Target: a.Target, Visit: a.Visit, Policy: a.Policy,
	})}
	e.conn = e.Socket
	var err error
	if a.Speak != nil {
		e.conn, err = a.Speak(e.Socket)
	} else {
		err = a.Hello(e.Socket)
	}
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	t.Cleanup(func() { _ = e.conn.Close() })
	return e
}

func (e *client) send(t testing.TB, b []byte) {
	t.Helper()
	if _, err := e.conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (e *client) read(t testing.TB, f Form) Answer {
	t.Helper()
	if err := e.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := f.Read(e.conn)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("read an answer: %v, so far %q", err, got.Raw)
	}
	got.Ended = got.Ended || err != nil
	return got
}

func (e *client) ask(t testing.TB, f Form, text string) Answer {
	t.Helper()
	e.send(t, f.Encode(text))
	return e.read(t, f)
}

// close ends the session and answers the recording as text.
func (e *client) close(t testing.TB) string {
	t.Helper()
	if err := e.conn.Close(); err != nil {
		t.Fatal(err)
	}
	return e.Recording(t)
}

// hostile sends lengths that nobody may send, while a neighbour goes on undisturbed.
func hostile(t *testing.T, a Adapter) {
	var form Form
	for _, form = range a.Forms {
		break
	}
	neighbour := open(t, a)
	for _, message := range a.Hostile {
		e := open(t, a)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := e.Socket.Write(message); err != nil {
			t.Fatal(err)
		}
		_ = e.Served(t, 5*time.Second)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
			t.Errorf("%q: %d bytes allocated", message, grown)
		}
	}
	if got := neighbour.ask(t, form, a.Allowed(marker("neighbour"))); got.Refused || got.Ended {
		t.Errorf("another session was disturbed: %q", got.Raw)
	}
}
