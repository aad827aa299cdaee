package sshhost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
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
	word   string
	spared func(lists [][]string) bool // peers without it that are served all the same; nil: none is
	head   []byte                      // nil: nothing to look at any more
}

func requireStrict(c net.Conn, word string) net.Conn {
	return &strictConn{Conn: c, word: word, head: []byte{}}
}

// requireStrictOr also lets a client through that does not speak it, where the ciphers which it will end up with are none of
// those from whose connections packets can be cut: paramiko before 3.4 is one.
func requireStrictOr(c net.Conn, word string, spared func(lists [][]string) bool) net.Conn {
	return &strictConn{Conn: c, word: word, spared: spared, head: []byte{}}
}

func (c *strictConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.head == nil || n == 0 {
		return n, err
	}
	c.head = append(c.head, b[:n]...)
	done, problem := lookForStrict(c.head, c.word, c.spared)
	if problem != nil {
		return 0, problem
	}
	if done {
		c.head = nil
	}
	return n, err
}

// lookForStrict reads what a peer said so far. done says that the first packet came in full and lists the word, or is spared.
func lookForStrict(head []byte, word string, spared func(lists [][]string) bool) (done bool, err error) {
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
	lists, err := nameLists(rest[5 : 4+length-padding])
	if err != nil {
		return false, err
	}
	if !slices.Contains(lists[0], word) && (spared == nil || !spared(lists)) {
		return false, errNotStrict
	}
	return true, nil
}

// Places of lists in a KEXINIT (RFC 4253, section 7.1), of which there are as many as are read.
const (
	ciphersIn, ciphersOut = 2, 3
	macsIn, macsOut       = 4, 5
	listsRead             = 6
)

// nameLists are the first lists of names in a KEXINIT: its number and a cookie of 16 bytes, then each behind its length.
func nameLists(payload []byte) (lists [][]string, err error) {
	const before = 1 + 16
	if len(payload) < before || payload[0] != 20 {
		return nil, errOpening
	}
	for rest := payload[before:]; len(lists) < listsRead; {
		if len(rest) < 4 {
			return nil, fmt.Errorf("%w: %d lists", errOpening, len(lists))
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-4) {
			return nil, fmt.Errorf("%w: a list of %d bytes", errOpening, n)
		}
		lists = append(lists, strings.Split(string(rest[4:4+n]), ","))
		rest = rest[4+n:]
	}
	return lists, nil
}

// withoutCutting tells a client whose first packets nobody can cut out, by what both directions will be encrypted with: the
// first of its ciphers, and of its MACs, that config has too. CVE-2023-48795 needs ChaCha20-Poly1305, or a MAC over what was
// encrypted (EtM).
func withoutCutting(config ssh.Config) func(lists [][]string) bool {
	chosen := func(list, ours []string) string {
		i := slices.IndexFunc(list, func(name string) bool { return slices.Contains(ours, name) })
		if i < 0 {
			return ""
		}
		return list[i]
	}
	return func(lists [][]string) bool {
		for ciphers, macs := range map[int]int{ciphersIn: macsIn, ciphersOut: macsOut} {
			switch chosen(lists[ciphers], config.Ciphers) {
			case ssh.CipherAES128GCM, ssh.CipherAES256GCM:
			case ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR:
				if mac := chosen(lists[macs], config.MACs); mac != ssh.HMACSHA256 && mac != ssh.HMACSHA512 {
					return false
				}
			default:
				return false
			}
		}
		return true
	}
}
