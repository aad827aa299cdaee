package broker

import (
	"context"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// changes wakes those who wait for something to change. What it changed to they read
// from the store, so a wake-up too many does no harm, and none is lost: whoever watches
// first and reads then either reads the change or is woken by it.
type changes struct {
	mu     sync.Mutex
	topics map[string]map[chan struct{}]struct{}
}

func newChanges() *changes { return &changes{topics: map[string]map[chan struct{}]struct{}{}} }

// watch returns a channel that gets a value after each change, and what ends the watch.
func (c *changes) watch(topic string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics[topic] == nil {
		c.topics[topic] = map[chan struct{}]struct{}{}
	}
	c.topics[topic][ch] = struct{}{}
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.topics[topic], ch)
		if len(c.topics[topic]) == 0 {
			delete(c.topics, topic)
		}
	}
}

func (c *changes) tell(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.topics[topic] {
		select {
		case ch <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

// grantEvent adds an event to a grant's stream and wakes those who read it.
func (n *news) grantEvent(tx store.Tx, grantID string, e api.GrantEvent) error {
	n.topics = append(n.topics, topicGrant(grantID))
	_, err := tx.AddEvent(grantID, e)
	return err
}

func topicGrant(id string) string    { return "grant " + id }
func topicApproval(id string) string { return "approval " + id }

// feed carries endings to gateways. Nothing is dropped: a gateway that is slow to take
// them has a longer queue.
type feed struct {
	mu   sync.Mutex
	seq  uint64
	subs map[*subscriber]struct{}
}

type subscriber struct {
	queue []api.Ending
	wake  chan struct{}
}

const heartbeat = 2 * time.Second

func newFeed() *feed { return &feed{subs: map[*subscriber]struct{}{}} }

func (f *feed) push(now time.Time, endings ...api.Ending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range endings {
		f.seq++
		e.Seq, e.Time = f.seq, now
		for s := range f.subs {
			s.queue = append(s.queue, e)
			select {
			case s.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (f *feed) subscribe() *subscriber {
	s := &subscriber{wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs[s] = struct{}{}
	return s
}

func (f *feed) unsubscribe(s *subscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subs, s)
}

func (f *feed) takeAll(s *subscriber) []api.Ending {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue := s.queue
	s.queue = nil
	return queue
}

// Endings returns a feed of what a gateway must close, from now on, with an all-empty one
// every two seconds to say that the feed is alive. It is closed when ctx or the broker ends.
func (b *Broker) Endings(ctx context.Context) <-chan api.Ending {
	out := make(chan api.Ending)
	s := b.feed.subscribe()
	b.running.Go(func() {
		defer close(out)
		defer b.feed.unsubscribe(s)
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			endings := []api.Ending{}
			select {
			case <-ctx.Done():
				return
			case <-b.done:
				return
			case <-tick.C:
				endings = append(endings, api.Ending{})
			case <-s.wake:
				endings = b.feed.takeAll(s)
			}
			for _, e := range endings {
				select {
				case out <- e:
				case <-ctx.Done():
					return
				case <-b.done:
					return
				}
			}
		}
	})
	return out
}
