package guard

import (
	"context"
	"fmt"
	"reflect"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Stands is for a command in which more is asked for as long as it runs: a forwarded connection, a shell, a watch. It takes
// the verdict anew, and nothing stands whose recording failed. Nothing more may pass, either way, after an error.
func (p *Pass) Stands(ctx context.Context) error {
	if p == nil || p.session == nil {
		return ErrNoPass
	}
	if err := p.session.Commit(); err != nil {
		return fmt.Errorf("commit the recording: %w", err)
	}
	return p.Verdict(ctx)
}

// Verdict takes the verdict anew where the policy is another one than when it was asked last. It is enough before the first piece of a
// result, while there is nothing to keep that was not kept when the command was sent. Nothing more may pass after an error.
func (p *Pass) Verdict(ctx context.Context) error {
	if p == nil || p.session == nil {
		return ErrNoPass
	}
	now := p.session.Standing()
	p.stoodMu.Lock()
	defer p.stoodMu.Unlock()
	if now != nil && now == p.stood {
		return nil
	}
	if err := p.session.Again(ctx, p); err != nil {
		return err
	}
	if p.standing != nil && now != nil && !reflect.DeepEqual(p.standing.Masks, now.Masks) {
		return p.session.refuse(ctx, p, denied(policy.Decision{Rule: "masks", Message: "The policy changed while the command ran: other masks hold for its results now."}))
	}
	p.stood = now
	return nil
}

// Standing is what the policy that admitted the command says before any command.
func (p *Pass) Standing() *Standing { return p.standing }

// Look has detectors look at a stream that comes in pieces. The nil Look passes them on.
type Look struct {
	scan   *Scan
	screen *mask.Screen
}

// NewLook looks for what s finds; nil where that is nothing.
func NewLook(s *Scan) (*Look, error) {
	if s == nil {
		return nil, nil
	}
	l := &Look{scan: s}
	err := s.Over(func(Detectors) (err error) {
		l.screen, err = s.Screen()
		return err
	})
	return l, err
}

// Piece appends to dst what of the stream can be shown with the next piece; all that is left with the last one.
func (l *Look) Piece(dst, piece []byte, last bool) ([]byte, error) {
	if l == nil {
		return append(dst, piece...), nil
	}
	err := l.scan.Over(func(Detectors) error {
		dst = l.screen.Write(dst, piece)
		if last {
			dst = l.screen.Flush(dst)
		}
		return nil
	})
	return dst, err
}

// Typed tells a terminal's Look what was typed, which its screen shows again.
func (l *Look) Typed(piece []byte) {
	if l != nil {
		l.screen.Typed(piece)
	}
}
