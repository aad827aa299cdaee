package postgres_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/jackc/pgproto3/v2"
)

// testPolicy lets the tester read, asks somebody for writes, and masks what is private in users.
const testPolicy = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}
  - {name: writes, who: {groups: [developers]}, effects: [write, delete], verdict: approve, approval: {by: {groups: [dba]}, quorum: 1, hold: 20s, ttl: 10m}}
masks:
  - {name: pii, columns: [public.users.email, public.users.ssn, public.users.card, public.users.phone, public.users.notes], as: redact}
`

type encoder interface {
	Encode([]byte) ([]byte, error)
}

func join(messages ...encoder) []byte {
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = m.Encode(b); err != nil {
			panic(err)
		}
	}
	return b
}

// readUntilReady reads n ReadyForQuery messages' worth of answers.
func readUntilReady(n int) func(io.Reader) (guardtest.Answer, error) {
	return func(r io.Reader) (guardtest.Answer, error) {
		var a guardtest.Answer
		for n := n; n > 0; {
			var head [5]byte
			if _, err := io.ReadFull(r, head[:]); err != nil {
				return a, err
			}
			body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
			if _, err := io.ReadFull(r, body); err != nil {
				return a, err
			}
			a.Raw = append(append(a.Raw, head[:]...), body...)
			switch head[0] {
			case 'Z':
				n--
			case 'E':
				a.Refused = a.Refused || bytes.Contains(body, []byte("C42501\x00"))
				a.Ended = a.Ended || bytes.Contains(body, []byte("VFATAL\x00"))
			}
		}
		return a, nil
	}
}

func extended(name, text string) []encoder {
	return []encoder{
		&pgproto3.Parse{Name: name, Query: text}, &pgproto3.Bind{PreparedStatement: name},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{},
	}
}

func forms() map[string]guardtest.Form {
	return map[string]guardtest.Form{
		"simple": {
			Encode: func(text string) []byte { return join(&pgproto3.Query{String: text}) }, Read: readUntilReady(1),
		},
		"extended": {
			Encode: func(text string) []byte { return join(append(extended("", text), &pgproto3.Sync{})...) }, Read: readUntilReady(1),
		},
		"pipelined": {
			Encode: func(text string) []byte {
				all := extended("", "SELECT 'before'")
				all = append(all, extended("", text)...)
				all = append(all, extended("", "SELECT 'behind'")...)
				return join(append(all, &pgproto3.Sync{})...)
			}, Read: readUntilReady(1),
		},
		"prepared": {
			Encode: func(text string) []byte {
				return join(&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Parse{Name: "s", Query: text}, &pgproto3.Describe{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{},
					&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
			}, Read: readUntilReady(2),
		},
	}
}

func signIn(conn net.Conn) error {
	hello := join(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "me", "database": "db-test", "application_name": "guardtest"}})
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	a, err := readUntilReady(1)(conn)
	if err == nil && a.Ended {
		err = fmt.Errorf("refused: %q", a.Raw)
	}
	return err
}

func TestConformance(t *testing.T) { guardtest.Run(t, adapter(protocol(t))) }

func TestConformanceWithoutALoop(t *testing.T) { guardtest.Run(t, adapter(protocolWith(t, 0))) }

func adapter(p *postgres.Protocol) guardtest.Adapter {
	return guardtest.Adapter{
		Protocol: p, Target: target(), Policy: testPolicy + "  - {name: leaks, detect: [email, credit_card], as: redact}\n", Hello: signIn, Forms: forms(),
		Allowed: func(mark string) string { return fmt.Sprintf("SELECT name, '%s' FROM users WHERE id = 1", mark) },
		Denied:  func(mark string) string { return "DROP TABLE " + mark },
		Held: func(mark string) string {
			return fmt.Sprintf("DELETE FROM orders WHERE id = -1 AND '%s' <> ''", mark)
		},
		Masked: func(mark string) string {
			return fmt.Sprintf("SELECT *, '%s' FROM users ORDER BY id", mark)
		},
		Found: func(mark string) string {
			return fmt.Sprintf("SELECT 'carol' || '@example.net', ARRAY['5555' || '555555554444'], 'dave@example.net', '%s'", mark)
		},
		Findings: []string{"carol@example.net", "5555555555554444", "dave@example.net"},
		Running:  func(mark string) string { return fmt.Sprintf("SELECT pg_sleep(60), '%s'", mark) },
		PeerLog:  func(testing.TB) string { return server.Log() },
		OnlyPrepared: func(line string) bool {
			return strings.Contains(line, " parse ") && strings.Contains(line, "duration:")
		},
		Canaries: []string{
			agentPassword, "ann@example.com", "123-45-6789", "4111111111111111", "+1-202-555-0101", "987-65-4321", "Oslo", "378282246310005",
		},
		Hostile: hostile(),
	}
}

// hostile are headers that no client may send, of every message type.
func hostile() [][]byte {
	var all [][]byte
	for _, typ := range []byte("QPBDECFSHXdcf\x00TZRKp") {
		lengths := []uint32{0, 3, 1 << 31, 1<<32 - 1}
		if typ == 'd' {
			lengths = []uint32{0, 3, 1 << 31}
		}
		for _, n := range lengths {
			all = append(all, append(binary.BigEndian.AppendUint32([]byte{typ}, n), 0, 0, 0))
		}
	}
	return all
}
