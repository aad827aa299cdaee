package sftp

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// What attributes hold (draft-ietf-secsh-filexfer-02, section 5).
const (
	attrSize     = 1
	attrOwner    = 2
	attrMode     = 4
	attrTimes    = 8
	attrExtended = 1 << 31
)

// Bits of a mode, as in stat(2).
const (
	modeType    = 0o170000
	modeLink    = 0o120000
	modeDir     = 0o040000
	modeRegular = 0o100000
	modeSpecial = 0o7000 // setuid, setgid, sticky
	modeBits    = 0o7777
)

// attrs are a file's attributes. What flags don't name is not set.
type attrs struct {
	flags        uint32
	size         uint64
	uid, gid     uint32
	mode         uint32
	atime, mtime uint32
}

// attrs reads attributes. Extended ones, which no version of OpenSSH sends, are read over and not kept.
func (c *cursor) attrs() (a attrs) {
	a.flags = c.uint32()
	if a.flags&^(attrSize|attrOwner|attrMode|attrTimes|attrExtended) != 0 {
		c.bad = true
		return attrs{}
	}
	if a.flags&attrSize != 0 {
		a.size = c.uint64()
	}
	if a.flags&attrOwner != 0 {
		a.uid, a.gid = c.uint32(), c.uint32()
	}
	if a.flags&attrMode != 0 {
		a.mode = c.uint32()
	}
	if a.flags&attrTimes != 0 {
		a.atime, a.mtime = c.uint32(), c.uint32()
	}
	if a.flags&attrExtended != 0 {
		for n := c.uint32(); n > 0 && !c.bad; n-- {
			c.bytes()
			c.bytes()
		}
		a.flags &^= attrExtended
	}
	return a
}

func (a attrs) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, a.flags)
	if a.flags&attrSize != 0 {
		b = binary.BigEndian.AppendUint64(b, a.size)
	}
	if a.flags&attrOwner != 0 {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, a.uid), a.gid)
	}
	if a.flags&attrMode != 0 {
		b = binary.BigEndian.AppendUint32(b, a.mode)
	}
	if a.flags&attrTimes != 0 {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, a.atime), a.mtime)
	}
	return b
}

// words are what attributes set, for people and for what an approval covers.
func (a attrs) words() string {
	var b strings.Builder
	if a.flags&attrSize != 0 {
		fmt.Fprintf(&b, " size=%d", a.size)
	}
	if a.flags&attrOwner != 0 {
		fmt.Fprintf(&b, " owner=%d:%d", a.uid, a.gid)
	}
	if a.flags&attrMode != 0 {
		fmt.Fprintf(&b, " mode=%04o", a.mode&modeBits)
	}
	if a.flags&attrTimes != 0 {
		fmt.Fprintf(&b, " times=%d,%d", a.atime, a.mtime)
	}
	return b.String()
}

// octal is the mode for a recording, "" where none is set.
func (a attrs) octal() string {
	if a.flags&attrMode == 0 {
		return ""
	}
	return fmt.Sprintf("%04o", a.mode&modeBits)
}

// privileged says that attributes give a file to somebody, or have it run as somebody.
func (a attrs) privileged() bool {
	return a.flags&attrOwner != 0 || a.flags&attrMode != 0 && a.mode&modeSpecial != 0
}
