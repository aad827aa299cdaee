package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What the first message of a connection asks for, by its code.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104
	// maxStartup is the longest first message that PostgreSQL itself takes, in bytes.
	maxStartup = 10000
	majorThree = 3
)

// ErrVersion is a violation of the protocol by a client of another version of it.
var ErrVersion = fmt.Errorf("%w: its version is not served", ErrProtocol)

// Startup is the first message of a connection: either a request for a session or, with Cancel, one to cancel a
// statement of another.
type Startup struct {
	Minor      uint16
	Parameters map[string]string
	Options    []string // names of protocol options (_pq_.…) that were asked for
	Cancel     bool
	Process    uint32
	Secret     uint32
}

// ReadStartup reads the first message of a connection from a client that was authenticated by other means. TLS and GSS
// encryption are answered N, once each: the tunnel is what encrypts.
func ReadStartup(rw io.ReadWriter) (Startup, error) {
	asked := map[uint32]bool{}
	for {
		code, rest, err := readFirst(rw)
		if err != nil {
			return Startup{}, err
		}
		switch {
		case code == codeSSL || code == codeGSS:
			if asked[code] || len(rest) != 0 {
				return Startup{}, fmt.Errorf("%w: encryption asked for twice", ErrProtocol)
			}
			asked[code] = true
			if _, err := rw.Write([]byte{'N'}); err != nil {
				return Startup{}, err
			}
		case code == codeCancel:
			if len(rest) != 8 {
				return Startup{}, fmt.Errorf("%w: malformed CancelRequest", ErrProtocol)
			}
			return Startup{Cancel: true, Process: binary.BigEndian.Uint32(rest), Secret: binary.BigEndian.Uint32(rest[4:])}, nil
		case code>>16 == majorThree:
			return decodeStartup(uint16(code), rest)
		default:
			return Startup{}, fmt.Errorf("%w: %d.%d, and only 3.0 is", ErrVersion, code>>16, code&0xffff)
		}
	}
}

func readFirst(r io.Reader) (code uint32, rest []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:4])
	if n < 8 || n > maxStartup {
		return 0, nil, fmt.Errorf("%w: first message announces %d bytes", ErrProtocol, n)
	}
	rest = make([]byte, n-8)
	if _, err := io.ReadFull(r, rest); err != nil {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(head[4:]), rest, nil
}

func decodeStartup(minor uint16, rest []byte) (Startup, error) {
	s := Startup{Minor: minor, Parameters: map[string]string{}}
	b := body{left: rest}
	for {
		name := b.string()
		if name == "" {
			break
		}
		value := b.string()
		if _, twice := s.Parameters[name]; twice {
			b.fail()
		}
		if len(name) > 5 && name[:5] == "_pq_." {
			s.Options = append(s.Options, name)
			continue
		}
		s.Parameters[name] = value
	}
	return s, b.end("startup")
}
