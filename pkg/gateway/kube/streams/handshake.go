package streams

import (
	"errors"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// The protocols that Plan.Protocol may name.
const (
	SPDY        = "SPDY/3.1"
	channelsV5  = "v5.channel.k8s.io"
	channelsV4  = "v4.channel.k8s.io"
	tunnelled31 = "SPDY/3.1+portforward.k8s.io" // SPDY in messages of WebSocket
)

// What is spoken in the streams of SPDY, and the field in which both sides name it.
const (
	versionField = "X-Stream-Protocol-Version"
	spdyCommands = "v4.channel.k8s.io"
	spdyForwards = "portforward.k8s.io"
	spdyUpgrade  = "spdy/3.1"
)

// Handshake is what both connections are upgraded to. Both speak the same: nothing is translated.
type Handshake struct {
	protocol string
	version  string          // of what is in SPDY's streams; "": it is WebSocket
	client   websocket.Offer // of WebSocket
	cluster  websocket.Offer // and ours
}

// Understand reads a client's request for an upgrade. The first protocol that it offers and that is spoken here is chosen;
// those that carry a credential (base64url.bearer.authorization.k8s.io) are none. The error is an *http1.Error.
func Understand(q *http1.Request, what string) (*Handshake, error) {
	if q.Upgrade == websocket.Protocol {
		return understandSocket(q, what)
	}
	if q.Upgrade != spdyUpgrade {
		return nil, &http1.Error{Status: 400, Reason: "this is answered over WebSocket or " + SPDY + " only"}
	}
	if q.Length != 0 || q.Method != "POST" && q.Method != "GET" {
		return nil, &http1.Error{Status: 400, Reason: "this is no request for " + SPDY}
	}
	version := spdyCommands
	if what == PortForward {
		version = spdyForwards
	}
	if !slices.Contains(versions(q.Fields), version) {
		return nil, &http1.Error{Status: 403, Reason: "the protocol " + version + " is spoken here, and " + versionField + " does not name it"}
	}
	return &Handshake{protocol: SPDY, version: version}, nil
}

// versions are the elements of a list, which may stand in several fields.
func versions(fields http1.Fields) (all []string) {
	for _, value := range fields.Values(versionField) {
		for element := range strings.SplitSeq(value, ",") {
			all = append(all, strings.Trim(element, " \t"))
		}
	}
	return all
}

func understandSocket(q *http1.Request, what string) (*Handshake, error) {
	offer, err := websocket.ReadOffer(q)
	if err != nil {
		return nil, err
	}
	spoken := []string{channelsV5, channelsV4}
	if what == PortForward {
		spoken = []string{tunnelled31}
	}
	for _, offered := range offer.Protocols {
		if slices.Contains(spoken, offered) {
			return &Handshake{protocol: offered, client: offer}, nil
		}
	}
	return nil, &http1.Error{Status: 400, Reason: "the subprotocols " + strings.Join(spoken, " and ") + " are spoken here, and none was offered"}
}

// Protocol is what will be spoken, for Plan.
func (h *Handshake) Protocol() string { return h.protocol }

// Ask makes q, the request as it was understood, one for an upgrade to exactly what was chosen. What its fields say of an
// upgrade is dropped.
func (h *Handshake) Ask(q *http1.Request) {
	q.Fields = q.Fields.Without(versionField)
	if h.version == "" {
		h.cluster = websocket.Ask(q, []string{h.protocol})
		return
	}
	q.Upgrade, q.Length, q.Close, q.Continue, q.Minor = spdyUpgrade, 0, false, false, 1
	q.Fields = append(q.Fields, http1.Field{Name: versionField, Value: h.version})
}

// Verify holds the cluster's answer against what was asked. After an error nothing of the connection may be used.
func (h *Handshake) Verify(a *http1.Answer) error {
	if h.version == "" {
		switch chosen, err := websocket.Verify(a, h.cluster); {
		case err != nil:
			return err
		case chosen != h.protocol:
			return errors.New("the cluster chose no subprotocol")
		}
		return nil
	}
	if a.Status != 101 || a.Upgrade != spdyUpgrade {
		return errors.New("the cluster did not agree to " + SPDY)
	}
	if said := versions(a.Fields); len(said) != 1 || said[0] != h.version {
		return errors.New("the cluster chose another protocol than " + h.version)
	}
	return nil
}

// Agree answers the client, once the cluster's answer was verified.
func (h *Handshake) Agree() *http1.Answer {
	if h.version == "" {
		return websocket.Agree(h.client, h.protocol)
	}
	return &http1.Answer{Status: 101, Upgrade: spdyUpgrade, Fields: http1.Fields{{Name: versionField, Value: h.version}}}
}
