// Package sftp serves files on hosts: it is the SFTP server of the client and an SFTP client of the host's own server. What
// reaches the host are requests that it builds itself, with paths in which no link is left, after the guard has admitted them.
//
// The protocol is version 3 (draft-ietf-secsh-filexfer-02) with extensions of OpenSSH (PROTOCOL, section 4).
package sftp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The numbers of packets (draft-ietf-secsh-filexfer-02, section 3).
const (
	typeInit          = 1
	typeVersion       = 2
	typeOpen          = 3
	typeClose         = 4
	typeRead          = 5
	typeWrite         = 6
	typeLstat         = 7
	typeFstat         = 8
	typeSetstat       = 9
	typeFsetstat      = 10
	typeOpendir       = 11
	typeReaddir       = 12
	typeRemove        = 13
	typeMkdir         = 14
	typeRmdir         = 15
	typeRealpath      = 16
	typeStat          = 17
	typeRename        = 18
	typeReadlink      = 19
	typeSymlink       = 20
	typeStatus        = 101
	typeHandle        = 102
	typeData          = 103
	typeName          = 104
	typeAttrs         = 105
	typeExtended      = 200
	typeExtendedReply = 201
)

// version is the only one that OpenSSH speaks.
const version = 3

// Bounds of what both sides may send. They are those of OpenSSH.
const (
	maxPacket = 256 << 10 // without the length before it
	maxData   = maxPacket - 1024
	maxPath   = 4096
	maxHandle = 256
)

// headRoom is kept free before a packet that was read, so that it can be given a longer head where it stands.
const headRoom = 4 + 1 + 4 + 4 + maxHandle + 8 + 4

var errPacket = errors.New("malformed packet")

// packets reads packets into one buffer, which the next one overwrites.
type packets struct {
	r   *bufio.Reader
	buf []byte
}

func readPackets(r io.Reader) *packets {
	return &packets{r: bufio.NewReaderSize(r, 64<<10)}
}

// next reads a packet and answers it from its type on. Nothing is allocated before its length was found to be allowed, and
// no more than doubles with what came.
func (p *packets) next() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n < 1 || n > maxPacket {
		return nil, fmt.Errorf("%w: %d bytes", errPacket, n)
	}
	for have := 0; have < n; {
		want := min(n, max(2*have, 64<<10))
		p.grow(headRoom + want)
		k, err := io.ReadFull(p.r, p.buf[headRoom+have:headRoom+want])
		have += k
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return p.buf[headRoom : headRoom+n], nil
}

func (p *packets) grow(n int) {
	if n <= len(p.buf) {
		return
	}
	bigger := make([]byte, n)
	copy(bigger, p.buf)
	p.buf = bigger
}

// withData is a whole packet around data that ends the packet that was read last: head stands in its place before it.
func (p *packets) withData(head, data []byte) []byte {
	start := cap(p.buf) - cap(data) - len(head) - 4
	out := p.buf[start : start+4+len(head)+len(data)]
	binary.BigEndian.PutUint32(out, uint32(len(head)+len(data)))
	copy(out[4:], head)
	return out
}

// cursor reads the fields of a packet.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n > len(c.b) {
		c.bad = true
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// bytes is a string that stays part of the packet, with room to grow into what is behind it taken away only at its end.
func (c *cursor) bytes() []byte {
	n := c.uint32()
	if c.bad || uint64(n) > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) string(most int) string {
	b := c.bytes()
	if len(b) > most {
		c.bad = true
		return ""
	}
	return string(b)
}

// end says whether everything was read, and nothing more is there.
func (c *cursor) end() error {
	if c.bad || len(c.b) > 0 {
		return errPacket
	}
	return nil
}

func putString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// framed is a packet with its length before it.
func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...)
}
