package cli

import (
	"context"
	"errors"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// follow passes the grant's events on until the last one. Where the stream is lost for good, the clock still ends the grant.
func (l *link) follow(ctx context.Context) {
	expired := time.AfterFunc(time.Until(l.grant.ExpiresAt)+expirySkew, func() {
		l.finished(api.GrantEvent{Type: api.EventClosed, Code: api.EndingExpired, Message: "The grant's time is over."})
	})
	defer expired.Stop()
	for e, err := range l.broker.Events(ctx, l.grant.ID, 0) {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.lost(err)
		case e.Type == api.EventClosed:
			l.finished(e)
		default:
			if (e.Type == api.EventExpiring || e.Type == api.EventRenewed) && !e.ExpiresAt.IsZero() {
				expired.Reset(time.Until(e.ExpiresAt) + expirySkew)
			}
			l.sink.passOn(e)
		}
	}
	<-ctx.Done()
}

// expirySkew leaves the broker the first word on the grant's end.
const expirySkew = 5 * time.Second

// lost judges a stream that can't be had again: a grant that the broker does not know is over.
func (l *link) lost(err error) {
	var known *api.Error
	if errors.As(err, &known) && known.Code == api.CodeNotFound {
		l.finished(api.GrantEvent{Type: api.EventClosed, Code: api.EndingEnded, Message: "The grant is over."})
		return
	}
	l.program.warn("the broker's events are lost (" + asError(err).Message + "): approvals are not announced here any more")
}

// finished notes the grant's last event, once.
func (l *link) finished(e api.GrantEvent) {
	select {
	case l.ended <- e:
		l.sink.closed(e)
	default:
	}
}

// local turns what happens at the listener into events.
func (l *link) local(e localproxy.Event) {
	switch e.Type {
	case localproxy.ClientConnected, localproxy.ClientClosed:
		l.mu.Lock()
		if e.Type == localproxy.ClientConnected {
			l.clients++
		} else if l.clients--; l.clients == 0 {
			select {
			case l.idle <- struct{}{}:
			default:
			}
		}
		l.mu.Unlock()
		l.sink.event(e.Type, member{"client_id", e.ClientID}, member{"recording", orNull(e.Recording)})
	case localproxy.SecretRefused:
		l.sink.event(e.Type, member{"tries", e.Tries})
		l.program.warn("somebody on this machine tries wrong secrets at the local listener")
	case localproxy.Reconnecting:
		l.sink.event(e.Type, member{"code", e.Err.Code}, member{"message", e.Err.Message}, member{"hint", orNull(e.Err.Hint)}, member{"retryable", e.Err.Retryable})
		if !l.program.child {
			l.program.say("no tunnel: %s", e.Err.Message)
		}
	case localproxy.BrowserSignedIn:
		l.sink.event(e.Type, member{"browser_url", e.SignIn.Reveal()})
		if !l.program.child {
			l.program.say("a browser signed in to %s; the link for another, good once: %s", l.sink.connection, e.SignIn.Reveal())
		}
	case localproxy.Reconnected:
		l.sink.event(e.Type)
	}
}
