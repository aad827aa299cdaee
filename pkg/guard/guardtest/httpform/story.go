package httpform

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
)

// Story is a protocol's log. The test's output has it, so that a failure tells how it came to it, and it must have none of these values at
// the end.
func Story(t testing.TB, never ...string) *slog.Logger {
	t.Helper()
	said := &guardtest.Log{}
	t.Cleanup(func() {
		for _, value := range never {
			if strings.Contains(said.String(), value) {
				t.Errorf("the protocol's log has %q", value)
			}
		}
	})
	return slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), said), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
