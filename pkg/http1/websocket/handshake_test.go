package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// sample is the handshake of RFC 6455 section 1.2.
const sample = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestTheHandshakeOfTheRFC(t *testing.T) {
	q, err := http1.ReadRequest(bufio.NewReader(strings.NewReader(sample)))
	if err != nil {
		t.Fatal(err)
	}
	offer, err := websocket.ReadOffer(q)
	if err != nil || offer.Key != "dGhlIHNhbXBsZSBub25jZQ==" || !reflect.DeepEqual(offer.Protocols, []string{"chat", "superchat"}) {
		t.Fatalf("%+v, %v", offer, err)
	}
	got := string(http1.AppendAnswer(nil, websocket.Agree(offer, "chat")))
	if got != "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestAHandshakeThatIsNoneIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		status   int
	}{
		"POST":                 {"GET ", "POST ", 400},
		"another protocol":     {"Upgrade: websocket", "Upgrade: spdy/3.1", 400},
		"no upgrade":           {"Connection: Upgrade", "Connection: close", 400},
		"version 8":            {"Version: 13", "Version: 8", 426},
		"two versions":         {"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13", 426},
		"no version":           {"Sec-WebSocket-Version: 13\r\n", "", 426},
		"no key":               {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400},
		"two keys":             {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", strings.Repeat("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 2), 400},
		"a short key":          {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 400},
		"bits behind the key":  {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR==", 400},
		"an empty subprotocol": {"chat, superchat", "chat,, superchat", 400},
		"a subprotocol twice":  {"chat, superchat", "chat, chat", 400},
	} {
		q, err := http1.ReadRequest(bufio.NewReader(strings.NewReader(strings.Replace(sample, c.old, c.new, 1))))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var e *http1.Error
		if _, err := websocket.ReadOffer(q); !errors.As(err, &e) || e.Status != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing of the client's handshake reaches the target: no key, no extension, no subprotocol but those that were chosen.
func TestTheTargetIsAskedAnew(t *testing.T) {
	text := strings.Replace(sample, "Origin:", "Sec-WebSocket-Extensions: permessage-deflate\r\nSec_WebSocket_Key: a\r\nOrigin:", 1)
	q, err := http1.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	offer := websocket.Ask(q, []string{"chat"})
	wire := http1.AppendRequest(nil, q)
	again, err := http1.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := websocket.ReadOffer(again)
	if err != nil || !reflect.DeepEqual(asked, offer) || asked.Key == "dGhlIHNhbXBsZSBub25jZQ==" {
		t.Errorf("%q: %+v, %v", wire, asked, err)
	}
	for _, left := range []string{"permessage", "dGhlIHNhbXBsZSBub25jZQ==", "Sec_", "superchat"} {
		if bytes.Contains(wire, []byte(left)) {
			t.Errorf("%s is left in %q", left, wire)
		}
	}
	if other := websocket.Ask(q, nil); other.Key == offer.Key {
		t.Error("two handshakes have one key")
	}
}

func TestOnlyTheAnswerToOurOwnHandshakeIsOne(t *testing.T) {
	q := &http1.Request{}
	offer := websocket.Ask(q, []string{"v5.channel.k8s.io", "v4.channel.k8s.io"})
	good := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + websocket.Accept(offer.Key) +
		"\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
	for name, c := range map[string]struct {
		old, new string
		chosen   string
		ok       bool
	}{
		"as it has to be":      {"", "", "v4.channel.k8s.io", true},
		"no subprotocol":       {"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n", "", "", true},
		"200":                  {"101 Switching Protocols", "200 OK", "", false},
		"another key's answer": {websocket.Accept(offer.Key), websocket.Accept("x"), "", false},
		"no answer":            {"Sec-WebSocket-Accept", "X", "", false},
		"two answers":          {"Sec-WebSocket-Accept", "Sec-WebSocket-Accept: " + websocket.Accept(offer.Key) + "\r\nSec-WebSocket-Accept", "", false},
		"another protocol":     {"Upgrade: websocket", "Upgrade: h2c", "", false},
		"an extension":         {"\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "", false},
		"another subprotocol":  {"v4.", "v3.", "", false},
		"two subprotocols":     {"v4.channel.k8s.io", "v4.channel.k8s.io\r\nSec-WebSocket-Protocol: v5.channel.k8s.io", "", false},
	} {
		a, err := http1.ReadAnswer(bufio.NewReader(strings.NewReader(strings.Replace(good, c.old, c.new, 1))), "GET")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if chosen, err := websocket.Verify(a, offer); chosen != c.chosen || (err == nil) != c.ok {
			t.Errorf("%s: %q, %v", name, chosen, err)
		}
	}
}
