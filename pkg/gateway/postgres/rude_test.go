package postgres_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/jackc/pgproto3/v2"
)

// rude is a target that signs the gateway in like a server and then answers as a test says. Its relay goes to the real
// server until a statement holds the word "rude".
func rude(t *testing.T, answer []byte) gateway.Target {
	t.Helper()
	return behind(t, func(c net.Conn) { relay(c, answer) })
}

// behind is the server behind what serve does with each connection to it.
func behind(t *testing.T, serve func(net.Conn)) gateway.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	to := target()
	to.Address = l.Addr().String()
	return to
}

func relay(c net.Conn, answer []byte) {
	defer func() { _ = c.Close() }()
	up, err := net.Dial("tcp", target().Address)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() { _, _ = io.Copy(c, up); _ = c.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("rude")) {
			_, _ = c.Write(answer)
			continue
		}
		if _, err := up.Write(buf[:n]); err != nil {
			return
		}
	}
}

func message(typ byte, body string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{typ}, uint32(len(body)+4)), body...)
}

func header(typ byte, n uint32) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{typ}, n), 0, 0, 0, 0)
}

func TestARudeTargetEndsItsOwnSessionAlone(t *testing.T) {
	oneColumn := message('T', "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00")
	for name, answer := range map[string][]byte{
		"a row with a negative length":      append(oneColumn[:len(oneColumn):len(oneColumn)], message('D', "\x00\x01\xff\xff\xff\xfe")...),
		"a row that claims too many fields": append(oneColumn[:len(oneColumn):len(oneColumn)], message('D', "\x00\x07\xff\xff\xff\xff")...),
		"a shape of 65,535 columns":         message('T', "\xff\xffa\x00"),
		"a length of 2^32-1":                header('T', 1<<32-1),
		"a length of 0":                     header('C', 0),
		"authentication once more":          message('R', "\x00\x00\x00\x00"),
		"an empty list of mechanisms":       message('R', "\x00\x00\x00\x0a\x00"),
		"keys once more":                    message('K', "\x00\x00\x00\x01\x00\x00\x00\x01"),
		"CopyBoth":                          message('W', "\x00\x00\x00"),
		"a function's result":               message('V', "\xff\xff\xff\xff"),
		"an answer to nothing":              message('2', ""),
		"rows of nothing":                   append(message('Z', "I"), message('D', "\x00\x00")...),
		"an error without its end":          message('E', "SERROR\x00"),
		"a changed encoding":                message('S', "client_encoding\x00SJIS\x00"),
		"a changed quoting":                 message('S', "standard_conforming_strings\x00off\x00"),
		"another role":                      message('S', "session_authorization\x00postgres\x00"),
		"a type that nobody knows":          message(0xff, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			s := listenFor(t, allowAll, rude(t, answer))
			neighbour := s.client(t)
			conn := s.raw(t)
			if _, err := conn.Write(join(&query{String: "SELECT 'rude'"})); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(conn, 1<<20))
			if err != nil {
				t.Fatalf("the session is still open: %v", err)
			}
			if !strings.Contains(string(got), "C08P01") {
				t.Errorf("got %q", got)
			}
			if _, err := neighbour.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
				t.Errorf("another session was disturbed: %v", err)
			}
		})
	}
}

func TestAFloodOfSettingsIsBounded(t *testing.T) {
	var flood []byte
	for i := range 10_000 {
		flood = append(flood, message('S', fmt.Sprintf("s%d\x00v\x00", i))...)
	}
	conn := listenFor(t, allowAll, rude(t, flood)).raw(t)
	if _, err := conn.Write(join(&query{String: "SELECT 'rude'"})); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.LimitReader(conn, 1<<20))
	if err != nil || !bytes.Contains(got, []byte("C08P01")) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestATargetThatGoesAwaySaysSo(t *testing.T) {
	to := target()
	to.Address = "127.0.0.1:1"
	s := listenFor(t, allowAll, to)
	hello := join(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "me"}})
	if got := dialAndSend(t, s, hello); !strings.Contains(got, "C08006") || !strings.Contains(got, "can't be reached") || strings.Contains(got, "127.0.0.1") {
		t.Errorf("got %q", got)
	}
}

func TestATargetThatRefusesTheCredentialSaysSoWithoutIt(t *testing.T) {
	to := target()
	to.Credential.User = "nosuchrole"
	s := listenFor(t, allowAll, to)
	hello := join(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "me"}})
	got := dialAndSend(t, s, hello)
	if !strings.Contains(got, "refused the gateway's credential") || strings.Contains(got, "nosuchrole") || strings.Contains(got, agentPassword) {
		t.Errorf("got %q", got)
	}
}
