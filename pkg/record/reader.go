package record

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// DamageError says that a recording does not hold together. Frame is the first bad frame; 0 means the file header.
type DamageError struct {
	Frame uint64
	Why   string
}

// Error names the frame.
func (e *DamageError) Error() string {
	return fmt.Sprintf("recording is damaged at frame %d: %s", e.Frame, e.Why)
}

// TornError says that a recording ends inside a frame, as it does when the machine died while it was written.
type TornError struct {
	Frame uint64 // the frame that is not whole
}

// Error names the frame.
func (e *TornError) Error() string { return fmt.Sprintf("recording ends inside frame %d", e.Frame) }

// Reader reads a recording from its beginning and checks the chain as it goes; it does not check signatures, Verify
// does. It holds one frame at a time.
type Reader struct {
	src    *bufio.Reader
	head   [headerSize]byte
	body   []byte
	sum    hash.Hash
	seq    uint64
	hash   [32]byte
	end    int64 // of the last whole frame
	header Header
	first  *Event
	sealed bool
	err    error
}

// NewReader reads the file header and the first frame.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{src: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), hash: chainStart()}
	start := make([]byte, len(fileHeader))
	if _, err := io.ReadFull(d.src, start); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, &DamageError{Why: "the file is shorter than a file header"}
		}
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if string(start) != fileHeader {
		return nil, &DamageError{Why: "the file header is not that of a recording of version 1"}
	}
	d.end = int64(len(fileHeader))
	first, err := d.next()
	if errors.Is(err, io.EOF) {
		err = &TornError{Frame: 1}
	}
	if err != nil {
		return nil, err
	}
	if first.Type != TypeHeader {
		return nil, &DamageError{Frame: 1, Why: "the first frame is no header"}
	}
	if err := json.Unmarshal(first.Body, &d.header); err != nil {
		return nil, &DamageError{Frame: 1, Why: "the header is no JSON object of the right form"}
	}
	d.first = &first
	return d, nil
}

// Header is what the recording says of itself.
func (d *Reader) Header() Header { return d.header }

// Sealed says whether the last frame that was read is the seal, with which a recording ends.
func (d *Reader) Sealed() bool { return d.sealed }

// waits says whether reading on may have to wait for the source.
func (d *Reader) waits() bool { return d.src.Buffered() == 0 }

// Next reads the next frame, beginning with the header's. It returns io.EOF at the end of the file, a *TornError where
// the file ends inside a frame, a *DamageError where the chain does not hold, and the same error ever after.
func (d *Reader) Next() (Event, error) {
	if d.first != nil {
		e := *d.first
		d.first = nil
		return e, nil
	}
	if d.err != nil {
		return Event{}, d.err
	}
	e, err := d.next()
	d.err = err
	return e, err
}

func (d *Reader) next() (Event, error) {
	seq := d.seq + 1
	if err := d.fill(d.head[:]); err != nil {
		return Event{}, d.ending(err, seq)
	}
	var h frameHeader
	if !h.get(d.head[:]) {
		return Event{}, &DamageError{Frame: seq, Why: "the checksum of its header does not fit"}
	}
	if h.seq != seq {
		return Event{}, &DamageError{Frame: seq, Why: fmt.Sprintf("frame %d stands in its place", h.seq)}
	}
	if h.length > MaxBody {
		return Event{}, &DamageError{Frame: seq, Why: fmt.Sprintf("it claims %d bytes, %d are allowed", h.length, MaxBody)}
	}
	if h.typ == TypeHeader && seq != 1 {
		return Event{}, &DamageError{Frame: seq, Why: "a second header"}
	}
	if err := d.readBody(int(h.length)); err != nil {
		return Event{}, d.ending(inside(err), seq)
	}
	var stored [hashSize]byte
	if err := d.fill(stored[:]); err != nil {
		return Event{}, d.ending(inside(err), seq)
	}
	d.sum.Reset()
	d.sum.Write(d.hash[:])
	d.sum.Write(d.head[:])
	d.sum.Write(d.body)
	var hash [hashSize]byte
	d.sum.Sum(hash[:0])
	if hash != stored {
		return Event{}, &DamageError{Frame: seq, Why: "its content does not fit the hash chain"}
	}
	d.seq, d.hash, d.sealed = seq, hash, h.typ == TypeSeal
	d.end += int64(headerSize + len(d.body) + hashSize)
	return Event{
		Seq: seq, Elapsed: time.Duration(h.elapsed), Time: time.Unix(0, h.wall).UTC(), Type: h.typ, Body: d.body, Hash: hash,
	}, nil
}

// readBody reads n bytes in steps that grow with what has really come, so that a claim alone takes no memory.
func (d *Reader) readBody(n int) error {
	d.body = d.body[:0]
	for len(d.body) < n {
		have := len(d.body)
		step := min(n-have, max(have, 64<<10))
		if cap(d.body) < have+step {
			d.body = append(make([]byte, 0, have+step), d.body...)
		}
		d.body = d.body[:have+step]
		if err := d.fill(d.body[have:]); err != nil {
			return inside(err)
		}
	}
	return nil
}

func (d *Reader) fill(b []byte) error {
	_, err := io.ReadFull(d.src, b)
	return err
}

// inside turns an end of the file that is no end of a frame into what it is.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (d *Reader) ending(err error, seq uint64) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &TornError{Frame: seq}
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return fmt.Errorf("read recording: %w", err)
	}
}
