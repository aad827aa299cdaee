package httpform

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// Story is a protocol's log. The test's output has it, so that a failure tells how it came to it, and it must have none of these values at
// the end.
func Story(t testing.TB, never ...string) *slog.Logger {
	t.Helper()
	s := &story{}
	t.Cleanup(func() {
		for _, value := range never {
			if strings.Contains(s.text(), value) {
				t.Errorf("the protocol's log has %q", value)
			}
		}
	})
	return slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), s), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// story is what was logged, by several at once.
type story struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *story) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *story) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}
