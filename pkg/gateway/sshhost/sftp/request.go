package sftp

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// How a file is to be opened (draft-ietf-secsh-filexfer-02, section 6.3).
const (
	openRead   = 1
	openWrite  = 2
	openAppend = 4
	openCreate = 8
	openTrunc  = 16
	openExcl   = 32
)

// The extensions that are known. Of a client's, one that is not named here is refused.
const (
	extPosixRename = "posix-rename@openssh.com"
	extStatvfs     = "statvfs@openssh.com"
	extFstatvfs    = "fstatvfs@openssh.com"
	extHardlink    = "hardlink@openssh.com"
	extFsync       = "fsync@openssh.com"
	extLsetstat    = "lsetstat@openssh.com"
	extLimits      = "limits@openssh.com"
	extCopyData    = "copy-data"
)

// offered are the extensions that a host must have so that they are offered, with their versions.
func offered() map[string]string {
	return map[string]string{
		extPosixRename: "1", extStatvfs: "2", extFstatvfs: "2", extHardlink: "1", extFsync: "1", extLsetstat: "1", extCopyData: "1",
	}
}

// request is a decoded request. Which fields it has is its kind's to say.
type request struct {
	kind      byte
	id        uint32
	extension string
	handle    string // ours towards the client, the host's towards the host
	path, to  string
	flags     uint32
	attrs     attrs
	offset    uint64
	length    uint32
	from      string // copy-data: the handle that is read, from offset, length64 bytes; to is written to handle, from target
	length64  uint64
	target    uint64
	data      []byte // part of the packet that it was decoded from
}

// decodeRequest reads a request of a client. Of one that can't be read, the id is answered where there is one.
func decodeRequest(packet []byte) (r request, err error) {
	c := &cursor{b: packet}
	r.kind, r.id = c.byte(), c.uint32()
	switch r.kind {
	case typeOpen:
		r.path, r.flags, r.attrs = c.string(maxPath), c.uint32(), c.attrs()
	case typeClose, typeFstat, typeReaddir:
		r.handle = c.string(maxHandle)
	case typeRead:
		r.handle, r.offset, r.length = c.string(maxHandle), c.uint64(), c.uint32()
	case typeWrite:
		r.handle, r.offset, r.data = c.string(maxHandle), c.uint64(), c.bytes()
	case typeLstat, typeStat, typeOpendir, typeRemove, typeRmdir, typeRealpath, typeReadlink:
		r.path = c.string(maxPath)
	case typeSetstat, typeMkdir:
		r.path, r.attrs = c.string(maxPath), c.attrs()
	case typeFsetstat:
		r.handle, r.attrs = c.string(maxHandle), c.attrs()
	case typeRename, typeSymlink:
		r.path, r.to = c.string(maxPath), c.string(maxPath)
	case typeExtended:
		r.extension = c.string(64)
		r.extended(c)
	default:
		return r, errPacket
	}
	return r, c.end()
}

func (r *request) extended(c *cursor) {
	switch r.extension {
	case extPosixRename, extHardlink:
		r.path, r.to = c.string(maxPath), c.string(maxPath)
	case extStatvfs:
		r.path = c.string(maxPath)
	case extFstatvfs, extFsync:
		r.handle = c.string(maxHandle)
	case extLsetstat:
		r.path, r.attrs = c.string(maxPath), c.attrs()
	case extCopyData:
		r.from, r.offset, r.length64 = c.string(maxHandle), c.uint64(), c.uint64()
		r.handle, r.target = c.string(maxHandle), c.uint64()
	case extLimits:
	default:
		c.b = nil // whatever it says, it is refused
	}
}

// head is the request as it is sent, without its data.
func (r request) head() []byte {
	b := binary.BigEndian.AppendUint32([]byte{r.kind}, r.id)
	switch r.kind {
	case typeOpen:
		b = r.attrs.append(binary.BigEndian.AppendUint32(putString(b, r.path), r.flags))
	case typeClose, typeFstat, typeReaddir:
		b = putString(b, r.handle)
	case typeRead:
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(putString(b, r.handle), r.offset), r.length)
	case typeWrite:
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(putString(b, r.handle), r.offset), uint32(len(r.data)))
	case typeLstat, typeStat, typeOpendir, typeRemove, typeRmdir, typeRealpath, typeReadlink:
		b = putString(b, r.path)
	case typeSetstat, typeMkdir:
		b = r.attrs.append(putString(b, r.path))
	case typeFsetstat:
		b = r.attrs.append(putString(b, r.handle))
	case typeRename, typeSymlink:
		b = putString(putString(b, r.path), r.to)
	case typeExtended:
		b = r.extendedHead(putString(b, r.extension))
	}
	return b
}

func (r request) extendedHead(b []byte) []byte {
	switch r.extension {
	case extPosixRename, extHardlink:
		b = putString(putString(b, r.path), r.to)
	case extStatvfs:
		b = putString(b, r.path)
	case extFstatvfs, extFsync:
		b = putString(b, r.handle)
	case extLsetstat:
		b = r.attrs.append(putString(b, r.path))
	case extCopyData:
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(putString(b, r.from), r.offset), r.length64)
		b = binary.BigEndian.AppendUint64(putString(b, r.handle), r.target)
	}
	return b
}

// plain says whether a path can be judged, recorded and shown as it is: text without control characters.
func plain(path string) bool {
	return utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
}
