package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

const (
	pieceSize = 64 << 10 // what is read of a body at once
	wholeSize = 64 << 10 // a filtered body up to this size is sent with its length
)

// errUnseen says that an answer can't be looked at, so that nothing more of it is shown.
var errUnseen = errors.New("the answer can't be looked at")

// delivery is one answer on its way to the client.
type delivery struct {
	session *Session
	pass    *guard.Pass
	kept    *cast.Stream
	shown   Shown
	status  int
	framing *framing
	bytes   int64
}

// carry brings an answer to the client: through its filter, counted, recorded, and then written.
func (s *Session) carry(ctx context.Context, q *Request, pass *guard.Pass, a *http1.Answer, shown Shown, v *vigil) error {
	defer v.stop()
	kept, err := pass.Stream(headOf(a.Status, shown.Fields))
	if err != nil {
		return err
	}
	d := &delivery{session: s, pass: pass, kept: kept, shown: shown, status: a.Status}
	err = d.bring(ctx, q, a)
	exit, outcome := record.Exit{}, guard.Outcome{Tag: strconv.Itoa(a.Status), Bytes: d.bytes}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		s.target.drop()
		exit.Error = wordFor(err)
		outcome.Error = exit.Error
	} else if a.Close {
		s.target.drop()
	}
	if failed := kept.Close(exit); failed != nil {
		s.log.Error("end of an answer not recorded", "error", failed)
	}
	s.finish(pass, outcome)
	if err == nil || d.framing.begun {
		return err
	}
	v.stop()
	return s.instead(q, err)
}

// instead answers in the place of an answer of which nothing was shown yet.
func (s *Session) instead(q *Request, err error) error {
	var refused *guard.Refusal
	switch {
	case errors.As(err, &refused):
		return s.reply(q, s.protocol.Refuse(refused))
	case errors.Is(err, errUnseen):
		s.log.Warn("answer withheld", "error", err)
		return s.fail(q, withheld())
	case errors.Is(err, errBroken):
		return s.fail(q, brokeOff())
	}
	return err
}

// wordFor says why an answer ended early, without what the error may hold of it.
func wordFor(err error) string {
	var refused *guard.Refusal
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.Is(err, errLeft):
		return "the client left"
	case errors.Is(err, errBroken):
		return "the target broke off"
	case errors.Is(err, errUnseen):
		return "withheld"
	}
	return "the session ended"
}

// bring reads the body piece by piece. Nothing of the answer is written before the first piece may be.
func (d *delivery) bring(ctx context.Context, q *Request, a *http1.Answer) error {
	t := d.session.target
	coding, err := codingOf(a)
	d.framing = frame(q, a, d.shown, coding != "")
	if err != nil {
		return fmt.Errorf("%w: %w", errUnseen, err)
	}
	over := d.framing.bare || a.Length == 0
	if over || a.Length < 0 && t.reader.Buffered() == 0 { // the first piece may take long, and clients wait for the head
		if err := d.deliver(ctx, nil, over); err != nil || over {
			return err
		}
	}
	content := t.body(a)
	if coding != "" {
		if content, err = body.Decompress(coding, content, body.Limits{}); err != nil {
			return fmt.Errorf("%w: %w", errUnseen, err)
		}
	} else if d.shown.Filter != nil && a.Length > 0 && a.Length <= wholeSize {
		return d.whole(ctx, content, int(a.Length))
	}
	return d.pieces(ctx, content)
}

// pieces brings a body as it comes.
func (d *delivery) pieces(ctx context.Context, content io.Reader) error {
	d.session.room = room(d.session.room, 2*pieceSize)
	in, out := d.session.room[:pieceSize], d.session.room[pieceSize:pieceSize]
	for {
		n, err := d.session.target.fill(content, in)
		over := errors.Is(err, io.EOF)
		if err != nil && !over {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		piece := in[:n]
		if d.shown.Filter != nil {
			if out, err = d.filter(out[:0], piece, over); err != nil {
				return err
			}
			piece = out
		}
		if err := d.deliver(ctx, piece, over); err != nil || over {
			return err
		}
	}
}

// whole filters a short body at once, so that the client learns its length.
func (d *delivery) whole(ctx context.Context, content io.Reader, length int) error {
	d.session.room = room(d.session.room, 2*wholeSize)
	all, out := d.session.room[:length], d.session.room[wholeSize:wholeSize]
	if _, err := io.ReadFull(content, all); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	piece, err := d.filter(out, all, true)
	if err != nil {
		return err
	}
	d.framing.length = int64(len(piece))
	return d.deliver(ctx, piece, true)
}

func (d *delivery) filter(dst, piece []byte, over bool) ([]byte, error) {
	return through(d.shown.Filter, dst, piece, over)
}

// through appends to dst what comes out of a filter.
func through(f Filter, dst, piece []byte, over bool) ([]byte, error) {
	dst, err := f.Write(dst, piece)
	if err == nil && over {
		dst, err = f.Close(dst)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnseen, err)
	}
	return dst, nil
}

// deliver counts and records a piece before the client gets it.
func (d *delivery) deliver(ctx context.Context, piece []byte, over bool) error {
	stands := d.pass.Stands
	if d.bytes == 0 {
		stands = d.pass.Verdict
	}
	if err := stands(ctx); err != nil {
		return err
	}
	if len(piece) > 0 {
		if r := d.pass.Piece(len(piece)); r != nil {
			return r
		}
		d.bytes += int64(len(piece))
	}
	if err := d.record(piece, over); err != nil {
		return err
	}
	return d.write(piece, over)
}

// record records a piece, or what may be kept of it.
func (d *delivery) record(piece []byte, over bool) (err error) {
	if d.shown.Kept != nil {
		if piece, err = through(d.shown.Kept, nil, piece, over); err != nil {
			return err
		}
	}
	if len(piece) == 0 {
		return nil
	}
	if over {
		return d.kept.Last(piece)
	}
	return d.kept.Output(piece)
}

// write writes a piece in its frame, behind the head where that is still to come.
func (d *delivery) write(piece []byte, over bool) error {
	s := d.session
	s.out = d.framing.append(s.out[:0], d.status, d.shown.Fields, piece, over)
	if len(s.out) == 0 {
		return nil
	}
	if _, err := s.client.conn.Write(s.out); err != nil {
		return errLeft
	}
	return nil
}

func room(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
