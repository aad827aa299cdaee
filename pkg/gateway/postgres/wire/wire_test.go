package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/jackc/pgproto3/v2"
)

// frame is a message of type t that announces length n and carries body.
func frame(t byte, n uint32, body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{t}, n), body...)
}

// read hands out all that src holds, pieces joined to messages.
func read(src io.Reader, side wire.Side) (messages [][]byte, err error) {
	r := wire.NewReader(src, side)
	var open []byte
	for {
		m, ok, err := r.Next()
		if err != nil {
			return messages, err
		}
		if ok { // a message that is taken back comes again
			r.Back(m)
			if again, ok, err := r.Next(); !ok || err != nil || again.First != m.First || again.Last != m.Last || !bytes.Equal(again.Raw, m.Raw) {
				return messages, fmt.Errorf("taken back, %q came as %q: %w", m.Raw, again.Raw, errors.Join(err, io.ErrNoProgress))
			}
		}
		if !ok {
			if err := r.Fill(); err != nil {
				if errors.Is(err, io.EOF) && r.Buffered() == 0 && open == nil {
					return messages, nil
				}
				return messages, err
			}
			continue
		}
		if m.First {
			open = []byte{}
		}
		open = append(open, m.Raw...)
		if m.Last {
			messages = append(messages, open)
			open = nil
		}
	}
}

// join encodes messages one behind the other.
func join(messages ...interface{ Encode([]byte) ([]byte, error) }) []byte {
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = m.Encode(b); err != nil {
			panic(err)
		}
	}
	return b
}

func conversation() []byte {
	return join(
		&pgproto3.Query{String: "SELECT 1"},
		&pgproto3.Parse{Name: "s", Query: "SELECT $1", ParameterOIDs: []uint32{23}},
		&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("1"), nil}, ParameterFormatCodes: []int16{0}},
		&pgproto3.Describe{ObjectType: 'P'},
		&pgproto3.Execute{MaxRows: 5},
		&pgproto3.CopyData{Data: bytes.Repeat([]byte("x"), 300_000)},
		&pgproto3.Sync{},
		&pgproto3.Terminate{})
}

func TestAnySplitFramesTheSameMessages(t *testing.T) {
	whole, err := read(bytes.NewReader(conversation()), wire.FromClient)
	if err != nil || len(whole) != 8 {
		t.Fatalf("%d messages, %v", len(whole), err)
	}
	for name, src := range map[string]io.Reader{
		"one byte at a time": iotest.OneByteReader(bytes.NewReader(conversation())),
		"half reads":         iotest.HalfReader(bytes.NewReader(conversation())),
		"data with the end":  iotest.DataErrReader(bytes.NewReader(conversation())),
	} {
		got, err := read(src, wire.FromClient)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !equal(got, whole) {
			t.Errorf("%s: other messages", name)
		}
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func TestAHostileLengthIsRefusedBeforeAnythingIsAllocated(t *testing.T) {
	for _, side := range []wire.Side{wire.FromClient, wire.FromServer} {
		for typ := range 256 {
			for _, n := range []uint32{0, 1, 2, 3, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := read(bytes.NewReader(frame(byte(typ), n, 0, 0, 0, 0)), side)
				runtime.ReadMemStats(&after)
				if err == nil {
					t.Errorf("side %d type %q length %d: taken", side, rune(typ), n)
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 300<<10 {
					t.Errorf("side %d type %q length %d: %d bytes allocated", side, rune(typ), n, grown)
				}
			}
		}
	}
}

func TestAnAnnouncedLengthAloneAllocatesNothing(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read(bytes.NewReader(frame('Q', 15<<20, 'S')), wire.FromClient)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("a cut message was taken")
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 512<<10 {
		t.Errorf("%d bytes allocated for 1 byte that came", grown)
	}
}

func TestMessagesThatNobodyMaySendBreakTheProtocol(t *testing.T) {
	for _, c := range []struct {
		side  wire.Side
		types string
	}{{wire.FromClient, "TZRKp1\x00\xff"}, {wire.FromServer, "RKvWVQPXp\x00\xff"}} {
		for _, typ := range []byte(c.types) {
			if _, err := read(bytes.NewReader(frame(typ, 8, 0, 0, 0, 0)), c.side); !errors.Is(err, wire.ErrProtocol) {
				t.Errorf("side %d type %q: %v", c.side, typ, err)
			}
		}
	}
}

func TestAMalformedBodyBreaksTheProtocol(t *testing.T) {
	for name, decode := range map[string]func() error{
		"query without its end":    func() error { _, err := wire.DecodeQuery([]byte("SELECT 1")); return err },
		"query with bytes behind":  func() error { _, err := wire.DecodeQuery([]byte("SELECT 1\x00;")); return err },
		"query with a NUL inside":  func() error { _, err := wire.DecodeQuery([]byte("SELECT\x00 1\x00")); return err },
		"parse with bytes behind":  func() error { _, err := wire.DecodeParse([]byte("\x00q\x00\x00\x00x")); return err },
		"parse with too few types": func() error { _, err := wire.DecodeParse([]byte("\x00q\x00\x00\x02\x00\x00\x00\x01")); return err },
		"bind of length -2": func() error {
			_, err := wire.DecodeBind([]byte("\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00"))
			return err
		},
		"bind of length -2^31": func() error {
			_, err := wire.DecodeBind([]byte("\x00\x00\x00\x00\x00\x01\x80\x00\x00\x00\x00\x00"))
			return err
		},
		"bind that claims 65,535":     func() error { _, err := wire.DecodeBind([]byte("\x00\x00\x00\x00\xff\xff\x00\x00")); return err },
		"describe of neither":         func() error { _, err := wire.DecodeTarget([]byte("Xa\x00")); return err },
		"execute without a number":    func() error { _, err := wire.DecodeExecute([]byte("p\x00\x00\x00")); return err },
		"error without its end":       func() error { _, err := wire.DecodeFields([]byte("SERROR\x00")); return err },
		"row with a negative length":  func() error { return check('D', "\x00\x01\xff\xff\xff\xfe") },
		"row that claims more fields": func() error { return check('D', "\x00\x09\xff\xff\xff\xff") },
		"shape of 65,535 columns":     func() error { return check('T', "\xff\xffa\x00") },
	} {
		if err := decode(); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func check(typ byte, body string) error {
	return wire.CheckServer(wire.Message{Type: typ, Raw: frame(typ, uint32(len(body)+4), []byte(body)...), First: true, Last: true})
}

// peer is a client's side of a startup.
type peer struct {
	io.Reader
	said bytes.Buffer
}

func (p *peer) Write(b []byte) (int, error) { return p.said.Write(b) }

func start(messages ...[]byte) (wire.Startup, string, error) {
	p := &peer{Reader: bytes.NewReader(bytes.Join(messages, nil))}
	s, err := wire.ReadStartup(p)
	return s, p.said.String(), err
}

func first(code uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(rest)+8))
	return append(binary.BigEndian.AppendUint32(b, code), rest...)
}

const (
	ssl = 80877103
	gss = 80877104
	v30 = 3 << 16
)

func TestEncryptionIsAnsweredNoOnceEach(t *testing.T) {
	s, said, err := start(first(gss, ""), first(ssl, ""), first(v30, "user\x00ann\x00\x00"))
	if err != nil || said != "NN" || s.Parameters["user"] != "ann" {
		t.Fatalf("%+v said %q: %v", s, said, err)
	}
	for name, twice := range map[string][][]byte{"ssl": {first(ssl, ""), first(ssl, "")}, "gss": {first(gss, ""), first(gss, "")}} {
		if _, _, err := start(twice...); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("%s asked for twice: %v", name, err)
		}
	}
}

func TestAStartupThatDoesNotAddUpIsRefused(t *testing.T) {
	for name, m := range map[string][]byte{
		"length 0":           {0, 0, 0, 0, 0, 3, 0, 0},
		"length 2^32-1":      {255, 255, 255, 255, 0, 3, 0, 0},
		"length 10,001":      {0, 0, 0x27, 0x11, 0, 3, 0, 0},
		"version 2":          first(2<<16, "user\x00ann\x00\x00"),
		"version 4":          first(4<<16, "user\x00ann\x00\x00"),
		"a name given twice": first(v30, "user\x00ann\x00user\x00bob\x00\x00"),
		"no end":             first(v30, "user\x00ann\x00"),
		"bytes behind":       first(v30, "user\x00ann\x00\x00x"),
		"short cancel":       first(80877102, "1234"),
	} {
		if _, _, err := start(m); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrefetchLeavesWhatWasHandedOutAlone(t *testing.T) {
	src := append(join(&pgproto3.Query{String: "SELECT 1"}), bytes.Repeat(join(&pgproto3.Query{String: "SELECT 22"}), 5000)...)
	r := wire.NewReader(iotest.HalfReader(bytes.NewReader(append(src, 'X', 0, 0, 0, 4))), wire.FromClient)
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	m, ok, err := r.Next()
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for {
		more, err := r.Prefetch(1 << 20)
		if err != nil || !more {
			break
		}
	}
	if text, err := wire.DecodeQuery(m.Body()); err != nil || text != "SELECT 1" {
		t.Errorf("the message in use is now %q, %v", text, err)
	}
	if !r.Waiting('X') || r.Waiting('S') {
		t.Error("Waiting does not see what waits")
	}
}

func FuzzReaderFramesWhatWasSent(f *testing.F) {
	f.Add(conversation(), true)
	f.Add(frame('D', 10, 0, 1, 0, 0, 0, 0), false)
	f.Fuzz(func(t *testing.T, data []byte, client bool) {
		side := wire.FromServer
		if client {
			side = wire.FromClient
		}
		whole, err := read(bytes.NewReader(data), side)
		pieces, err2 := read(iotest.OneByteReader(bytes.NewReader(data)), side)
		if (err == nil) != (err2 == nil) || !equal(whole, pieces) {
			t.Fatalf("a split changes the messages: %v, %v", err, err2)
		}
		if !bytes.HasPrefix(data, bytes.Join(whole, nil)) {
			t.Fatal("the messages are not what was sent")
		}
	})
}

func FuzzDecodedMessagesEncodeToTheSameBytes(f *testing.F) {
	f.Add([]byte("s\x00SELECT $1\x00\x00\x01\x00\x00\x00\x17"), []byte("\x00s\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x011\x00\x00"))
	f.Fuzz(func(t *testing.T, parse, bind []byte) {
		if m, err := wire.DecodeParse(parse); err == nil {
			again := join(&pgproto3.Parse{Name: m.Name, Query: m.Text, ParameterOIDs: m.Types})
			if !bytes.Equal(again[5:], parse) {
				t.Fatalf("Parse %q became %q", parse, again[5:])
			}
		}
		if m, err := wire.DecodeBind(bind); err == nil {
			again := join(&pgproto3.Bind{
				DestinationPortal: m.Portal, PreparedStatement: m.Statement, ParameterFormatCodes: m.Formats,
				Parameters: m.Values, ResultFormatCodes: m.Results,
			})
			if !bytes.Equal(again[5:], bind) {
				t.Fatalf("Bind %q became %q", bind, again[5:])
			}
		}
	})
}

func FuzzStartupAnswersOnlyN(f *testing.F) {
	f.Add(first(v30, "user\x00ann\x00\x00"))
	f.Add(append(first(ssl, ""), first(80877102, "12345678")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, said, err := start(data)
		if len(said) > 2 || said != "NN"[:len(said)] {
			t.Fatalf("answered %q", said)
		}
		if err == nil && !s.Cancel && s.Parameters == nil {
			t.Fatal("a startup without parameters map")
		}
	})
}
