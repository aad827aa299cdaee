package sshhost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// What a side lists among its key exchanges to say that it speaks strict key exchange, without which packets can be cut out
// of the beginning of a connection (CVE-2023-48795).
// https://www.openssh.com/txt/release-9.6
const (
	strictClient = "kex-strict-c-v00@openssh.com"
	strictServer = "kex-strict-s-v00@openssh.com"
)

// Bounds of what a peer may say before its first packet, and of that packet.
const (
	maxBanner  = 8 << 10
	maxKexInit = 35_000 // RFC 4253, section 6.1
)

// errNotStrict refuses a peer without strict key exchange.
var errNotStrict = errors.New("the peer does not speak strict key exchange (CVE-2023-48795)")

// errOpening refuses a peer whose first words are not SSH's.
var errOpening = errors.New("the peer does not begin as SSH does")

// strictConn looks at the peer's first packet, which comes in clear and which the key exchange signs, and lets no byte
// behind it through unless it says that the peer speaks strict key exchange. The library speaks it but does not ask for it.
type strictConn struct {
	net.Conn
	word string
	head []byte // nil: nothing to look at any more
}

func requireStrict(c net.Conn, word string) net.Conn {
	return &strictConn{Conn: c, word: word, head: []byte{}}
}

func (c *strictConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.head == nil || n == 0 {
		return n, err
	}
	c.head = append(c.head, b[:n]...)
	done, problem := lookForStrict(c.head, c.word)
	if problem != nil {
		return 0, problem
	}
	if done {
		c.head = nil
	}
	return n, err
}

// lookForStrict reads what a peer said so far. done says that the first packet came in full and lists the word.
func lookForStrict(head []byte, word string) (done bool, err error) {
	rest := head
	for {
		line, behind, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			if len(head) > maxBanner {
				return false, errOpening
			}
			return false, nil
		}
		rest = behind
		if bytes.HasPrefix(line, []byte("SSH-")) {
			break
		}
		if len(head)-len(rest) > maxBanner {
			return false, errOpening
		}
	}
	if len(rest) < 5 {
		return false, nil
	}
	length, padding := binary.BigEndian.Uint32(rest), uint32(rest[4])
	if length > maxKexInit || length < padding+1 {
		return false, errOpening
	}
	if uint32(len(rest)-4) < length {
		return false, nil
	}
	names, err := keyExchanges(rest[5 : 4+length-padding])
	if err != nil {
		return false, err
	}
	if !slices.Contains(names, word) {
		return false, errNotStrict
	}
	return true, nil
}

// keyExchanges are the names in a KEXINIT: its number, a cookie of 16 bytes, then the list behind its length (RFC 4253,
// section 7.1).
func keyExchanges(payload []byte) ([]string, error) {
	const before = 1 + 16
	if len(payload) < before+4 || payload[0] != 20 {
		return nil, errOpening
	}
	n := binary.BigEndian.Uint32(payload[before:])
	list := payload[before+4:]
	if uint64(n) > uint64(len(list)) {
		return nil, fmt.Errorf("%w: a list of %d bytes", errOpening, n)
	}
	return strings.Split(string(list[:n]), ","), nil
}
