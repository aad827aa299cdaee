package sftp_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
)

func request(kind byte, fields ...any) []byte {
	b := []byte{kind, 0, 0, 0, 9}
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(f))
		case uint64:
			b = binary.BigEndian.AppendUint64(b, f)
		}
	}
	return b
}

// FuzzRequests: what is decoded of a request encodes to the same bytes, unless it had attributes that nobody knows.
func FuzzRequests(f *testing.F) {
	for _, r := range [][]byte{
		request(3, "/a", 1, 4, 0o644), request(4, "h"), request(5, "h", uint64(1), 2), request(6, "h", uint64(1), "data"), request(9, "/a", 15, uint64(1), 2, 3, 4, 5, 6),
		request(10, "h", 0), request(17, "/a"), request(18, "/a", "/b"), request(20, "a", "/b"), request(200, "posix-rename@openssh.com", "/a", "/b"),
		request(200, "copy-data", "h", uint64(0), uint64(1), "g", uint64(2)), request(200, "fsync@openssh.com", "h"), request(200, "x", "y"), {3, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
		request(9, "/a", 1<<31, 1, "x", "y"),
	} {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		again, path, err := sftp.Decoded(in)
		if err != nil || !sftp.Known(in) {
			return
		}
		if !strings.Contains(string(in), path) || len(path) > 4096 {
			t.Fatalf("%q has no path %q", in, path)
		}
		extended := len(again) < len(in) && bytes.Contains(in, []byte{0x80}) || hasExtended(in)
		if !bytes.Equal(again, in) && !extended {
			t.Fatalf("%q encodes to %q", in, again)
		}
	})
}

// hasExtended says whether attributes may be in it that are not kept.
func hasExtended(in []byte) bool {
	for i := 5; i+4 <= len(in); i++ {
		if in[i]&0x80 != 0 {
			return true
		}
	}
	return false
}

// FuzzAnswers: a listing encodes to what it was, and nothing that a host answers does harm.
func FuzzAnswers(f *testing.F) {
	f.Add(byte(104), request(0, "a", "long a", 0)[1:])
	f.Add(byte(104), []byte{0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 1, 'l', 0, 0, 0, 4, 0, 0, 1, 0xa4})
	f.Add(byte(101), []byte{0, 0, 0, 3})
	f.Add(byte(105), []byte{0, 0, 0, 15})
	f.Add(byte(104), []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		if listing := sftp.Answered(kind, in); listing != nil && !bytes.Equal(listing, in) && !hasExtended(append(make([]byte, 5), in...)) {
			t.Fatalf("%q is listed as %q", in, listing)
		}
	})
}

// FuzzPackets: packets are what was sent, whole and in order, and no others.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 5, 0, 0, 0, 2, 6, 7})
	f.Add([]byte{0, 4, 0, 1, 5})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		var all []byte
		for _, p := range sftp.Packets(in) {
			if len(p) == 0 || len(p) > 256<<10 {
				t.Fatalf("a packet of %d bytes", len(p))
			}
			all = append(binary.BigEndian.AppendUint32(all, uint32(len(p))), p...)
		}
		if !bytes.HasPrefix(in, all) {
			t.Fatalf("%q was read as %q", in, all)
		}
		for _, p := range sftp.Packets(in) {
			if len(p) < 8 {
				continue
			}
			n := min(int(p[0]), len(p)-8)
			packet := append(binary.BigEndian.AppendUint32(bytes.Clone(p[:len(p)-n]), uint32(n)), p[len(p)-n:]...)
			head := bytes.Repeat([]byte{'h'}, int(p[1])%277)
			got, err := sftp.WithData(packet, head, n)
			want := append(append(binary.BigEndian.AppendUint32(nil, uint32(len(head)+n)), head...), p[len(p)-n:]...)
			if len(packet) <= 256<<10 && (err != nil || !bytes.Equal(got, want)) {
				t.Fatalf("a head of %d bytes before %q: %q, %v", len(head), p[len(p)-n:], got, err)
			}
		}
	})
}
