package websocket

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// step is how much is read at once, so that memory grows with what came and not with what a length promises.
const step = 32 << 10

// Reader reads what one side sends. Use either Next or Message.
type Reader struct {
	r       *bufio.Reader
	from    Side
	order   order
	payload []byte // of the frame that was read last
	message []byte // of the message whose fragments are coming
	err     error
}

// NewReader reads the frames of a side.
func NewReader(r *bufio.Reader, from Side) *Reader { return &Reader{r: r, from: from} }

// Next reads one frame; its payload is unmasked, and valid until the next call. A frame has 1 MiB at most, and the text of a message
// is checked across its fragments. *Error means that the peer broke the rules, io.EOF that it sent Close, or went between two
// messages, io.ErrUnexpectedEOF that it went within one. An error stays: nothing is read behind it.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	f, err := r.next()
	if err != nil {
		r.err = err
		return Frame{}, err
	}
	return f, nil
}

func (r *Reader) next() (Frame, error) {
	if r.order.closed {
		return Frame{}, io.EOF
	}
	var head [14]byte
	if _, err := io.ReadFull(r.r, head[:2]); err != nil {
		if errors.Is(err, io.EOF) && r.order.open != 0 {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	f := Frame{Opcode: Opcode(head[0] & 15), Fin: head[0]&0x80 != 0}
	masked := head[1]&0x80 != 0
	switch {
	case head[0]&0x70 != 0:
		return Frame{}, wrong("reserved bits are set, and no extension was agreed on")
	case r.from == Client && !masked:
		return Frame{}, wrong("a client's frame is not masked")
	case r.from == Server && masked:
		return Frame{}, wrong("a server's frame is masked")
	case r.from != Client && r.from != Server:
		return Frame{}, wrong("frames of neither side are read")
	}
	length, err := r.length(head[1] & 127)
	if err != nil {
		return Frame{}, err
	}
	if err := r.order.head(f.Opcode, f.Fin, length); err != nil {
		return Frame{}, err
	}
	if err := r.fill(int(length), masked); err != nil {
		return Frame{}, err
	}
	f.Payload = r.payload
	if err := r.order.take(f); err != nil {
		return Frame{}, err
	}
	return f, nil
}

// length reads the rest of a length, which has to be written in the fewest bytes that hold it (section 5.2).
func (r *Reader) length(short byte) (uint64, error) {
	var wide [8]byte
	switch short {
	case 126:
		if err := r.full(wide[6:]); err != nil {
			return 0, err
		}
	case 127:
		if err := r.full(wide[:]); err != nil {
			return 0, err
		}
	default:
		return uint64(short), nil
	}
	n := binary.BigEndian.Uint64(wide[:])
	if short == 126 && n < 126 || short == 127 && n < 1<<16 || n >= 1<<63 {
		return 0, wrong("a length is not written in the fewest bytes")
	}
	return n, nil
}

// fill reads the masking key and the payload.
func (r *Reader) fill(length int, masked bool) error {
	var key [4]byte
	if masked {
		if err := r.full(key[:]); err != nil {
			return err
		}
	}
	r.payload = spare(r.payload)
	for len(r.payload) < length {
		start := len(r.payload)
		n := min(step, length-start)
		if cap(r.payload) < start+n {
			r.payload = append(make([]byte, 0, min(max(2*start, start+n), length)), r.payload...)
		}
		r.payload = r.payload[:start+n]
		if err := r.full(r.payload[start:]); err != nil {
			return err
		}
	}
	if masked {
		mask(r.payload, key)
	}
	return nil
}

func (r *Reader) full(p []byte) error {
	_, err := io.ReadFull(r.r, p)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Message reads a whole message, of 1 MiB at most, or a control frame that stands before its end. Its payload is valid until the next
// call. Errors are those of Next.
func (r *Reader) Message() (Frame, error) {
	if r.order.open == 0 {
		r.message = spare(r.message)
	}
	for {
		op := r.order.open
		f, err := r.Next()
		if err != nil || f.Opcode.Control() {
			return f, err
		}
		if f.Opcode != Continuation {
			op = f.Opcode
		}
		if f.Fin && f.Opcode != Continuation {
			return f, nil
		}
		if len(r.message)+len(f.Payload) > MaxPayload {
			r.err = &Error{Code: TooBig, Reason: "a message is longer than 1 MiB"}
			return Frame{}, r.err
		}
		r.message = append(r.message, f.Payload...)
		if f.Fin {
			return Frame{Opcode: op, Fin: true, Payload: r.message}, nil
		}
	}
}

// spare answers an empty slice that reuses p's memory, unless it is large: one large message does not hold its memory for hours.
func spare(p []byte) []byte {
	if cap(p) > 2*step {
		return nil
	}
	return p[:0]
}

// mask masks or unmasks (section 5.3).
func mask(p []byte, key [4]byte) {
	wide := uint64(binary.LittleEndian.Uint32(key[:]))
	wide |= wide << 32
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= key[i&3]
	}
}
