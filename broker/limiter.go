package broker

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter is a token bucket for each of many keys, in bounded memory.
type limiter struct {
	perMinute int

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

const maxBuckets = 20_000

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, buckets: map[string]*bucket{}}
}

// take spends one of the key's tokens. It returns 0, or in how many seconds there is one again.
func (l *limiter) take(key string, now time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.buckets[key]
	if !ok {
		l.prune(now)
		k = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)}
		l.buckets[key] = k
	}
	k.used = now
	reservation := k.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return 0
	}
	reservation.CancelAt(now)
	return int64(math.Ceil(wait.Seconds()))
}

// prune forgets full buckets, and where all are in use every one: a flood from that many
// keys must not fill the memory, and a forgotten bucket only gives somebody a full one.
func (l *limiter) prune(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for key, k := range l.buckets {
		if now.Sub(k.used) > time.Minute {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// keyedLocks are locks that exist while somebody holds or awaits them.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	sync.Mutex
	users int
}

func newKeyedLocks() *keyedLocks { return &keyedLocks{held: map[string]*keyedLock{}} }

// lock waits for the key's lock and returns what releases it.
func (k *keyedLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	l, ok := k.held[key]
	if !ok {
		l = &keyedLock{}
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}
