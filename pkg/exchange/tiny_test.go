package exchange_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// tiny is a protocol of which a request's path is all of its meaning: "/refused" is refused before it is judged, "/panic" panics, and
// "/filtered" has its answers pass a filter. Everything else is sent on as it came.
type tiny struct {
	exchange.Door
	log *slog.Logger
}

// socket is a session of tiny.
type socket struct{ *exchange.Session }

func (socket) About() (database, role string, settings map[string]string) { return "", "", nil }

func (p tiny) Open(_ context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	target := &exchange.Target{Dial: exchange.Dialer(t.Base, nil), Host: t.Base.Host, Sign: func(context.Context, *http1.Request) error { return nil }}
	return socket{exchange.NewSession(p.log, g.(*exchange.Client), meanings{}, target)}, nil
}

func (tiny) Judge(context.Context, gateway.Target, []policy.Mask, string) (gateway.Judgement, error) {
	return gateway.Judgement{}, errors.New("not asked for")
}

func (tiny) JudgeText(context.Context, policy.Programs, string) gateway.Judgement {
	return gateway.Judgement{}
}

// meanings are those of tiny's requests.
type meanings struct{}

func (meanings) Refuse(r *guard.Refusal) exchange.Reply {
	return exchange.Reply{Status: exchange.StatusOf(r.Code), Body: []byte(r.Code)}
}

func (meanings) Fail(status int, why *api.Error) exchange.Reply {
	return exchange.Reply{Status: status, Body: []byte(why.Code)}
}

// readAhead is how much of a body is read before its request is judged.
const readAhead = 1 << 10

func (meanings) Understand(_ context.Context, q *exchange.Request) (*exchange.Meaning, *api.Refusal) {
	effect := policy.Write
	if q.Method == "GET" {
		effect = policy.Read
	}
	facts := policy.Command{Accesses: []policy.Access{{Effect: effect, Object: q.Path}}, HTTP: &policy.HTTP{Method: q.Method, Path: q.Path}}
	line := q.Method + " " + q.Path
	m := &exchange.Meaning{Command: guard.Command{Facts: facts, Text: line, Recorded: line, Normal: line, Rewritten: line}}
	switch q.Path {
	case "/refused":
		return m, &api.Refusal{Code: exchange.CodeUnsupported, Rule: "tiny"}
	case "/panic":
		panic("understand")
	}
	body, whole, err := q.Peek(readAhead)
	if err != nil {
		return m, &api.Refusal{Code: exchange.CodeMalformed, Rule: "tiny"}
	}
	m.Send = http1.Request{Method: q.Method, Path: q.Path, Minor: 1, Length: q.Length, Upgrade: q.Upgrade}
	m.Body, m.Rest = body, !whole
	if whole {
		m.Send.Length = int64(len(body))
	}
	m.Shows = func(_ *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
		out := exchange.Shown{Fields: a.EndToEnd()}
		if q.Path == "/filtered" {
			out.Filter = stars{}
		}
		return out, nil
	}
	if q.Upgrade == "carried" {
		m.Carry = func(_ context.Context, w exchange.Switched) guard.Outcome {
			line, _ := bufio.NewReader(w.Client).ReadString('\n')
			_ = w.Send(func(out io.Writer) error { _, err := io.WriteString(out, line); return err })
			return guard.Outcome{Tag: "carried"}
		}
	}
	return m, nil
}

// stars stand in the place of every x, and nothing passes behind a "!".
type stars struct{}

func (stars) Write(dst, p []byte) ([]byte, error) {
	if i := bytes.IndexByte(p, '!'); i >= 0 {
		return dst, errors.New("it can't be looked at")
	}
	return append(dst, bytes.ReplaceAll(p, []byte("x"), []byte("***"))...), nil
}

func (stars) Close(dst []byte) ([]byte, error) { return dst, nil }

const everything = `version: 1
rules:
  - {name: all, effects: [read, write], verdict: allow}
  - {name: but, effects: [read, write], http: {paths: [/denied]}, verdict: deny}
`

// open begins a session in front of a service that is played.
func open(t *testing.T, p *httpform.Played, rules string) *httpform.Stand {
	t.Helper()
	return httpform.Open(t, guardtest.Setting{
		Protocol: func(log *slog.Logger) gateway.Protocol { return tiny{exchange.NewDoor(meanings{}), log} }, Policy: rules,
		Target: gateway.Target{Connection: policy.Connection{Name: "app", Kind: "http"}, Base: p.Base(t), Subject: guardtest.Subject()},
	})
}

// answers is a service that answers the requests of a connection with one text after the other, and reads on behind the last. On the next
// connection it goes on with the next list.
func answers(t *testing.T, connections ...[]string) *httpform.Played {
	return httpform.Play(t, func(number int, c net.Conn) {
		r := bufio.NewReader(c)
		for _, text := range connections[min(number, len(connections)-1)] {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, q.Body); err != nil {
				return
			}
			if text == "CLOSE" {
				return
			}
			if _, err := io.WriteString(c, strings.TrimSuffix(text, "CLOSE")); err != nil || strings.HasSuffix(text, "CLOSE") {
				return
			}
		}
		_, _ = io.Copy(io.Discard, r)
	})
}

// ok is an answer with a text.
func ok(text string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text
}
