package spdy_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
)

// told are all frames of a text, with the pieces of each data frame joined, and why it ended.
func told(r io.Reader) (all []spdy.Frame, err error) {
	frames := spdy.NewReader(r)
	open := false
	for {
		f, err := frames.Next()
		if err != nil {
			return all, err
		}
		f.Data = bytes.Clone(f.Data)
		if last := len(all) - 1; open && f.Type == spdy.Data && all[last].Stream == f.Stream && !all[last].Fin {
			all[last].Data, all[last].Fin = append(all[last].Data, f.Data...), f.Fin
		} else {
			all = append(all, f)
		}
		open = f.Type == spdy.Data
	}
}

// write writes frames anew.
func write(t *testing.T, all []spdy.Frame) []byte {
	t.Helper()
	var b bytes.Buffer
	w := spdy.NewWriter(&b)
	for _, f := range all {
		var err error
		switch f.Type {
		case spdy.Data:
			err = w.Data(f.Stream, f.Data, f.Fin)
		case spdy.SynStream:
			err = w.SynStream(f.Stream, f.Fin, f.Headers...)
		case spdy.SynReply:
			err = w.SynReply(f.Stream, f.Fin, f.Headers...)
		case spdy.Reset:
			err = w.Reset(f.Stream, f.Status)
		case spdy.Ping:
			err = w.Ping(f.ID)
		case spdy.GoAway:
			err = w.GoAway(f.Stream, f.Status)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

var sample = []spdy.Frame{
	{Type: spdy.SynStream, Stream: 1, Headers: []spdy.Header{{Name: "streamtype", Value: "error"}}},
	{Type: spdy.SynStream, Stream: 3, Fin: true, Headers: []spdy.Header{{Name: "streamtype", Value: "data"}, {Name: "port", Value: "80"}, {Name: "requestid", Value: ""}}},
	{Type: spdy.SynReply, Stream: 1, Headers: []spdy.Header{}},
	{Type: spdy.Data, Stream: 1, Data: bytes.Repeat([]byte("x"), spdy.PieceSize)},
	{Type: spdy.Data, Stream: 3, Data: []byte("end"), Fin: true},
	{Type: spdy.Data, Stream: 1, Fin: true},
	{Type: spdy.Reset, Stream: 3, Status: spdy.Cancel},
	{Type: spdy.Ping, ID: 7},
	{Type: spdy.GoAway, Stream: 3},
}

func TestWhatIsWrittenIsReadHoweverItIsCut(t *testing.T) {
	text := write(t, sample)
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(text), "one byte": iotest.OneByteReader(bytes.NewReader(text)), "half": iotest.HalfReader(bytes.NewReader(text)),
	} {
		got, err := told(r)
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, sample) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for n := 1; n < len(text); n += 97 {
		if _, err := told(bytes.NewReader(text[:n])); err == nil || errors.Is(err, io.EOF) != boundary(text, n) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// boundary says whether a frame ends there.
func boundary(text []byte, n int) bool {
	at := 0
	for at < n {
		at += 8 + int(binary.BigEndian.Uint32(text[at+4:])&0xffffff)
	}
	return at == n
}

func control(kind, flags int, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(1<<31|3<<16|kind))
	b = binary.BigEndian.AppendUint32(b, uint32(flags<<24|len(body)))
	return string(b) + body
}

func numbers(n ...uint32) string {
	var b []byte
	for _, x := range n {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return string(b)
}

// packer packs header blocks as another implementation does: zlib at its best.
type packer struct {
	b bytes.Buffer
	z *zlib.Writer
}

func newPacker(t testing.TB) *packer {
	t.Helper()
	dictionary, err := os.ReadFile("dictionary.bin")
	if err != nil {
		t.Fatal(err)
	}
	p := &packer{}
	if p.z, err = zlib.NewWriterLevelDict(&p.b, zlib.BestCompression, dictionary); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *packer) pack(block string) string {
	p.b.Reset()
	_, _ = p.z.Write([]byte(block))
	_ = p.z.Flush()
	return p.b.String()
}

func headers(all ...string) string {
	text := numbers(uint32(len(all) / 2))
	for _, s := range all {
		text += numbers(uint32(len(s))) + s
	}
	return text
}

// Blocks are one stream, so that a later one may point back into an earlier one and into the dictionary.
func TestBlocksOfAnotherPackerAreRead(t *testing.T) {
	p := newPacker(t)
	var text strings.Builder
	var want []spdy.Frame
	for i := range uint32(200) {
		value := strings.Repeat(fmt.Sprint(i, "-"), int(i))
		text.WriteString(control(2, 0, numbers(2*i+1)+p.pack(headers("streamtype", "stdin", "accept-charset", value))))
		want = append(want, spdy.Frame{Type: spdy.SynReply, Stream: 2*i + 1, Headers: []spdy.Header{{Name: "streamtype", Value: "stdin"}, {Name: "accept-charset", Value: value}}})
	}
	got, err := told(strings.NewReader(text.String()))
	if !errors.Is(err, io.EOF) || !reflect.DeepEqual(got, want) {
		t.Errorf("%d frames of %d, %v", len(got), len(want), err)
	}
}

func TestWhatIsNoFrameIsAnError(t *testing.T) {
	block := func(text string) string { return numbers(1) + newPacker(t).pack(text) }
	many := make([]string, 34)
	for i := range many {
		many[i] = fmt.Sprint("h", i)
	}
	for name, text := range map[string]string{
		"another version":         "\x80\x02\x00\x06" + numbers(4, 1),
		"a type that is not":      control(5, 0, ""),
		"a long control frame":    control(4, 0, numbers(4096)+strings.Repeat("x", 8*4096)),
		"a long control frame 2":  "\x80\x03\x00\x01\x00\xff\xff\xff",
		"data of stream 0":        "\x00\x00\x00\x00\x00\x00\x00\x01x",
		"data with a flag":        "\x00\x00\x00\x01\x02\x00\x00\x01x",
		"a ping of 8 bytes":       control(6, 0, numbers(1, 1)),
		"a ping with 0":           control(6, 0, numbers(0)),
		"a ping with a flag":      control(6, 1, numbers(1)),
		"a reset without a why":   control(3, 0, numbers(1, 0)),
		"a reset of stream 0":     control(3, 0, numbers(0, 1)),
		"a reset with a bit more": control(3, 0, numbers(1<<31|1, 1)),
		"a short reset":           control(3, 0, numbers(1)),
		"a window of nothing":     control(9, 0, numbers(1, 0)),
		"settings that lie":       control(4, 0, numbers(1<<29)),
		"settings that lie 2":     control(4, 0, numbers(2)+numbers(1, 2)),
		"a short stream":          control(1, 0, numbers(1, 0)),
		"stream 0":                control(1, 0, numbers(0, 0)+"\x00\x00"+newPacker(t).pack(headers())),
		"no zlib":                 control(2, 0, numbers(1)+"xxxxxxxxxx"),
		"an empty block":          control(2, 0, numbers(1)),
		"17 headers":              control(2, 0, block(headers(many...))),
		"a name twice":            control(2, 0, block(headers("a", "1", "a", "2"))),
		"a name in upper case":    control(2, 0, block(headers("Streamtype", "stdin"))),
		"no name":                 control(2, 0, block(headers("", "x"))),
		"two values":              control(2, 0, block(headers("a", "1\x002"))),
		"more than its headers":   control(2, 0, block(headers("a", "1")+"x")),
		"less than its headers":   control(2, 0, block(numbers(2)+headers("a", "1")[4:])),
		"a length that lies":      control(2, 0, block(numbers(1, 1<<31)+"a")),
		"a bomb":                  control(2, 0, block(headers("a", strings.Repeat("a", 8<<20)))),
	} {
		var no *spdy.Error
		if got, err := told(strings.NewReader(text)); !errors.As(err, &no) || len(got) > 0 {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// A bomb of 16 KiB that would unpack to 16 MiB costs what a block may have.
func TestHostileLengthsAllocateNothing(t *testing.T) {
	bomb := control(2, 0, numbers(1)+newPacker(t).pack(headers("a", strings.Repeat("a", 8<<20))))
	for name, text := range map[string]string{"a bomb": bomb, "data of 16 MiB": "\x00\x00\x00\x01\x00\xff\xff\xffx", "headers of 16 MiB": "\x80\x03\x00\x01\x00\xff\xff\xff"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = told(strings.NewReader(text))
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		if got > 256<<10 {
			t.Errorf("%s: %d bytes", name, got)
		}
	}
}

// FuzzFrames: what is read is the same however it is cut, keeps the limits, and reads the same when it is written anew.
func FuzzFrames(f *testing.F) {
	var b bytes.Buffer
	w := spdy.NewWriter(&b)
	for _, x := range sample {
		_ = w.SynStream(x.Stream, x.Fin, x.Headers...)
		_ = w.Data(x.Stream, x.Data[:min(len(x.Data), 9)], x.Fin)
	}
	f.Add(b.Bytes())
	p := newPacker(f)
	f.Add([]byte(control(1, 1, numbers(1, 0)+"\x00\x00"+p.pack(headers("streamtype", "stdin"))) + control(2, 0, numbers(1)+p.pack(headers("a", "b", "c", "")))))
	f.Add([]byte(control(3, 0, numbers(1, 5)) + control(4, 1, numbers(1, 2, 3)) + control(6, 0, numbers(9)) + control(7, 0, numbers(0, 0)) + control(9, 0, numbers(1, 2))))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := told(bytes.NewReader(text))
		cut, cutErr := told(iotest.OneByteReader(bytes.NewReader(text)))
		if !reflect.DeepEqual(all, cut) || fmt.Sprint(err) != fmt.Sprint(cutErr) {
			t.Fatalf("%+v, %v; byte by byte %+v, %v", all, err, cut, cutErr)
		}
		var kept []spdy.Frame
		for _, x := range all {
			size := 0
			for _, h := range x.Headers {
				size += len(h.Name) + len(h.Value)
			}
			if len(x.Headers) > 16 || size > 16<<10 || x.Stream > spdy.MaxStream {
				t.Fatalf("beyond the limits: %+v", x)
			}
			if x.Type != spdy.Settings && x.Type != spdy.Window && x.Type != spdy.Headers && (x.Type != spdy.Data || len(x.Data) > 0 || x.Fin) {
				x.Unidirectional = false
				kept = append(kept, x)
			}
		}
		again, err := told(bytes.NewReader(write(t, kept)))
		if !errors.Is(err, io.EOF) || !same(again, kept) {
			t.Fatalf("written anew %+v, %v; was %+v", again, err, kept)
		}
	})
}

// same compares frames, of which those of data may be cut otherwise.
func same(a, b []spdy.Frame) bool { return reflect.DeepEqual(joined(a), joined(b)) }

func joined(all []spdy.Frame) (out []spdy.Frame) {
	for _, f := range all {
		if last := len(out) - 1; last >= 0 && f.Type == spdy.Data && out[last].Type == spdy.Data && out[last].Stream == f.Stream && !out[last].Fin {
			out[last].Data, out[last].Fin = append(bytes.Clone(out[last].Data), f.Data...), f.Fin
			continue
		}
		out = append(out, f)
	}
	return out
}
