package postgres

import (
	"encoding/binary"
	"io"

	"github.com/jackc/pgproto3/v2"
)

// writeAt is how many bytes are gathered before they are written even though more may follow.
const writeAt = 64 << 10

// writer is the send side of the target: it gathers messages and writes them at once.
type writer struct {
	to  io.Writer
	buf []byte
}

func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.to.Write(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > 4*writeAt {
		w.buf = nil
	}
	return err
}

func (w *writer) gathered() error {
	if len(w.buf) < writeAt {
		return nil
	}
	return w.flush()
}

// raw sends a message as it came, header included.
func (w *writer) raw(m []byte) error {
	w.buf = append(w.buf, m...)
	return w.gathered()
}

// encoder is a message of pgproto3. Encoding fails for one that is longer than the protocol can say.
type encoder interface {
	Encode(dst []byte) ([]byte, error)
}

func (w *writer) message(m encoder) error {
	b, err := m.Encode(w.buf)
	if err != nil {
		return err
	}
	w.buf = b
	return w.gathered()
}

// encoded is a row of messages of the gateway's own, all of them short.
func encoded(messages ...encoder) []byte {
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = m.Encode(b); err != nil {
			panic("a message of the gateway's own can't be encoded: " + err.Error())
		}
	}
	return b
}

func (w *writer) query(text string) error {
	return w.message(&pgproto3.Query{String: text})
}

func (w *writer) parse(name, text string, types []uint32) error {
	return w.message(&pgproto3.Parse{Name: name, Query: text, ParameterOIDs: types})
}

func (w *writer) execute(portal string) error {
	return w.message(&pgproto3.Execute{Portal: portal})
}

// bind sends a Bind message's body as it came; it was decoded in full before, so that it can mean nothing else.
func (w *writer) bind(body []byte) error {
	w.buf = append(w.buf, 'B')
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(len(body)+4))
	w.buf = append(w.buf, body...)
	return w.gathered()
}
