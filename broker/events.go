package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

const (
	pingEvery     = 10 * time.Second
	writeDeadline = 20 * time.Second
	maxStreams    = 8 // open event streams of one grant
	maxEvent      = 1 << 20
	eventBatch    = 100
)

// streams counts the open event streams of each grant.
type streams struct {
	mu   sync.Mutex
	open map[string]int
}

func newStreams() *streams { return &streams{open: map[string]int{}} }

func (s *streams) add(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id] >= maxStreams {
		return false
	}
	s.open[id]++
	return true
}

func (s *streams) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id]--; s.open[id] <= 0 {
		delete(s.open, id)
	}
}

// grantEvents streams a grant's events (server-sent events, WHATWG HTML section 9.2) until
// the grant is closed. Last-Event-ID names the last one that the client has.
func (b *Broker) grantEvents(c *call) (any, error) {
	after := int64(0)
	if last := c.r.Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return nil, usage("Last-Event-ID is not a sequence number.", "Leave it out to begin at the first event.")
		}
		after = n
	}
	var g store.Grant
	err := b.view(c.ctx(), func(tx store.Tx) (err error) {
		g, err = b.ownGrant(tx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !b.streams.add(g.ID) {
		return nil, tooMany("This grant has too many open event streams.", 10)
	}
	defer b.streams.remove(g.ID)
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.WriteHeader(http.StatusOK)
	b.stream(c, g.ID, after)
	return answered{}, nil
}

// stream writes events until the client goes, the grant is closed or the broker ends.
func (b *Broker) stream(c *call, grantID string, after int64) {
	changed, unwatch := b.changes.watch(topicGrant(grantID))
	defer unwatch()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	out := http.NewResponseController(c.w)
	text := ": ping\n\n" // at once, so that the client knows that it listens
	for {
		// Where deadlines can't be set there is a recorder in a test, not a network.
		_ = out.SetWriteDeadline(time.Now().Add(writeDeadline))
		if _, err := c.w.Write([]byte(text)); err != nil || out.Flush() != nil {
			return
		}
		events, err := b.eventsAfter(c.ctx(), grantID, after)
		if err != nil {
			return // the client comes again with its last id
		}
		if len(events) > 0 {
			var closed bool
			if text, after, closed = encodeEvents(events); closed {
				_, _ = c.w.Write([]byte(text))
				_ = out.Flush()
				return
			}
			continue
		}
		select {
		case <-c.ctx().Done():
			return
		case <-b.done:
			return
		case <-changed:
			text = ""
		case <-ping.C:
			text = ": ping\n\n"
		}
	}
}

func (b *Broker) eventsAfter(ctx context.Context, grantID string, after int64) (events []api.GrantEvent, err error) {
	err = b.view(ctx, func(tx store.Tx) error {
		events, err = tx.Events(grantID, after, eventBatch)
		return err
	})
	return events, err
}

// encodeEvents returns the events as text, the last one's sequence number, and whether it closes the grant.
func encodeEvents(events []api.GrantEvent) (text string, last int64, closed bool) {
	for _, e := range events {
		data, err := json.Marshal(e) // has no line breaks, so one data line holds it
		if err != nil {
			continue // times out of range: such an event was never accepted
		}
		text += fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data)
		last, closed = e.Seq, e.Type == api.EventClosed
	}
	return text, last, closed
}

// PublishGrantEvent keeps an event of a grant and tells it to those who listen. An error
// means that nobody will learn of it.
func (b *Broker) PublishGrantEvent(ctx context.Context, grantID string, e api.GrantEvent) error {
	if e.Type == "" || e.Type == api.EventClosed {
		return usage("An event of this type is not published from outside.", "")
	}
	if e.Time.IsZero() {
		e.Time = b.now()
	}
	if text, err := json.Marshal(e); err != nil || len(text) > maxEvent {
		return usage("The event is larger than 1 MiB.", "")
	}
	return b.update(ctx, func(tx store.Tx, n *news) error {
		g, err := tx.Grant(grantID)
		if err != nil {
			return err
		}
		if g.State != grantActive {
			return nil // its stream has ended: there is nobody to tell
		}
		return n.grantEvent(tx, grantID, e)
	})
}
