package e2e

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"
)

// text collects what processes and sockets say.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (x *text) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Write(b)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.String()
}

func (x *text) len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.Len()
}

func (x *text) tail(n int) string {
	s := x.String()
	return s[max(0, len(s)-n):]
}

// await polls a condition of another process.
func await(within time.Duration, holds func() bool) error {
	late := time.NewTimer(within)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-late.C:
			if holds() { // since the look before, which may have taken long
				return nil
			}
			return errors.New("not within " + within.String())
		case <-tick.C:
		}
	}
	return nil
}

func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	if err := await(within, holds); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
