package exchange_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/exchange"
)

func TestWhatIsInterruptedKnowsWhy(t *testing.T) {
	locked := errors.New("locked")
	for range 100 {
		ctx, end := context.WithCancelCause(t.Context())
		var made []context.Context
		for range 200 {
			of, stop := context.WithCancelCause(ctx)
			defer stop(nil)
			of, again := context.WithCancelCause(of)
			defer again(nil)
			made = append(made, of)
		}
		unknown := make(chan int)
		exchange.WhenOver(ctx, func() {
			n := 0
			for _, of := range made {
				if context.Cause(of) != locked {
					n++
				}
			}
			unknown <- n
		})
		end(locked)
		if n := <-unknown; n > 0 {
			t.Fatalf("%d of %d did not know yet why they were interrupted", n, len(made))
		}
	}
}
