package spdy

import (
	"bytes"
	"compress/zlib"
	_ "embed" // the dictionary
	"encoding/binary"
	"hash/adler32"
	"io"
)

// dictionary is what both sides of a connection assume to have been compressed before (section 2.6.10.1).
//
//go:embed dictionary.bin
var dictionary []byte

// unpacker unpacks the header blocks of one direction, which are one stream of zlib's, flushed behind every block.
type unpacker struct {
	packed bytes.Buffer // of the block at hand
	zlib   io.Reader
	room   [maxControl + 1]byte
}

// unpack answers what a block holds, good until the next one. The block must end where the sender flushed.
func (u *unpacker) unpack(packed []byte) ([]byte, error) {
	u.packed.Reset()
	u.packed.Write(packed)
	if u.zlib == nil {
		z, err := zlib.NewReaderDict(&u.packed, dictionary)
		if err != nil {
			return nil, malformed("a header block does not begin as one")
		}
		u.zlib = z
	}
	n := 0
	for u.packed.Len() > 0 {
		// A read answers all that there is up to a flush, or as much as there is room for.
		m, err := u.zlib.Read(u.room[n:])
		if n += m; n == len(u.room) {
			return nil, malformed("a header block holds more than %d bytes", maxControl)
		}
		if err != nil {
			return nil, malformed("a header block does not unpack")
		}
	}
	return u.room[:n], nil
}

// parseHeaders reads a block: a count, then names and values with their lengths.
func parseHeaders(b []byte) ([]Header, error) {
	count, b, ok := cutNumber(b)
	if !ok {
		return nil, malformed("a header block is too short")
	}
	if count > maxHeaders {
		return nil, malformed("a header block has more than %d headers", maxHeaders)
	}
	headers := make([]Header, 0, count)
	for range count {
		var name, value []byte
		if name, b, ok = cutText(b); ok {
			value, b, ok = cutText(b)
		}
		if !ok {
			return nil, malformed("a header block is too short for its headers")
		}
		h := Header{string(name), string(value)}
		if err := h.check(headers); err != nil {
			return nil, err
		}
		headers = append(headers, h)
	}
	if len(b) > 0 {
		return nil, malformed("a header block is longer than its headers")
	}
	return headers, nil
}

// check refuses a name that two readers could take for another one's, and more than one value.
func (h Header) check(before []Header) error {
	for i := range len(h.Name) {
		if c := h.Name[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' {
			return malformed("the name of a header is not in lower case")
		}
	}
	for i := range len(h.Value) {
		if c := h.Value[i]; c < ' ' || c == 0x7f {
			return malformed("a header's value has a control character in it")
		}
	}
	if h.Name == "" {
		return malformed("a header has no name")
	}
	for _, other := range before {
		if other.Name == h.Name {
			return malformed("the header %s stands twice", h.Name)
		}
	}
	return nil
}

func cutNumber(b []byte) (uint32, []byte, bool) {
	if len(b) < 4 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(b), b[4:], true
}

func cutText(b []byte) (text, rest []byte, ok bool) {
	n, b, ok := cutNumber(b)
	if !ok || uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// appendHeaders appends a block: what begins the stream of zlib's where it is the first one, the headers as they stand in a
// stored block of deflate's (RFC 1951, section 3.2.4), and an empty one, which is a flush.
func appendHeaders(dst []byte, first bool, headers []Header) []byte {
	if first {
		dst = append(dst, 0x78, 0x20) // a window of 32 KiB, a dictionary (RFC 1950, section 2.2)
		dst = binary.BigEndian.AppendUint32(dst, adler32.Checksum(dictionary))
	}
	size := 4
	for _, h := range headers {
		size += 8 + len(h.Name) + len(h.Value)
	}
	dst = appendStored(dst, size)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(headers)))
	for _, h := range headers {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(h.Name))), h.Name...)
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(h.Value))), h.Value...)
	}
	return appendStored(dst, 0)
}

func appendStored(dst []byte, size int) []byte {
	dst = binary.LittleEndian.AppendUint16(append(dst, 0), uint16(size))
	return binary.LittleEndian.AppendUint16(dst, ^uint16(size))
}
