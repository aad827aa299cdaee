package streams_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

func TestACommandPassesToItsEnd(t *testing.T) {
	c := &carrier{}
	r := carrying(t, whole, c)
	for i, kind := range []string{"error", "stdin", "stdout", "stderr"} {
		r.open(uint32(2*i+1), kind)
	}
	r.must(r.client.Data(3, []byte("typed"), false))
	r.cluster.want(`DATA 3 "typed"`)
	r.must(r.client.Data(3, nil, true)) // the end of its input is not the end of its output
	r.cluster.want(`DATA 3 "" fin`)
	r.must(r.cluster.Data(5, []byte("out"), false))
	r.client.want(`DATA 5 "out"`)
	r.must(r.cluster.Data(7, []byte("err"), true))
	r.client.want(`DATA 7 "err" fin`)
	failed := `{"metadata":{},"status":"Failure","message":"it failed","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`
	r.must(r.cluster.Data(1, []byte(failed[:20]), false)) // however the status is cut
	r.must(r.cluster.Data(1, []byte(failed[20:]), false))
	r.client.want(fmt.Sprintf("DATA 1 %q", failed))
	r.must(r.cluster.Reset(5, spdy.Cancel))
	r.client.want("RST_STREAM 5 status 5")
	r.must(r.cluster.GoAway(7, 0))
	r.client.want("GOAWAY 7 status 0")
	r.must(r.cluster.conn.Close())
	if got := r.client.rest(); !slices.Equal(got, []string{`DATA 3 "" fin`, `DATA 1 "" fin`, "GOAWAY 7 status 0"}) && !slices.Equal(got, []string{`DATA 1 "" fin`, `DATA 3 "" fin`, "GOAWAY 7 status 0"}) {
		t.Errorf("at the end: %v", got)
	}
	if err := r.over(); err != nil {
		t.Error(err)
	}
	if c.in.String() != "typed" || c.out.String() != "out" || c.err.String() != "err" {
		t.Errorf("carried %q, %q, %q", c.in.String(), c.out.String(), c.err.String())
	}
	if len(c.ended) != 1 || c.ended[0].Success || *c.ended[0].Exit != 3 || c.ended[0].Message != "it failed" {
		t.Errorf("ended %+v", c.ended)
	}
}

func TestSizesOfATerminalArePassedOnOnceEach(t *testing.T) {
	c := &carrier{}
	r := carrying(t, terminal, c)
	r.open(1, "error")
	r.open(3, "resize")
	for _, piece := range []string{`{"Width":80,"Hei`, `ght":24}` + "\n" + `{"Width":80,"Height":24}`, `{"Height":30 , "Width":100}` + "\n"} {
		r.must(r.client.Data(3, []byte(piece), false))
	}
	r.cluster.want(`DATA 3 "{\"Width\":80,\"Height\":24}\n"`)
	r.cluster.want(`DATA 3 "{\"Width\":100,\"Height\":30}\n"`)
	if !slices.Equal(c.sizes, []string{"80x24", "100x30"}) {
		t.Errorf("%v", c.sizes)
	}
}

func TestPingsGoFromEndToEnd(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.must(r.client.Ping(1))
	r.cluster.want("PING 1")
	r.must(r.cluster.Ping(1))
	r.client.want("PING 1")
	r.must(r.cluster.Ping(2))
	r.client.want("PING 2")
	r.must(r.client.Ping(2))
	r.cluster.want("PING 2")
}

// A client that is gone has its command's connection ended, as without a gateway.
func TestAClientThatLeavesEndsIt(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.must(r.client.GoAway(0, 0))
	r.cluster.want("GOAWAY 0 status 0")
	r.must(r.client.conn.Close())
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	if err := r.over(); !errors.Is(err, streams.ErrLeft) {
		t.Error(err)
	}
}

// kubectl takes a connection that ends without a status for a success.
func TestAClusterThatDoesNotSayHowItEndedIsNoSuccess(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.must(r.cluster.conn.Close())
	f := r.client.want(fmt.Sprintf("DATA 1 %q fin", `{"metadata":{},"status":"Failure","message":"hoop: the cluster did not say how the command ended","reason":"InternalError","code":500}`))
	if !f.Fin {
		t.Error("it goes on")
	}
	r.must(r.client.conn.Close())
	if err := r.over(); err != nil {
		t.Error(err)
	}
}

// What was said while the client still sends reaches it: a connection that is closed with something unread in it is reset.
func TestTheEndIsReadByAClientThatStillSends(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	for i, kind := range []string{"error", "stdin", "stdout"} {
		r.open(uint32(2*i+1), kind)
	}
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for r.client.Data(3, make([]byte, 32<<10), false) == nil {
		}
	}()
	for range 10 {
		r.cluster.next()
	}
	r.must(r.cluster.Data(5, bytes.Repeat([]byte("x"), 1<<20), false))
	r.must(r.cluster.Data(1, []byte(success), true))
	r.must(r.cluster.conn.(interface{ CloseWrite() error }).CloseWrite())
	size, told := 0, ""
	for told == "" {
		f := r.client.next()
		if f.Stream == 5 {
			size += len(f.Data)
		} else if f.Stream == 1 {
			told = string(f.Data)
		}
	}
	if size != 1<<20 || told != success {
		t.Errorf("got %d bytes and %q", size, told)
	}
	r.must(r.client.conn.Close())
	<-sending
	<-r.result
}

func TestAnEndIsToldAndClosesBothWithinASecond(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		told string
	}{
		"a refusal": {&guard.Refusal{Refusal: api.Refusal{Code: "ended", Message: "Your grant has ended.", Remedy: []api.Remedy{{Text: "Connect again."}}}},
			"Failure Forbidden: hoop: Your grant has ended. Connect again."},
		"something else": {errors.New("disk /dev/sda1 is full"), "Failure InternalError: hoop: the session was ended"},
	} {
		t.Run(name, func(t *testing.T) {
			r := carrying(t, whole, &carrier{})
			r.open(1, "error")
			r.open(3, "stdin")
			r.end(c.why)
			told := ""
			for told == "" {
				if f := r.client.next(); f.Stream == 1 {
					told = string(f.Data)
				}
			}
			if message(told) != c.told {
				t.Errorf("told %s", message(told))
			}
			if got := r.cluster.rest(); len(got) > 0 {
				t.Errorf("the cluster got %v", got)
			}
			if err := r.over(); !errors.Is(err, c.why) {
				t.Error(err)
			}
		})
	}
}

// chatty is a connection whose far end still says something when it is closed, which is read before it is.
type chatty struct {
	net.Conn
	say  func()
	once sync.Once
	said atomic.Bool
	read chan struct{}
}

func (c *chatty) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.said.CompareAndSwap(true, false) {
		close(c.read)
	}
	return n, err
}

func (c *chatty) Close() error {
	c.once.Do(func() {
		c.said.Store(true)
		c.say()
		<-c.read
	})
	return c.Conn.Close()
}

// A cluster whose connection is closed with TLS's word for it says that the command was cancelled.
func TestWhatAClusterSaysOfTheEndOfItsConnectionIsNotTheReason(t *testing.T) {
	var r *rig
	r = between(t, func(ctx context.Context, client, target streams.Side) error {
		target.Conn = &chatty{Conn: target.Conn, read: make(chan struct{}), say: func() {
			_ = r.cluster.Data(1, []byte(`{"metadata":{},"status":"Failure","message":"context canceled","reason":"InternalError","code":500}`), true)
		}}
		return streams.Carry(ctx, whole, client, target, &carrier{})
	})
	r.open(1, "error")
	r.end(&api.Error{Code: api.CodeLocked, Message: "You were locked."})
	if f := r.client.next(); f.Type != spdy.Data || message(string(f.Data)) != "Failure Forbidden: hoop: You were locked." {
		t.Errorf("the client is told %s", describe(f))
	}
}

// Nobody reads here, so that every write of the gateway waits.
func TestPeersThatDoNotReadAreEndedWithinASecond(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.open(3, "stdin")
	r.open(5, "stdout")
	up, down := fill(r.client, 3), fill(r.cluster, 5)
	<-up.stuck
	<-down.stuck
	const most = 32 << 20 // the kernel's buffers of four sockets; nothing is kept between them
	if up.sent() > most || down.sent() > most {
		t.Errorf("%d bytes went in one way and %d the other", up.sent(), down.sent())
	}
	why := errors.New("ended")
	r.end(why)
	if err := r.over(); !errors.Is(err, why) {
		t.Error(err)
	}
}

// A client that reads nothing is no reason not to pass on what it sends.
func TestAFullWayDoesNotStopTheOther(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.open(3, "stdin")
	r.open(5, "stdout")
	down := fill(r.cluster, 5)
	<-down.stuck
	r.must(r.client.Data(3, []byte("typed"), true))
	r.cluster.want(`DATA 3 "typed" fin`)
}

// filling sends data until nobody takes them.
type filling struct {
	stuck chan struct{}
	bytes chan int
}

func (f *filling) sent() int { n := <-f.bytes; f.bytes <- n; return n }

func fill(p *peer, stream uint32) *filling {
	f := &filling{stuck: make(chan struct{}), bytes: make(chan int, 1)}
	f.bytes <- 0
	wrote := make(chan struct{}, 1)
	go func() {
		for p.Data(stream, make([]byte, spdy.PieceSize), false) == nil {
			f.bytes <- <-f.bytes + spdy.PieceSize
			select {
			case wrote <- struct{}{}:
			default:
			}
		}
	}()
	go func() {
		defer close(f.stuck)
		for {
			select {
			case <-wrote:
			case <-time.After(500 * time.Millisecond):
				return
			}
		}
	}()
	return f
}

func TestWhatIsNotTakenDoesNotGoOn(t *testing.T) {
	refused := &guard.Refusal{Refusal: api.Refusal{Code: "denied", Message: "The policy changed."}}
	r := carrying(t, whole, &carrier{refuse: refused})
	r.open(1, "error")
	r.open(3, "stdin")
	r.must(r.client.Data(3, []byte("rm -rf /"), false))
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	if got := strings.Join(r.client.rest(), " "); !strings.Contains(got, "The policy changed.") {
		t.Errorf("the client got %s", got)
	}
	if err := r.over(); !errors.Is(err, refused) {
		t.Error(err)
	}
}

func TestWhatThePeersSendBesideFramesIsDropped(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	settings := "\x80\x03\x00\x04\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x10\x00"
	window := "\x80\x03\x00\x09\x00\x00\x00\x08\x00\x00\x00\x01\x00\x01\x00\x00"
	for _, p := range []*peer{r.client, r.cluster} {
		if _, err := io.WriteString(p.conn, settings+window); err != nil {
			t.Fatal(err)
		}
	}
	r.open(1, "error")
}

func TestAClusterThatBreaksOffIsNoSuccess(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.must(r.cluster.conn.(*net.TCPConn).SetLinger(0)) // its end is a reset
	r.must(r.cluster.conn.Close())
	if got := strings.Join(r.client.rest(), " "); !strings.Contains(got, "Failure") {
		t.Errorf("the client got %s", got)
	}
	if err := r.over(); err == nil || errors.Is(err, streams.ErrLeft) {
		t.Error(err)
	}
}
