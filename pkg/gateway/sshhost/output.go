package sshhost

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// pieceSize is the most that is read of a stream at once: what one packet may hold.
const pieceSize = 32 << 10

// running is one command that runs at the host.
type running struct {
	pass   *guard.Pass
	remote ssh.Channel
	kept   *cast.Stream
	pieces sync.Mutex // over what is counted of both streams
	bytes  int64
}

// output carries one stream of a command's output: looked at by detectors, counted, recorded, then written to the client.
func (c *channel) output(r *running, from io.Reader, to io.Writer, keep func([]byte) error) {
	look, err := newLook(r.pass.Scan())
	buf, room := make([]byte, pieceSize), make([]byte, 0, pieceSize)
	for err == nil {
		var n int
		var end error
		n, end = from.Read(buf)
		room, err = look.piece(room[:0], buf[:n], end != nil)
		if err == nil && len(room) > 0 {
			err = r.deliver(to, keep, room)
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
func (r *running) deliver(to io.Writer, keep func([]byte) error, piece []byte) error {
	r.pieces.Lock()
	r.bytes += int64(len(piece))
	over := r.pass.Piece(len(piece))
	r.pieces.Unlock()
	if over != nil {
		return over
	}
	if err := keep(piece); err != nil {
		return err
	}
	_, err := to.Write(piece)
	return err
}

// look has detectors look at a stream that comes in pieces. Without any it passes them on.
type look struct {
	scan   *guard.Scan
	stream *mask.Stream
}

func newLook(scan *guard.Scan) (*look, error) {
	l := &look{scan: scan}
	if scan == nil {
		return l, nil
	}
	err := scan.Over(func(guard.Detectors) (err error) {
		l.stream, err = scan.Stream()
		return err
	})
	return l, err
}

// piece appends to dst what of the stream can be shown with the next piece.
func (l *look) piece(dst, piece []byte, last bool) ([]byte, error) {
	if l.stream == nil {
		return append(dst, piece...), nil
	}
	err := l.scan.Over(func(guard.Detectors) error {
		dst = l.stream.Write(dst, piece)
		if last {
			dst = l.stream.Flush(dst)
		}
		return nil
	})
	return dst, err
}
