package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// maxRow bounds what is held of one row while its batches come in; longer rows are counted and not shown.
const maxRow = 16 << 20

// rowHeader is the type and the length in front of every row.
const rowHeader = 5

// Cell is one value of a row as it came over the wire. Null says that there is no value.
type Cell struct {
	Value []byte
	Null  bool
}

// rowReader joins the batches of one command and takes rows off them.
type rowReader struct {
	held []byte
	skip int64 // bytes of a row that is too long to hold
}

// errRowTooLong stands for a row that was skipped.
var errRowTooLong = errors.New("row is too long to be shown")

// add takes the next piece, and calls each with every row that is complete with it.
func (r *rowReader) add(piece []byte, each func([]Cell, error) error) error {
	if n := min(r.skip, int64(len(piece))); n > 0 {
		piece, r.skip = piece[n:], r.skip-n
	}
	r.held = append(r.held, piece...)
	used := 0
	defer func() { r.held = append(r.held[:0], r.held[used:]...) }()
	for {
		rest := r.held[used:]
		if len(rest) < rowHeader {
			return nil
		}
		kind, length := rest[0], binary.BigEndian.Uint32(rest[1:])
		if length < 4 {
			return errors.New("result rows are not laid out as rows")
		}
		length -= 4 // it counts itself
		rest = rest[rowHeader:]
		if length > maxRow {
			have := min(int64(length), int64(len(rest)))
			used += rowHeader + int(have)
			r.skip = int64(length) - have
			if err := each(nil, errRowTooLong); err != nil {
				return err
			}
			continue
		}
		if int64(len(rest)) < int64(length) {
			return nil
		}
		used += rowHeader + int(length)
		cells, err := decodeMessage(kind, rest[:length])
		if err := each(cells, err); err != nil {
			return err
		}
	}
}

// decodeMessage takes a row apart. What COPY sends is a row of one value, without its line end.
func decodeMessage(kind byte, body []byte) ([]Cell, error) {
	switch kind {
	case 'D':
		return decodeRow(body)
	case 'd':
		return []Cell{{Value: bytes.TrimSuffix(body, []byte("\n"))}}, nil
	}
	return nil, fmt.Errorf("row of unknown kind %q", kind)
}

// decodeRow takes apart the body of a DataRow message: the number of values, then for each its length (-1: NULL) and
// its bytes.
func decodeRow(body []byte) ([]Cell, error) {
	if len(body) < 2 {
		return nil, errors.New("row is shorter than its count of values")
	}
	count := int(binary.BigEndian.Uint16(body))
	body = body[2:]
	if len(body) < 4*count {
		return nil, fmt.Errorf("row is too short for %d values", count)
	}
	cells := make([]Cell, count)
	for i := range cells {
		if len(body) < 4 {
			return nil, fmt.Errorf("row ends before value %d", i+1)
		}
		length := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		switch {
		case length == -1:
			cells[i].Null = true
		case length < 0 || int(length) > len(body):
			return nil, fmt.Errorf("value %d of row claims %d bytes", i+1, length)
		default:
			cells[i].Value, body = body[:length], body[length:]
		}
	}
	if len(body) != 0 {
		return nil, errors.New("row goes on after its last value")
	}
	return cells, nil
}
