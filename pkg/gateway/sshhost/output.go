package sshhost

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// pieceSize is the most that is read of a stream at once: what one packet may hold.
const pieceSize = 32 << 10

// running is one command that runs at the host.
type running struct {
	pass   *guard.Pass
	remote ssh.Channel
	kept   *cast.Stream
	screen *guard.Look // what the client sees of a terminal, whose detectors want to know what is typed

	shell bool // what is typed is more commands, which the policy must still let pass

	pieces sync.Mutex // over what is counted of both streams
	bytes  int64
}

// stream is one of a command's streams.
type stream struct {
	from io.Reader
	look *guard.Look // nil: nobody looks
	to   io.Writer
	keep func([]byte) error
	own  *guard.Look // of recordings, where those are not to show what a client typed itself; nil: they show what the client sees
}

// streams are those of a command that is to run, which detectors look at where a mask asks for it.
func (c *channel) streams(r *running) ([]stream, error) {
	out, errs := stream{to: c.Channel, keep: r.kept.Output}, stream{to: c.Stderr(), keep: r.kept.Errors}
	scan := r.pass.Scan()
	if scan == nil {
		return []stream{out, errs}, nil
	}
	var problems [3]error
	out.look, problems[0] = guard.NewLook(scan)
	errs.look, problems[1] = guard.NewLook(scan)
	if c.pty.Load() != nil {
		r.screen = out.look
		out.own, problems[2] = guard.NewLook(scan)
	}
	return []stream{out, errs}, errors.Join(problems[:]...)
}

// output carries a stream: looked at by detectors, counted, recorded, then written to the client.
func (c *channel) output(r *running, s stream) {
	var err error
	buf := make([]byte, pieceSize)
	var room, recorded []byte
	for err == nil {
		n, end := s.from.Read(buf)
		room, err = s.look.Piece(room[:0], buf[:n], end != nil)
		seen := room
		if err == nil && s.own != nil {
			recorded, err = s.own.Piece(recorded[:0], buf[:n], end != nil)
			seen = recorded
		}
		if err == nil {
			err = r.deliver(s, room, seen)
		}
		if err == nil && end != nil {
			return // how the command ended is told by its status
		}
	}
	var refused *guard.Refusal
	if !errors.As(err, &refused) {
		c.session.log.Warn("output withheld", "error", err)
		err = fmt.Errorf("output withheld: %w", err)
	}
	c.cancel(err) // nothing more of the command is shown, so it is stopped
}

// deliver counts and records a piece before the client gets it.
func (r *running) deliver(s stream, piece, recorded []byte) error {
	r.pieces.Lock()
	r.bytes += int64(len(piece))
	over := r.pass.Piece(len(piece))
	r.pieces.Unlock()
	if over != nil {
		return over
	}
	if len(recorded) > 0 {
		if err := s.keep(recorded); err != nil {
			return err
		}
	}
	if len(piece) == 0 {
		return nil
	}
	_, err := s.to.Write(piece)
	return err
}
