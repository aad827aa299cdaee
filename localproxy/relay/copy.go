package relay

import (
	"errors"
	"io"

	"github.com/hoop-gateway/hoop/pkg/pump"
)

// turns is how often a direction reads before others have their turn.
const turns = 4

// flow is one direction of a link.
type flow struct {
	dst, src *End
	seen     func([]byte) bool
	err      error // why it ended
}

// copy carries one direction to its end, and passes that on.
func (e *Engine) copy(k *link, dst, src *End, seen func([]byte) bool) {
	if (&flow{dst: dst, src: src, seen: seen}).run() != nil || dst.CloseWrite() != nil {
		k.abort()
	}
}

// Copy carries what comes from src to dst until it ends in order, which is no error and is not passed on.
func Copy(dst, src *End) error { return (&flow{dst: dst, src: src}).run() }

func (f *flow) run() error {
	for f.err == nil {
		if err := f.src.Park(f.pass); err != nil {
			f.err = err
		}
		if f.err == nil {
			f.err = f.dst.Drain()
		}
	}
	if errors.Is(f.err, io.EOF) {
		return nil
	}
	return f.err
}

// pass carries what there is: all of it, by one write. It answers false when more can't be carried now: at the end, or
// because the other side has not taken it yet.
func (f *flow) pass(room []byte) bool {
	for range turns {
		n, err := f.gather(room)
		if n > 0 {
			f.see(room[:n])
			if _, werr := f.dst.Write(room[:n]); werr != nil {
				f.err = werr
				return false
			}
		}
		switch {
		case errors.Is(err, pump.ErrNothing):
			return !f.dst.Full()
		case err != nil:
			f.err = err
			return false
		case !f.src.InLoop(), f.dst.Full():
			return false
		}
	}
	return false // and parks again, behind the others
}

// gather reads once, or where reading never waits as much as there is and has room.
func (f *flow) gather(room []byte) (int, error) {
	n, err := f.src.Read(room)
	for f.src.InLoop() && err == nil && n < len(room) {
		var more int
		more, err = f.src.Read(room[n:])
		n += more
	}
	return n, err
}

func (f *flow) see(b []byte) {
	if f.seen != nil && !f.seen(b) {
		f.seen = nil
	}
}

// lend calls pass with room of its own. Its content is overwritten, never read, by the next user.
func (e *Engine) lend(pass func([]byte) bool) {
	room, ok := e.pool.Get().(*[pump.Room]byte)
	if !ok {
		room = new([pump.Room]byte)
	}
	defer e.pool.Put(room)
	pass(room[:])
}
