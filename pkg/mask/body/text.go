package body

import (
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// textStage has detectors look at text that comes in pieces.
type textStage struct{ stream *mask.Stream }

// newText is nil where there are no detectors.
func newText(d Detectors) (stage, error) {
	if d == nil {
		return nil, nil
	}
	set, ok := d.(*mask.Set)
	if !ok {
		return nil, fmt.Errorf("%w: the detectors can't look at text in pieces", ErrType)
	}
	return textStage{mask.NewStream(set)}, nil
}

func (t textStage) write(dst, p []byte) ([]byte, error) { return t.stream.Write(dst, p), nil }
func (t textStage) close(dst []byte) ([]byte, error)    { return t.stream.Flush(dst), nil }

// asset lets a body pass, to another stage where there is one, when its first bytes do not look like data that is called something
// else.
type asset struct {
	then   stage
	head   []byte // the first bytes, until they are enough
	enough int    // how many that are; 0: maxHead
	seen   bool
}

const (
	// maxHead is how many bytes of a body are enough to see whether it looks like data, behind comments and the name of a call.
	maxHead = 512
	// maxPreface is how long comments and names are waited for: longer than whoever asks can make them by a query.
	maxPreface = 64 << 10
)

func (a *asset) write(dst, p []byte) (out []byte, err error) {
	for !a.seen && len(p) > 0 {
		if len(a.head) == 0 { // however much white space comes first
			n := len(p) - len(blank(p))
			if dst, err = a.pass(dst, p[:n]); err != nil {
				return dst, err
			}
			p = p[n:]
		}
		a.enough = max(a.enough, maxHead)
		n := min(a.enough-len(a.head), len(p))
		a.head, p = append(a.head, p[:n]...), p[n:]
		if len(a.head) < a.enough {
			return dst, nil
		}
		if before := len(a.head) - len(behindName(behindComments(a.head))); len(a.head) < maxPreface && len(a.head)-before < maxHead {
			if a.enough = before + maxHead; before == len(a.head) {
				a.enough = 2 * before
			}
			continue
		}
		if dst, err = a.see(dst); err != nil {
			return dst, err
		}
	}
	return a.pass(dst, p)
}

func (a *asset) close(dst []byte) (out []byte, err error) {
	if !a.seen {
		if dst, err = a.see(dst); err != nil {
			return dst, err
		}
	}
	if a.then != nil {
		return a.then.close(dst)
	}
	return dst, nil
}

func (a *asset) see(dst []byte) ([]byte, error) {
	if data(a.head) {
		return dst, fmt.Errorf("%w: it looks like data that is called something else", ErrMalformed)
	}
	a.seen = true
	dst, err := a.pass(dst, a.head)
	a.head = nil
	return dst, err
}

func (a *asset) pass(dst, p []byte) ([]byte, error) {
	if a.then == nil {
		return append(dst, p...), nil
	}
	return a.then.write(dst, p)
}
