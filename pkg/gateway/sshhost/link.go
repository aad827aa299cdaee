package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// maxLinks is how many forwarded connections one client may have open or waiting.
const maxLinks = 64

// linkBegins counts a forwarded connection, or says that there can't be one more.
func (s *session) linkBegins() bool {
	if s.links.Add(1) > maxLinks {
		s.links.Add(-1)
		return false
	}
	s.busy.Add(1)
	return true
}

func (s *session) linkEnds() {
	s.busy.Add(-1)
	s.links.Add(-1)
}

// link is one forwarded connection: a channel of the client joined to one of the host, behind an admitted command.
type link struct {
	session  *session
	pass     *guard.Pass
	of       *listener // that the host had it from; nil: the client asked for it, and the pass is its own
	what     string    // the type of its channel
	address  string    // as it was asked for
	resolved string    // where it came to, or whence it came
	began    time.Time

	client, host   ssh.Channel
	sent, received atomic.Int64
}

// carry passes bytes both ways until both sides are done, one of them is gone, a limit or the policy cuts it, or ctx ends.
func (l *link) carry(ctx context.Context, clientAsks, hostAsks <-chan *ssh.Request) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, l.close)()
	defer l.timed(cancel)()
	var work, up, down sync.WaitGroup
	guarded := func(f func()) func() {
		return func() {
			defer l.session.recovered(cancel)
			f()
		}
	}
	up.Go(guarded(func() { l.toHost(ctx, cancel) }))
	down.Go(guarded(func() { l.toClient(ctx, cancel) }))
	// A side that closes may still have had something to say, which is passed on before the other one is closed.
	work.Go(func() { ssh.DiscardRequests(clientAsks); up.Wait(); _ = l.host.Close() })
	work.Go(func() { ssh.DiscardRequests(hostAsks); down.Wait(); _ = l.client.Close() })
	up.Wait()
	down.Wait()
	l.close()
	work.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, errLeft) {
		return err
	}
	return nil
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.host.Close()
}

// toHost passes on what the client sends, and its end.
func (l *link) toHost(ctx context.Context, cut context.CancelCauseFunc) {
	up := l.session.up
	err := l.copy(ctx, l.client, &l.sent, func(b []byte) error {
		return up.Continue(l.pass, func(ssh.Conn) error { _, err := l.host.Write(b); return err })
	})
	if cutOff(err) {
		cut(err)
		return
	}
	_ = up.Housekeep(guard.InputEnd, func(ssh.Conn) error { return l.host.CloseWrite() })
}

// toClient passes on what the host answers, which limits count, and its end.
func (l *link) toClient(ctx context.Context, cut context.CancelCauseFunc) {
	err := l.copy(ctx, l.host, &l.received, func(b []byte) error {
		if r := l.count(len(b)); r != nil {
			return r
		}
		_, err := l.client.Write(b)
		return err
	})
	if cutOff(err) {
		cut(err)
		return
	}
	_ = l.client.CloseWrite()
}

// count counts what the client is about to get.
func (l *link) count(n int) *guard.Refusal {
	if l.of != nil { // whose connections have one pass together
		l.of.counting.Lock()
		defer l.of.counting.Unlock()
	}
	return l.pass.Piece(n)
}

// cutOff tells a refusal from a peer that is gone.
func cutOff(err error) bool {
	var r *guard.Refusal
	return errors.As(err, &r)
}

// copy passes pieces on for as long as the policy in force lets the connection be.
func (l *link) copy(ctx context.Context, from io.Reader, counted *atomic.Int64, send func([]byte) error) error {
	buf := make([]byte, pieceSize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := l.pass.Stands(ctx); err != nil {
				return err
			}
			if err := send(buf[:n]); err != nil {
				return err
			}
			counted.Add(int64(n))
		}
		if err != nil {
			return nil
		}
	}
}

// finish records what became of the connection, and of its command where that is its own.
func (l *link) finish(err error) {
	e := record.Forward{
		Command: l.pass.Number(), What: l.what, Address: l.address, Resolved: l.resolved,
		Sent: l.sent.Load(), Received: l.received.Load(), DurationUS: time.Since(l.began).Microseconds(),
	}
	o := guard.Outcome{Tag: fmt.Sprintf("%d bytes sent, %d received", e.Sent, e.Received)}
	if err != nil {
		e.Error, o.Error = shown(err.Error()), "cut"
	}
	failed := l.pass.Event(e)
	if l.of == nil {
		failed = errors.Join(failed, l.pass.Finish(o))
	}
	if failed != nil {
		l.session.log.Error("outcome not recorded", "error", failed)
	}
}

// timed ends a connection that is open for longer than a limit allows. Those of a listener are open for as long as their session.
func (l *link) timed(end func(error)) (stop func()) {
	if l.of != nil {
		return func() {}
	}
	return l.pass.Timed(func(r *guard.Refusal) { end(r) })
}
