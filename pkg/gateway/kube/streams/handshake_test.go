package streams_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

func spdyAsk(method string, versions ...string) *http1.Request {
	q := &http1.Request{Method: method, Path: "/x", Minor: 1, Upgrade: "spdy/3.1", Fields: http1.Fields{{Name: "Host", Value: "a"}}}
	for _, v := range versions {
		q.Fields = append(q.Fields, http1.Field{Name: "X-Stream-Protocol-Version", Value: v})
	}
	return q
}

func socketAsk(protocols string) *http1.Request {
	q := &http1.Request{Method: "GET", Path: "/x", Minor: 1, Upgrade: "websocket", Fields: http1.Fields{
		{Name: "Host", Value: "a"}, {Name: "Sec-WebSocket-Version", Value: "13"}, {Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="}, {Name: "Sec-WebSocket-Extensions", Value: "permessage-deflate"},
	}}
	if protocols != "" {
		q.Fields = append(q.Fields, http1.Field{Name: "Sec-WebSocket-Protocol", Value: protocols})
	}
	return q
}

const bearer = "base64url.bearer.authorization.k8s.io.c2VjcmV0"

func TestTheFirstProtocolThatIsSpokenIsChosen(t *testing.T) {
	for _, c := range []struct {
		q          *http1.Request
		what, want string
	}{
		{spdyAsk("POST", "v4.channel.k8s.io", "v3.channel.k8s.io"), streams.Exec, streams.SPDY},
		{spdyAsk("GET", "v5.channel.k8s.io, v4.channel.k8s.io"), streams.Attach, streams.SPDY},
		{spdyAsk("POST", "portforward.k8s.io"), streams.PortForward, streams.SPDY},
		{spdyAsk("POST", "v3.channel.k8s.io"), streams.Exec, ""},
		{spdyAsk("POST"), streams.Exec, ""},
		{spdyAsk("POST", "v4.channel.k8s.io"), streams.PortForward, ""},
		{spdyAsk("PUT", "v4.channel.k8s.io"), streams.Exec, ""},
		{&http1.Request{Method: "POST", Minor: 1}, streams.Exec, ""},
		{&http1.Request{Method: "POST", Minor: 1, Upgrade: "spdy/3.1, websocket"}, streams.Exec, ""},
		{socketAsk("v5.channel.k8s.io"), streams.Exec, "v5.channel.k8s.io"},
		{socketAsk(bearer + ", v4.channel.k8s.io, v5.channel.k8s.io"), streams.Exec, "v4.channel.k8s.io"},
		{socketAsk(bearer), streams.Exec, ""},
		{socketAsk("base64.channel.k8s.io, v4.base64.channel.k8s.io"), streams.Exec, ""},
		{socketAsk(""), streams.Exec, ""},
		{socketAsk("SPDY/3.1+portforward.k8s.io"), streams.PortForward, "SPDY/3.1+portforward.k8s.io"},
		{socketAsk("SPDY/3.1+portforward.k8s.io"), streams.Exec, ""},
		{socketAsk("v4.channel.k8s.io"), streams.PortForward, ""},
	} {
		h, err := streams.Understand(c.q, c.what)
		var no *http1.Error
		switch {
		case c.want == "" && (!errors.As(err, &no) || h != nil):
			t.Errorf("%+v for %s: %v", c.q, c.what, err)
		case c.want != "" && (err != nil || h.Protocol() != c.want):
			t.Errorf("%+v for %s: %v", c.q, c.what, err)
		}
	}
}

// Nothing of the client's handshake reaches the cluster but the protocol that was chosen.
func TestTheHandshakeWithTheClusterIsAnotherOne(t *testing.T) {
	for _, c := range []struct {
		q    *http1.Request
		want string
	}{
		{spdyAsk("POST", "v4.channel.k8s.io", "v3.channel.k8s.io"), "X-Stream-Protocol-Version: v4.channel.k8s.io"},
		{socketAsk(bearer + ", v5.channel.k8s.io"), "Sec-WebSocket-Protocol: v5.channel.k8s.io"},
	} {
		h, err := streams.Understand(c.q, streams.Exec)
		if err != nil {
			t.Fatal(err)
		}
		h.Ask(c.q)
		text := string(http1.AppendRequest(nil, c.q))
		for _, bad := range []string{"bearer", "v3.", "nonce", "dGhlIHNhbXBsZSBub25jZQ", "permessage"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s goes to the cluster: %s", bad, text)
			}
		}
		if !strings.Contains(text, c.want+"\r\n") {
			t.Errorf("without %s: %s", c.want, text)
		}
	}
}

func TestBytesPassOnlyBehindTheRightAnswer(t *testing.T) {
	answer := func(upgrade, version string) *http1.Answer {
		return &http1.Answer{Status: 101, Upgrade: upgrade, Fields: http1.Fields{{Name: "X-Stream-Protocol-Version", Value: version}}}
	}
	q := spdyAsk("POST", "v4.channel.k8s.io")
	h, err := streams.Understand(q, streams.Exec)
	if err != nil {
		t.Fatal(err)
	}
	h.Ask(q)
	if err := h.Verify(answer("spdy/3.1", "v4.channel.k8s.io")); err != nil {
		t.Error(err)
	}
	late := answer("spdy/3.1", "v4.channel.k8s.io")
	late.Status = 200
	for name, a := range map[string]*http1.Answer{
		"200": late, "another upgrade": answer("websocket", "v4.channel.k8s.io"), "no upgrade": answer("", "v4.channel.k8s.io"),
		"another version": answer("spdy/3.1", "v3.channel.k8s.io"), "two versions": answer("spdy/3.1", "v4.channel.k8s.io, v3.channel.k8s.io"),
		"no version": {Status: 101, Upgrade: "spdy/3.1"},
	} {
		if err := h.Verify(a); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if a := h.Agree(); a.Status != 101 || a.Upgrade != "spdy/3.1" || !slices.Equal(a.Fields.Values("X-Stream-Protocol-Version"), []string{"v4.channel.k8s.io"}) {
		t.Errorf("the client is answered %+v", a)
	}
}

func TestASocketPassesOnlyWithTheChosenProtocol(t *testing.T) {
	q := socketAsk("v5.channel.k8s.io, v4.channel.k8s.io")
	h, err := streams.Understand(q, streams.Exec)
	if err != nil {
		t.Fatal(err)
	}
	h.Ask(q)
	answer := func(protocol string) *http1.Answer {
		return websocket.Agree(websocket.Offer{Key: q.Fields.Get("Sec-WebSocket-Key")}, protocol)
	}
	if err := h.Verify(answer("v5.channel.k8s.io")); err != nil {
		t.Error(err)
	}
	for _, protocol := range []string{"v4.channel.k8s.io", "", "base64.channel.k8s.io"} {
		if err := h.Verify(answer(protocol)); err == nil {
			t.Errorf("%q passes", protocol)
		}
	}
	if err := h.Verify(websocket.Agree(websocket.Offer{Key: "dGhlIHNhbXBsZSBub25jZQ=="}, "v5.channel.k8s.io")); err == nil {
		t.Error("the answer to the client's key passes")
	}
	if a := h.Agree(); a.Fields.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || a.Fields.Get("Sec-WebSocket-Protocol") != "v5.channel.k8s.io" {
		t.Errorf("the client is answered %+v", a)
	}
}
