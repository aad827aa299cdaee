package tunnel

import (
	"context"
	"io"
	"net"
	"time"
)

// partMost is how much of a peer that goes on sending is read, and thrown away, behind the last words to it.
const partMost = 64 << 20

// Part closes c such that its peer can still read what was written to it last. A connection that is closed while something of the peer's
// waits unread is reset, and takes what was written with it; so what comes is thrown away until the peer closes its side too.
//
// It waits patience for that, and once ctx is over grace and no longer, TLS's farewell included, which may wait for a peer that does not
// read. heard is closed when nobody else reads from c any more; nil: nobody does. Deadlines of c must be nobody else's by now.
func Part(ctx context.Context, c net.Conn, patience, grace time.Duration, heard <-chan struct{}) {
	over := make(chan struct{})
	gone := make(chan struct{})
	go func() { // ends with over
		defer close(gone)
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-over:
			return
		case <-late.C:
		case <-ctx.Done():
			cut := time.NewTimer(min(patience, grace))
			defer cut.Stop()
			select {
			case <-over:
				return
			case <-cut.C:
			}
		}
		Abort(c)
	}()
	_ = c.SetReadDeadline(time.Time{}) // else it is gone
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		if heard != nil {
			<-heard
		}
		_, _ = io.CopyN(io.Discard, c, partMost)
	}
	_ = c.Close()
	close(over)
	<-gone
	if heard != nil {
		<-heard
	}
}
