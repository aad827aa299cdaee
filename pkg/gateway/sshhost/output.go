package sshhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// pieceSize is the most that is read of a stream at once: what one packet may hold.
const pieceSize = 32 << 10

// textOID is the number that recordings give a column of text.
const textOID = 25

// output carries one stream of a command's output: looked at by detectors, counted, recorded, then written to the client.
func (c *channel) output(p *guard.Pass, from io.Reader, to io.Writer, name string) {
	look, err := newLook(p.Scan())
	buf, room := make([]byte, pieceSize), make([]byte, 0, pieceSize)
	for err == nil {
		var n int
		var end error
		n, end = from.Read(buf)
		room, err = look.piece(room[:0], buf[:n], end != nil)
		if err == nil && len(room) > 0 {
			err = c.deliver(p, to, name, room)
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
func (c *channel) deliver(p *guard.Pass, to io.Writer, name string, piece []byte) error {
	c.results.Lock()
	err := c.keep(p, name, piece)
	c.results.Unlock()
	if err != nil {
		return err
	}
	_, err = to.Write(piece)
	return err
}

// keep records a piece as a row of two texts: the stream's name, and what it said.
func (c *channel) keep(p *guard.Pass, name string, piece []byte) error {
	if r := p.Piece(len(piece)); r != nil {
		return r
	}
	if !c.shown {
		c.shown = true
		err := p.Columns([]byte("ssh/1"), func() []record.Column {
			return []record.Column{{Name: "stream", OID: textOID}, {Name: "data", OID: textOID}}
		})
		if err != nil {
			return err
		}
	}
	row := binary.BigEndian.AppendUint16(make([]byte, 0, len(piece)+len(name)+10), 2)
	row = append(binary.BigEndian.AppendUint32(row, uint32(len(name))), name...)
	row = append(binary.BigEndian.AppendUint32(row, uint32(len(piece))), piece...)
	if err := p.Result(record.AppendRow(nil, row)); err != nil {
		return err
	}
	return c.session.gate.Commit()
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
