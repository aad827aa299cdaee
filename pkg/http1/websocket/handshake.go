package websocket

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the handshake of RFC 6455 is made of it; nothing is kept safe by it
	"encoding/base64"
	"errors"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// Protocol is what Request.Upgrade and Answer.Upgrade say for a WebSocket.
const Protocol = "websocket"

const (
	keyField      = "Sec-WebSocket-Key"
	acceptField   = "Sec-WebSocket-Accept"
	versionField  = "Sec-WebSocket-Version"
	protocolField = "Sec-WebSocket-Protocol"
	extensions    = "Sec-WebSocket-Extensions"
)

// Accept answers a client's key as a server does (section 4.2.2).
func Accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Offer is what a client's handshake offers. Extensions that it offers are passed over: none is agreed on.
type Offer struct {
	Key       string
	Protocols []string // subprotocols, the client's favourite first
}

// ReadOffer reads a client's handshake (section 4.2.1). The error is an *http1.Error; 426 means that the version is not 13, and the
// answer to it says so in Sec-WebSocket-Version.
func ReadOffer(q *http1.Request) (Offer, error) {
	if q.Method != "GET" || q.Minor != 1 || q.Upgrade != Protocol || q.Length != 0 {
		return Offer{}, &http1.Error{Status: 400, Reason: "this is no handshake of a WebSocket"}
	}
	if versions := q.Fields.Values(versionField); len(versions) != 1 || versions[0] != "13" {
		return Offer{}, &http1.Error{Status: 426, Reason: "version 13 of WebSocket is spoken here"}
	}
	keys := q.Fields.Values(keyField)
	if len(keys) != 1 || !isKey(keys[0]) {
		return Offer{}, &http1.Error{Status: 400, Reason: keyField + " is not 16 bytes in base64, once"}
	}
	protocols, ok := list(q.Fields.Values(protocolField))
	if !ok {
		return Offer{}, &http1.Error{Status: 400, Reason: protocolField + " names none, or one twice"}
	}
	return Offer{Key: keys[0], Protocols: protocols}, nil
}

func isKey(key string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(key)
	return err == nil && len(raw) == 16 && len(key) == 24
}

// list reads the elements of a list, each of which is there once.
func list(values []string) (elements []string, ok bool) {
	seen := map[string]bool{}
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if element = strings.Trim(element, " \t"); element == "" || seen[element] {
				return nil, false
			}
			seen[element] = true
			elements = append(elements, element)
		}
	}
	return elements, true
}

// Agree answers a handshake: 101, with the subprotocol that was chosen from the offer, "" for none.
func Agree(offer Offer, protocol string) *http1.Answer {
	a := &http1.Answer{Status: 101, Upgrade: Protocol, Fields: http1.Fields{{Name: acceptField, Value: Accept(offer.Key)}}}
	if protocol != "" {
		a.Fields = append(a.Fields, http1.Field{Name: protocolField, Value: protocol})
	}
	return a
}

// Ask makes q the request of a handshake of our own, with a new key and without extensions. What q's fields say about a WebSocket is
// dropped: nothing of a client's own handshake reaches the target but the subprotocols that are given here.
func Ask(q *http1.Request, protocols []string) Offer {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	offer := Offer{Key: base64.StdEncoding.EncodeToString(raw[:]), Protocols: protocols}
	q.Method, q.Minor, q.Length, q.Close, q.Continue, q.Upgrade = "GET", 1, 0, false, false, Protocol
	q.Fields = append(q.Fields.Without(keyField, acceptField, versionField, protocolField, extensions),
		http1.Field{Name: versionField, Value: "13"}, http1.Field{Name: keyField, Value: offer.Key})
	if len(protocols) > 0 {
		q.Fields = append(q.Fields, http1.Field{Name: protocolField, Value: strings.Join(protocols, ", ")})
	}
	return offer
}

// Verify holds a server's answer against what was offered (section 4.1), and tells the subprotocol that it chose, "" for none. An
// error means that there is no WebSocket, whatever the server believes.
func Verify(a *http1.Answer, offer Offer) (protocol string, err error) {
	if a.Status != 101 || a.Upgrade != Protocol {
		return "", errors.New("the target did not agree to a WebSocket")
	}
	if accepts := a.Fields.Values(acceptField); len(accepts) != 1 || accepts[0] != Accept(offer.Key) {
		return "", errors.New("the target's answer to the handshake is another's")
	}
	if len(a.Fields.Values(extensions)) > 0 {
		return "", errors.New("the target chose an extension that was not offered")
	}
	chosen := a.Fields.Values(protocolField)
	if len(chosen) == 0 {
		return "", nil
	}
	for _, offered := range offer.Protocols {
		if len(chosen) == 1 && chosen[0] == offered {
			return offered, nil
		}
	}
	return "", errors.New("the target chose a subprotocol that was not offered")
}
