package record

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// magic opens a file; the byte with the high bit and the line ends show transfers that changed the bytes.
const magic = "\x89HREC\r\n\x1a"

// fileHeader is magic, version (uint16, little endian) and six bytes of zero.
const fileHeader = magic + "\x01\x00" + "\x00\x00\x00\x00\x00\x00"

// Sizes within a frame: header, body, hash.
const (
	headerSize = 33
	hashSize   = sha256.Size
)

// Type says what the body of a frame is.
type Type byte

// The frames of the format itself. The types of events stand in events.go.
const (
	TypeHeader     Type = 1 // first frame of a recording; body: Header as JSON
	TypeCheckpoint Type = 2 // key id (8 bytes) and Ed25519 signature (64 bytes)
	TypeSeal       Type = 3 // the same, and after it Seal as JSON; nothing follows
)

// Event is one frame of a recording. Body is valid until the next call of Next.
type Event struct {
	Seq     uint64        // from 1, without gaps
	Elapsed time.Duration // since the recording began, by the monotonic clock
	Time    time.Time     // by the wall clock, UTC
	Type    Type
	Body    []byte
	Hash    [32]byte // of the chain up to and with this frame
}

// chainStart is the hash that the first frame continues: a frame can't move into a file of another version.
func chainStart() [32]byte { return sha256.Sum256([]byte(fileHeader)) }

// frameHeader is the decoded fixed part of a frame.
type frameHeader struct {
	length  uint32
	seq     uint64
	elapsed int64
	wall    int64
	typ     Type
}

// put writes h in its wire form: length, CRC32C of the other 29 bytes, sequence, monotonic and wall nanoseconds, type,
// all little endian. The CRC lets a reader trust the length before it takes memory for it; body and all else are
// covered by the hash.
func (h frameHeader) put(b []byte) {
	_ = b[headerSize-1]
	binary.LittleEndian.PutUint32(b[0:], h.length)
	binary.LittleEndian.PutUint64(b[8:], h.seq)
	binary.LittleEndian.PutUint64(b[16:], uint64(h.elapsed))
	binary.LittleEndian.PutUint64(b[24:], uint64(h.wall))
	b[32] = byte(h.typ)
	binary.LittleEndian.PutUint32(b[4:], headerCRC(b))
}

// get reads a header; false says that its CRC does not fit.
func (h *frameHeader) get(b []byte) bool {
	_ = b[headerSize-1]
	h.length = binary.LittleEndian.Uint32(b[0:])
	h.seq = binary.LittleEndian.Uint64(b[8:])
	h.elapsed = int64(binary.LittleEndian.Uint64(b[16:]))
	h.wall = int64(binary.LittleEndian.Uint64(b[24:]))
	h.typ = Type(b[32])
	return binary.LittleEndian.Uint32(b[4:]) == headerCRC(b)
}

func headerCRC(b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, table, b[:4]), table, b[8:headerSize])
}

// header is the fixed part that e was read from.
func (e Event) header() frameHeader {
	return frameHeader{length: uint32(len(e.Body)), seq: e.Seq, elapsed: int64(e.Elapsed), wall: e.Time.UnixNano(), typ: e.Type}
}
