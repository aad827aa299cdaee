package freetext

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
)

// MaxHeld bounds, in bytes, a row that detectors look at: it is held until its end has come.
const MaxHeld = 16 << 20

// ErrTooLong says that a row is longer than MaxHeld.
var ErrTooLong = errors.New("a row is too long to be looked at")

// headerLen is the type and the length in front of a message's body.
const headerLen = 5

// Row has detectors look at a DataRow that wire.CheckServer passed, header included, and answers what is left of it: in the
// same place, and never longer.
func Row(d Detectors, kinds []Kind, raw []byte) ([]byte, error) {
	if n := int(binary.BigEndian.Uint16(raw[headerLen:])); n != len(kinds) {
		return nil, fmt.Errorf("%w: a row of %d values does not have the columns that were announced", wire.ErrProtocol, n)
	}
	e := editor{d: d, b: raw}
	e.keep(headerLen + 2)
	for _, kind := range kinds {
		if _, err := e.value(kind); err != nil {
			return nil, err
		}
	}
	binary.BigEndian.PutUint32(raw[1:], uint32(e.w-1))
	return raw[:e.w], nil
}

// Held joins the pieces of a message that came in several. It answers the whole once the last is there.
type Held struct{ bytes []byte }

// Add takes the next piece.
func (h *Held) Add(m wire.Message) (whole []byte, err error) {
	if len(h.bytes)+len(m.Raw) > MaxHeld {
		return nil, ErrTooLong
	}
	h.bytes = append(h.bytes, m.Raw...)
	if !m.Last {
		return nil, nil
	}
	whole, h.bytes = h.bytes, nil
	return whole, wire.CheckServer(wire.Message{Type: m.Type, Raw: whole, First: true, Last: true})
}
