package exchange

import "context"

// whenOver calls f once ctx is over and everything that was made from it is too: whoever f interrupts finds the cause in a context of
// its own, and does not take the interruption for a connection that broke.
func whenOver(ctx context.Context, f func()) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		_ = context.Cause(ctx) // answers behind the cancelling of what hangs on ctx, which holds the same lock
		f()
	})
}
