package streams_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

var forward = streams.Plan{What: streams.PortForward, Protocol: streams.SPDY}

func toPort(kind, port, request string) []spdy.Header {
	return []spdy.Header{{Name: "streamtype", Value: kind}, {Name: "port", Value: port}, {Name: "requestid", Value: request}}
}

// connect opens both streams of a connection, as kubectl does.
func (r *rig) connect(id uint32, port, request string) {
	r.t.Helper()
	for i, kind := range []string{"error", "data"} {
		n := id + uint32(2*i)
		r.must(r.client.SynStream(n, false, toPort(kind, port, request)...))
		r.cluster.want(fmt.Sprintf("SYN_STREAM %d streamtype=%s port=%s requestid=%s", n, kind, port, request))
		r.must(r.cluster.SynReply(n, false))
		r.client.want(fmt.Sprintf("SYN_REPLY %d", n))
	}
	r.must(r.client.Data(id, nil, true))
	r.cluster.want(fmt.Sprintf("DATA %d \"\" fin", id))
}

func TestForwardedConnectionsAreCountedAndRecorded(t *testing.T) {
	a, j := admitted(t, forward, &rules{})
	r, outcome := behind(t, a)
	r.connect(1, "5432", "0")
	r.connect(5, "80", "1")
	r.must(r.client.Data(3, []byte("SELECT 1"), false))
	r.cluster.want(`DATA 3 "SELECT 1"`)
	r.must(r.cluster.Data(7, []byte("HTTP"), false))
	r.client.want(`DATA 7 "HTTP"`)
	r.must(r.client.Data(3, nil, true)) // half of it is closed, and the other half goes on
	r.cluster.want(`DATA 3 "" fin`)
	r.must(r.client.Ping(1)) // behind which the client's end was seen
	r.cluster.want("PING 1")
	r.must(r.cluster.Data(3, []byte("1"), true))
	r.client.want(`DATA 3 "1" fin`)
	if j.has(`"what":"port-forward"`) {
		t.Error("a connection was recorded before its end")
	}
	r.must(r.cluster.Data(1, []byte("it \x1b[2J broke"), true))
	r.client.want(`DATA 1 "it \x1b[2J broke" fin`)
	r.must(r.cluster.Ping(2)) // behind which the connection's end was seen
	r.client.want("PING 2")
	if !j.has(`"what":"port-forward","address":"stg/pods/web:5432","sent_bytes":8,"received_bytes":1,"error":"it \\x1b[2J broke"`) {
		t.Errorf("recorded %v", j.events)
	}
	r.must(r.client.conn.Close())
	if err := r.over(); err != nil {
		t.Error(err)
	}
	if o := <-outcome; o.Error != "" || o.Tag != "2 connections, 8 bytes sent, 5 received" {
		t.Errorf("outcome %+v", o)
	}
	if !j.has(`"address":"stg/pods/web:80","sent_bytes":0,"received_bytes":4`) {
		t.Errorf("recorded %v", j.events)
	}
}

func TestRudeForwardsAreEndedWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		rude    func(r *rig) error
		reason  string
		cluster bool
	}{
		"a command's stream":     {func(r *rig) error { return r.client.SynStream(5, false, toPort("stdin", "80", "1")...) }, "a stream stdin for a port", false},
		"no port":                {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "", "1")...) }, "a stream for what is no port", false},
		"port 0":                 {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "0", "1")...) }, "a stream for what is no port", false},
		"port 65536":             {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "65536", "1")...) }, "a stream for what is no port", false},
		"a port of another form": {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "0080", "1")...) }, "a stream for what is no port", false},
		"a port with a sign":     {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "+80", "1")...) }, "a stream for what is no port", false},
		"no number":              {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "80", "")...) }, "a stream for a connection without a number", false},
		"a long number": {func(r *rig) error {
			return r.client.SynStream(5, false, toPort("data", "80", strings.Repeat("0", 90))...)
		}, "a stream for a connection without a number", false},
		"a second stream": {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "80", "0")...) }, "a second stream data of one connection", false},
		"two ports":       {func(r *rig) error { return r.client.SynStream(5, false, toPort("data", "81", "0")...) }, "two ports of one connection", false},
		"data in the errors": {func(r *rig) error {
			return errors.Join(r.client.SynStream(5, false, toPort("error", "80", "1")...), r.client.Data(5, []byte("x"), false))
		}, "data in stream error", false},
		"a novel of errors": {func(r *rig) error { return r.cluster.Data(1, make([]byte, 20<<10), false) }, "more than 16384 bytes in stream error", true},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := admitted(t, forward, &rules{})
			r, outcome := behind(t, a)
			r.connect(1, "80", "0")
			r.must(c.rude(r))
			var broke *streams.Violation
			r.client.rest()
			if err := r.over(); !errors.As(err, &broke) || broke.Reason != c.reason || broke.Cluster != c.cluster {
				t.Errorf("%v", err)
			}
			if o := <-outcome; !strings.Contains(o.Error, c.reason) {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

// One connection too many is refused by itself.
func TestConnectionsAreLimited(t *testing.T) {
	a, _ := admitted(t, forward, &rules{})
	r, _ := behind(t, a)
	id := uint32(1)
	for i := range 64 {
		r.connect(id, "80", fmt.Sprint(i))
		id += 4
	}
	r.must(r.client.SynStream(id, false, toPort("error", "80", "64")...))
	r.client.want(fmt.Sprintf("RST_STREAM %d status %d", id, spdy.RefusedStream))
	for _, n := range []uint32{1, 3} {
		r.must(r.cluster.Reset(n, spdy.Cancel))
		r.client.want(fmt.Sprintf("RST_STREAM %d status 5", n))
	}
	r.connect(id+2, "80", "65")
}

func TestAForwardEndsWithItsRule(t *testing.T) {
	for way, send := range map[string]func(r *rig) error{
		"sent":     func(r *rig) error { return r.client.Data(3, []byte("secret"), false) },
		"received": func(r *rig) error { return r.cluster.Data(3, []byte("secret"), false) },
		"opened":   func(r *rig) error { return r.client.SynStream(5, false, toPort("error", "81", "1")...) },
	} {
		policies := &rules{}
		a, _ := admitted(t, forward, policies)
		r, outcome := behind(t, a)
		r.connect(1, "80", "0")
		policies.set(func(p *rules) { p.denies = true })
		r.must(send(r))
		if got := strings.Join(r.client.rest(), " "); strings.Contains(got, "secret") || !strings.Contains(got, "hoop: Not any more.") {
			t.Errorf("%s: the client got %s", way, got)
		}
		if got := r.cluster.rest(); len(got) > 0 {
			t.Errorf("%s: the cluster got %v", way, got)
		}
		var refused *guard.Refusal
		if err := r.over(); !errors.As(err, &refused) {
			t.Errorf("%s: %v", way, err)
		}
		if o := <-outcome; o.Error != "denied" {
			t.Errorf("%s: outcome %+v", way, o)
		}
	}
}

// A port that the policy does not let this person reach is refused by itself, is recorded, and the cluster hears nothing of it.
func TestAPortThatIsDeniedIsRefusedByItself(t *testing.T) {
	a, j := admitted(t, forward, &rules{port: 22})
	r, _ := behind(t, a)
	r.connect(1, "80", "0")
	for i, order := range [][]string{{"error", "data"}, {"data", "error"}} {
		id := uint32(5 + 4*i)
		for n, kind := range order {
			r.must(r.client.SynStream(id+uint32(2*n), false, toPort(kind, "22", fmt.Sprint(1+i))...))
			r.client.want(fmt.Sprintf("SYN_REPLY %d", id+uint32(2*n)))
			said := map[string]string{"error": "hoop: Not any more. Ask who keeps the policy; `hoop can` shows what you may do here.", "data": ""}[kind]
			r.client.want(fmt.Sprintf("DATA %d %q fin", id+uint32(2*n), said))
			r.must(r.client.Data(id+uint32(2*n), []byte("dropped"), true))
		}
	}
	r.must(r.client.Data(3, []byte("goes on"), false))
	r.cluster.want(`DATA 3 "goes on"`)
	if !j.has(`(port-forward stg/pods/web:22)`) || !j.has("Not any more.") {
		t.Errorf("recorded %v", j.events)
	}
	if n := j.count("Not any more."); n != 2 {
		t.Errorf("%d refusals of two connections are recorded", n)
	}
	for i := range 64 - 1 { // those that were refused take no room
		r.connect(uint32(13+4*i), "80", fmt.Sprint(10+i))
	}
}

// A client may open one stream of a connection that is refused and no other: that takes no room for ever.
func TestHalfOfARefusedConnectionTakesNoRoom(t *testing.T) {
	a, j := admitted(t, forward, &rules{port: 22})
	r, _ := behind(t, a)
	id := uint32(1)
	for i := range 200 {
		r.must(r.client.SynStream(id, false, toPort("data", "22", fmt.Sprint(i))...))
		r.client.want(fmt.Sprintf("SYN_REPLY %d", id))
		r.client.want(fmt.Sprintf("DATA %d \"\" fin", id))
		id += 2
	}
	refused := j.count("Not any more.")
	r.must(r.client.SynStream(id, false, toPort("error", "22", "199")...)) // the other half of the last one is of the same refusal
	r.client.want(fmt.Sprintf("SYN_REPLY %d", id))
	r.client.want(fmt.Sprintf("DATA %d %q fin", id, "hoop: Not any more. Ask who keeps the policy; `hoop can` shows what you may do here."))
	if n := j.count("Not any more."); n != refused || refused != 200 {
		t.Errorf("%d refusals are recorded, and then %d", refused, n)
	}
	for i := range 64 {
		r.connect(id+2+uint32(4*i), "80", fmt.Sprint(1000+i))
	}
}

// A port is known to the recording before the cluster connects to it.
func TestAConnectionIsRecordedBeforeItIsMade(t *testing.T) {
	a, j := admitted(t, forward, &rules{})
	r, _ := behind(t, a)
	r.must(r.client.SynStream(1, false, toPort("error", "80", "0")...))
	r.cluster.want("SYN_STREAM 1 streamtype=error port=80 requestid=0")
	if !j.has(`"code":"port-forward","message":"to stg/pods/web:80"`) {
		t.Errorf("recorded %v", j.events)
	}
}

// A policy that comes to deny a port which is open ends what is open, however silent it is; one that is closed is nobody's matter.
func TestAPortThatIsDeniedMeanwhileEndsTheForward(t *testing.T) {
	policies := &rules{}
	a, _ := admitted(t, forward, policies)
	r, _ := behind(t, a)
	r.connect(1, "80", "0")
	r.connect(5, "81", "1")
	for _, id := range []uint32{5, 7} {
		r.must(r.cluster.Data(id, nil, true))
		r.client.want(fmt.Sprintf("DATA %d \"\" fin", id))
		if id == 7 {
			r.must(r.client.Data(id, nil, true))
			r.cluster.want("DATA 7 \"\" fin")
		}
	}
	r.must(r.cluster.Ping(2)) // behind which the connection's end was seen
	r.client.want("PING 2")
	policies.set(func(p *rules) { p.port = 81 })
	r.must(r.client.Data(3, []byte("goes on"), false))
	r.cluster.want(`DATA 3 "goes on"`)
	policies.set(func(p *rules) { p.port = 80 })
	if err := a.Pass.Stands(t.Context()); err == nil {
		t.Error("it stands")
	}
	r.must(r.client.Data(3, []byte("secret"), false))
	if got := strings.Join(r.client.rest(), " "); !strings.Contains(got, "hoop: Not any more.") {
		t.Errorf("the client got %s", got)
	}
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	var refused *guard.Refusal
	if err := r.over(); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

// Without anybody to judge its connections a port-forward makes none.
func TestWhereNobodyJudgesPortsNoneIsReached(t *testing.T) {
	a, _ := admitted(t, forward, &rules{})
	a.Port = nil
	r, _ := behind(t, a)
	r.must(r.client.SynStream(1, false, toPort("error", "80", "0")...))
	r.client.want("SYN_REPLY 1")
	r.client.want(`DATA 1 "hoop: connections are not judged here, so none is made" fin`)
	r.must(r.client.conn.Close())
	if got := r.cluster.rest(); len(got) > 0 && got[0] != "broken" {
		t.Errorf("the cluster got %v", got)
	}
}

func TestWhereDetectorsLookNothingIsForwarded(t *testing.T) {
	a, _ := admitted(t, forward, &rules{masks: leaks})
	r, outcome := behind(t, a)
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	if err := r.over(); err == nil {
		t.Error("it was carried")
	}
	if o := <-outcome; o.Error == "" {
		t.Errorf("outcome %+v", o)
	}
}
