package tunnel_test

import (
	"bytes"
	"reflect"
	"testing"
	"unicode"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// FuzzHello: what is read keeps its limits, is read without touching what follows, and survives a round trip.
func FuzzHello(f *testing.F) {
	b, err := tunnel.AppendHello(nil, tunnel.Hello{Connection: "db-prod", Client: "hoop/1.0", First: []byte("rest")})
	must(f, err)
	f.Add(b)
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, '{'})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		h, err := tunnel.ReadHello(r)
		if err != nil {
			if !reflect.DeepEqual(h, tunnel.Hello{}) {
				t.Fatalf("an error with a hello: %+v", h)
			}
			return
		}
		length := int(in[0])<<8 | int(in[1])
		if r.Len() != len(in)-2-length || length > tunnel.MaxFrame {
			t.Fatalf("a frame of %d left %d of %d bytes", length, r.Len(), len(in))
		}
		for _, c := range h.Connection + h.Client {
			if !unicode.IsPrint(c) {
				t.Fatalf("%q has a character that does not print", h.Connection+h.Client)
			}
		}
		again, err := tunnel.AppendHello(nil, h)
		if err != nil {
			t.Fatalf("a read hello can't be written: %v", err)
		}
		if h2, err := tunnel.ReadHello(bytes.NewReader(again)); err != nil || !reflect.DeepEqual(h, h2) {
			t.Fatalf("%+v became %+v (%v)", h, h2, err)
		}
	})
}

// FuzzAnswer: an answer that is read has a session or a reason, never both or neither.
func FuzzAnswer(f *testing.F) {
	b, err := tunnel.AppendAnswer(nil, tunnel.Answer{Session: "ses_1"})
	must(f, err)
	f.Add(b)
	b, err = tunnel.AppendAnswer(nil, tunnel.Answer{Error: &api.Error{Code: api.CodeDenied, Message: "no"}})
	must(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		a, err := tunnel.ReadAnswer(r)
		if err != nil {
			return
		}
		if (a.Session == "") == (a.Error == nil) || a.V != tunnel.Version {
			t.Fatalf("answer %+v", a)
		}
		if length := int(in[0])<<8 | int(in[1]); r.Len() != len(in)-2-length {
			t.Fatalf("a frame of %d left %d of %d bytes", length, r.Len(), len(in))
		}
	})
}

func TestAFrameThatIsTooLongIsNotWritten(t *testing.T) {
	long := &api.Error{Code: api.CodeDenied, Message: string(bytes.Repeat([]byte("x"), tunnel.MaxFrame))}
	if b, err := tunnel.AppendAnswer(nil, tunnel.Answer{Error: long}); err == nil {
		t.Fatalf("%d bytes written", len(b))
	}
}
