package freetext

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/mask"
)

// Copy looks at the data of one COPY TO STDOUT, which may be cut into messages anywhere.
type Copy struct {
	binary bool
	begun  bool // the header of the binary format has come
	over   bool // and its trailer
	line   bool // the latest byte was a line end
	held   []byte
	stream *mask.Stream // of text that was cut within a row; nil before the first
	begin  func() (*mask.Stream, error)
}

// NewCopy begins with the body of a CopyOutResponse that wire.CheckServer passed. stream is asked for what looks at text
// in pieces.
func NewCopy(response []byte, stream func() (*mask.Stream, error)) *Copy {
	return &Copy{binary: response[0] != 0, begin: stream}
}

// Message looks at a CopyData message or a piece of one, and answers what may go on now. same says that it is the message
// itself, edited in place; else it is messages in a buffer of their own.
func (c *Copy) Message(d Detectors, m wire.Message) (out []byte, same bool, err error) {
	data := m.Raw
	if m.First {
		data = m.Raw[headerLen:]
	}
	if c.binary {
		return c.tuples(d, m, data)
	}
	return c.lines(d, m, data)
}

// End answers what was held back, when the COPY ends well.
func (c *Copy) End() ([]byte, error) {
	if c.binary && (len(c.held) > 0 || !c.over) {
		return nil, fmt.Errorf("%w: COPY data ends within a row", wire.ErrProtocol)
	}
	if c.stream == nil {
		return nil, nil
	}
	return framed(c.stream.Flush(nil)), nil
}

// lines looks at data in text or CSV format. A message holds a row, as PostgreSQL sends it, and is edited in place; what is cut
// otherwise goes through a stream, which sends on what is settled. A row ends where a message does behind a line end.
func (c *Copy) lines(d Detectors, m wire.Message, data []byte) (out []byte, same bool, err error) {
	if len(data) > 0 {
		c.line = data[len(data)-1] == '\n'
	}
	ends := m.Last && c.line
	if m.First && ends && (c.stream == nil || c.stream.Idle()) {
		left, _ := d.Apply(data, mask.Piece)
		return reframed(m.Raw, len(left)), true, nil
	}
	if c.stream == nil {
		if c.stream, err = c.begin(); err != nil {
			return nil, false, err
		}
	}
	out = c.stream.Write(nil, data)
	if ends {
		out = c.stream.Flush(out)
	}
	return framed(out), false, nil
}

// reframed is a CopyData message whose data became n bytes long.
func reframed(raw []byte, n int) []byte {
	binary.BigEndian.PutUint32(raw[1:], uint32(n+4))
	return raw[:headerLen+n]
}

// framed is a CopyData message of data, nil of none.
func framed(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint32([]byte{'d'}, uint32(len(data)+4)), data...)
}

// tuples looks at data in binary format, whose columns nobody announces: values are told by their bytes. A message holds a row,
// as PostgreSQL sends it, and is edited in place; what is cut otherwise is held until its end has come.
func (c *Copy) tuples(d Detectors, m wire.Message, data []byte) (out []byte, same bool, err error) {
	whole := m.First && m.Last && len(c.held) == 0
	if !whole {
		if len(c.held)+len(data) > MaxHeld {
			return nil, false, ErrTooLong
		}
		c.held = append(c.held, data...)
		data = c.held
	}
	e := editor{d: d, b: data}
	for {
		n, err := c.next(data[e.r:])
		if err != nil {
			return nil, false, err
		}
		if n == 0 {
			break
		}
		if err := c.edit(&e, n); err != nil {
			return nil, false, err
		}
	}
	rest := data[e.r:]
	if whole && len(rest) == 0 {
		return reframed(m.Raw, e.w), true, nil
	}
	if e.r == 0 && !whole {
		return nil, false, nil
	}
	out = framed(data[:e.w])
	c.held = bytes.Clone(rest)
	return out, false, nil
}

const (
	copySignature = "PGCOPY\n\xff\r\n\x00"
	copyHeader    = len(copySignature) + 8 // flags, and the length of what extends the header
)

// next is how long the header, row or trailer is that data begins with, 0 where it is not all there.
func (c *Copy) next(data []byte) (int, error) {
	switch {
	case len(data) == 0:
		return 0, nil
	case c.over:
		return 0, fmt.Errorf("%w: COPY data behind its trailer", wire.ErrProtocol)
	case !c.begun:
		return copyBegins(data)
	case len(data) < 2:
		return 0, nil
	}
	columns := int(int16(binary.BigEndian.Uint16(data)))
	if columns < -1 {
		return 0, fmt.Errorf("%w: a COPY row of %d values", wire.ErrProtocol, columns)
	}
	at := 2
	for range columns {
		if len(data)-at < 4 {
			return 0, nil
		}
		size := int(int32(binary.BigEndian.Uint32(data[at:])))
		if size < -1 {
			return 0, fmt.Errorf("%w: a COPY value of %d bytes", wire.ErrProtocol, size)
		}
		if at += 4; size > len(data)-at {
			return 0, nil
		}
		at += max(size, 0)
	}
	return at, nil
}

// copyBegins is how long the header is. A flag that changes the layout of rows is refused.
func copyBegins(data []byte) (int, error) {
	if n := min(len(data), len(copySignature)); string(data[:n]) != copySignature[:n] {
		return 0, fmt.Errorf("%w: COPY data without its signature", wire.ErrProtocol)
	}
	if len(data) < copyHeader {
		return 0, nil
	}
	flags, extends := binary.BigEndian.Uint32(data[len(copySignature):]), binary.BigEndian.Uint32(data[len(copySignature)+4:])
	if flags>>16 != 0 || extends > MaxHeld {
		return 0, fmt.Errorf("%w: COPY data of an unknown layout", wire.ErrProtocol)
	}
	if len(data)-copyHeader < int(extends) {
		return 0, nil
	}
	return copyHeader + int(extends), nil
}

// edit looks at the n bytes of a header, row or trailer.
func (c *Copy) edit(e *editor, n int) error {
	end := e.r + n
	switch {
	case !c.begun:
		c.begun = true
		e.keep(n)
		return nil
	case int16(binary.BigEndian.Uint16(e.b[e.r:])) == -1:
		c.over = true
	}
	e.keep(2)
	for e.r < end {
		if _, err := e.value(unknownValue); err != nil {
			return err
		}
	}
	return nil
}
