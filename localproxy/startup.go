package localproxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Codes that stand where a startup message has its protocol version.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
)

const (
	maxStartup  = 10_000 // as in the server
	maxResponse = 2_048  // a SASL message of a client
)

// errProtocol says that a local program does not speak the protocol.
var errProtocol = errors.New("protocol violation")

// packet is one message of the startup phase, which has no type byte.
type packet struct {
	raw  []byte // with its length
	code uint32
}

func (p packet) body() []byte { return p.raw[8:] }

// readPacket reads one packet and not a byte more.
func readPacket(r io.Reader) (packet, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return packet{}, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n < 8 || n > maxStartup {
		return packet{}, fmt.Errorf("%w: a startup packet of %d bytes", errProtocol, n)
	}
	raw := make([]byte, n)
	copy(raw, head[:])
	if _, err := io.ReadFull(r, raw[8:]); err != nil {
		return packet{}, err
	}
	return packet{raw: raw, code: binary.BigEndian.Uint32(raw[4:8])}, nil
}

// database finds the database that a startup message asks for. It is empty when the message names none.
func (p packet) database() (string, error) {
	if p.code>>16 != 3 {
		return "", fmt.Errorf("%w: protocol version %d.%d", errProtocol, p.code>>16, p.code&0xffff)
	}
	var database string
	err := p.parameters(func(name, value string) {
		if name == "database" {
			database = value // the last one counts, as in the server
		}
	})
	return database, err
}

// parameters calls f with each parameter of a startup message, in order.
func (p packet) parameters(f func(name, value string)) error {
	rest := p.body()
	for {
		name, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return fmt.Errorf("%w: a startup parameter without an end", errProtocol)
		}
		if len(name) == 0 {
			if len(after) != 0 {
				return fmt.Errorf("%w: %d bytes behind the startup parameters", errProtocol, len(after))
			}
			return nil
		}
		value, after, ok := bytes.Cut(after, []byte{0})
		if !ok {
			return fmt.Errorf("%w: a startup parameter without a value", errProtocol)
		}
		f(string(name), string(value))
		rest = after
	}
}

// readResponse reads the body of one 'p' message, the only type that a client may send while it signs in.
func readResponse(r io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if head[0] != 'p' || n < 4 || n > maxResponse {
		return nil, fmt.Errorf("%w: message %q of %d bytes while signing in", errProtocol, head[0], n)
	}
	body := make([]byte, n-4)
	_, err := io.ReadFull(r, body)
	return body, err
}
