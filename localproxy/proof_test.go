package localproxy

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// startupOf encodes a startup message with parameters.
func startupOf(parameters ...string) packet {
	body := []byte(strings.Join(parameters, "\x00") + "\x00\x00")
	raw := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	raw = binary.BigEndian.AppendUint32(raw, 3<<16)
	return packet{raw: append(raw, body...), code: 3 << 16}
}

// asked plays a client up to the message that names the iterations, which it answers, and then leaves.
func asked(t *testing.T, p *prover, start packet) string {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- p.verify(server, start) }()
	message := func() string {
		var head [5]byte
		if _, err := io.ReadFull(client, head[:]); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	message() // the mechanisms
	first := "n,,n=,r=abcdefgh"
	body := binary.BigEndian.AppendUint32([]byte(mechanism+"\x00"), uint32(len(first)))
	body = append(body, first...)
	if _, err := client.Write(append(binary.BigEndian.AppendUint32([]byte{'p'}, uint32(len(body)+4)), body...)); err != nil {
		t.Fatal(err)
	}
	serverFirst := message()
	_ = client.Close()
	if err := <-done; !errors.Is(err, errGaveUp) {
		t.Fatalf("a client that leaves: %v", err)
	}
	return serverFirst[strings.LastIndexByte(serverFirst, ',')+1:]
}

func TestOnlyWhoTakesFewIterationsIsAskedForFew(t *testing.T) {
	secret, err := newSecret()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ start, want string }{
		{"user a database b", "i=1"},
		{"user a", "i=1"},
		{"user a database b application_name psql client_encoding UTF8", "i=1"},
		{"user a database b client_encoding UTF8 DateStyle ISO TimeZone UTC extra_float_digits 3", "i=4096"}, // pgjdbc
		{"user a database b application_name vertx DateStyle ISO", "i=4096"},
		{"user a database b something new", "i=4096"},
	} {
		p, err := newProver(secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := asked(t, p, startupOf(strings.Fields(c.start)...)); got != c.want {
			t.Errorf("%s: asked for %s, want %s", c.start, got, c.want)
		}
	}
}

func TestAfterAProgramThatGaveUpAllAreAskedForMany(t *testing.T) {
	secret, err := newSecret()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProver(secret)
	if err != nil {
		t.Fatal(err)
	}
	start := startupOf("user", "a")
	if first, second := asked(t, p, start), asked(t, p, start); first != "i=1" || second != "i=4096" {
		t.Errorf("asked for %s and then %s", first, second)
	}
}
