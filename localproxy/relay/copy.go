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
	dst, src end
	seen     func([]byte) bool
	err      error // why it ended
}

// copy carries one direction to its end.
func (e *Engine) copy(k *link, dst, src end, seen func([]byte) bool) {
	f := &flow{dst: dst, src: src, seen: seen}
	for f.err == nil {
		if src.socket == nil {
			e.lend(f.pass)
		} else if err := src.socket.Park(f.pass); err != nil {
			f.err = err
		}
		if dst.socket != nil && f.err == nil {
			f.err = dst.socket.Drain()
		}
	}
	if !errors.Is(f.err, io.EOF) || dst.CloseWrite() != nil {
		k.abort()
	}
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
			return f.dst.socket == nil || f.dst.socket.Unsent() == 0
		case err != nil:
			f.err = err
			return false
		case f.src.socket == nil, f.dst.socket != nil && f.dst.socket.Unsent() > 0:
			return false
		}
	}
	return false // and parks again, behind the others
}

// gather reads once, or where reading never waits as much as there is and has room.
func (f *flow) gather(room []byte) (int, error) {
	n, err := f.src.Read(room)
	for f.src.socket != nil && err == nil && n < len(room) {
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
