package localproxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// FuzzStartup: a packet that is read is exactly the beginning of the input, and the database found in it is what
// splitting the whole body at its zero bytes finds.
func FuzzStartup(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"))
	f.Add([]byte("\x00\x00\x00\x20\x00\x03\x00\x00user\x00dev\x00database\x00app\x00\x00"))
	f.Add([]byte("\xff\xff\xff\xff\x00\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		p, err := readPacket(r)
		if err != nil {
			return
		}
		if !bytes.Equal(p.raw, in[:len(in)-r.Len()]) || len(p.raw) > maxStartup || uint32(len(p.raw)) != binary.BigEndian.Uint32(p.raw) {
			t.Fatalf("packet of %d bytes, %d of %d left", len(p.raw), r.Len(), len(in))
		}
		got, err := p.database()
		parts := strings.Split(string(p.body()), "\x00")
		// name, value, …, "", "": an even number, of which only the last name is empty.
		whole := p.code>>16 == 3 && len(parts)%2 == 0 && parts[len(parts)-1] == "" && parts[len(parts)-2] == ""
		want := ""
		for i := 0; whole && i < len(parts)-2; i += 2 {
			if whole = parts[i] != ""; parts[i] == "database" {
				want = parts[i+1]
			}
		}
		if (err == nil) != whole || err == nil && got != want {
			t.Fatalf("database %q (%v), want %q (%v)", got, err, want, whole)
		}
	})
}

// scripted plays a client that sends fixed bytes, whatever it is asked.
type scripted struct {
	io.Reader
	io.Writer
}

// FuzzSASL: whatever a client without the secret sends, it proves nothing, and is never told the server's signature.
func FuzzSASL(f *testing.F) {
	f.Add([]byte(mechanism+"\x00\x00\x00\x00\x0cn,,n=,r=abcd"), []byte("c=biws,r=abcd,p=AAAA"))
	f.Add([]byte(mechanism+"\x00\x00\x00\x00\x14n,,n=,r=abcdabcdabcd"), []byte("c=biws,r=abcd,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))
	secret, err := newSecret()
	if err != nil {
		f.Fatal(err)
	}
	v, err := newVerifier(secret, manyIterations)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, final []byte) {
		if c, err := parseInitial(first); err == nil {
			if !strings.HasSuffix(string(first), c.gs2+c.bare) || !strings.HasSuffix(c.bare, ",r="+c.nonce) || len(c.nonce) > 256 {
				t.Fatalf("%q was taken apart as %+v", first, c)
			}
		}
		if c, err := parseFinal(final); err == nil && (!strings.HasPrefix(string(final), c.withoutProof+",p=") || len(c.proof) != 32) {
			t.Fatalf("%q was taken apart as %+v", final, c)
		}
		var in, out bytes.Buffer
		for _, m := range [][]byte{first, final} {
			in.WriteByte('p')
			in.Write(binary.BigEndian.AppendUint32(nil, uint32(len(m)+4)))
			in.Write(m)
		}
		if err := v.verify(scripted{&in, &out}); err == nil {
			t.Fatal("a client without the secret was let in")
		}
		// AuthenticationSASLFinal, not a nonce that holds the same two characters.
		if bytes.Contains(out.Bytes(), []byte("\x00\x00\x00\x0cv=")) {
			t.Fatal("the server's signature went out")
		}
	})
}

// FuzzKeyScan: the key that is found does not depend on how the bytes are split, and little is kept while looking.
func FuzzKeyScan(f *testing.F) {
	f.Add([]byte("R\x00\x00\x00\x08\x00\x00\x00\x00K\x00\x00\x00\x0c\x00\x00\x00\x01abcdZ\x00\x00\x00\x05I"))
	f.Add([]byte("S\x00\x00\x00\x04K\x00\x00\x00\x04"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var whole, single keyScan
		key, found := whole.feed(in)
		var key1 string
		var found1 bool
		for i := range in {
			if k, ok := single.feed(in[i : i+1]); ok {
				key1, found1 = k, true
			}
			if len(single.key) > maxKey || len(single.head) > 5 {
				t.Fatalf("kept %d bytes", len(single.key))
			}
		}
		if key != key1 || found != found1 {
			t.Fatalf("whole %q %v, by bytes %q %v", key, found, key1, found1)
		}
		if found && !bytes.Contains(in, []byte("K"+string(binary.BigEndian.AppendUint32(nil, uint32(len(key)+4)))+key)) {
			t.Fatalf("key %q is not in the input", key)
		}
	})
}
