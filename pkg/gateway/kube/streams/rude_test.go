package streams_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
)

func kind(k string) spdy.Header { return spdy.Header{Name: "streamtype", Value: k} }

// frame is a control frame as it stands on the wire.
func frame(kind uint32, flags byte, body string) string {
	b := binary.BigEndian.AppendUint32(nil, 1<<31|3<<16|kind)
	b = binary.BigEndian.AppendUint32(b, uint32(flags)<<24|uint32(len(body)))
	return string(b) + body
}

// bomb is a frame of some KiB whose headers are many MiB.
func bomb(t *testing.T, kind uint32, skip int) string {
	t.Helper()
	dictionary, err := os.ReadFile("../spdy/dictionary.bin")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z, err := zlib.NewWriterLevelDict(&b, zlib.BestCompression, dictionary)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(z, "\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x40\x00\x00%s", strings.Repeat("a", 4<<20))
	_ = z.Flush()
	return frame(kind, 0, "\x00\x00\x00\x09"+strings.Repeat("\x00", skip)+b.String())
}

func TestRudeClientsAreEndedWithAReason(t *testing.T) {
	sizes := make([]string, 200)
	for i := range sizes {
		sizes[i] = fmt.Sprintf(`{"Width":%d,"Height":24}`, i+1)
	}
	raw := func(text string) func(*peer) error {
		return func(p *peer) error { _, err := io.WriteString(p.conn, text); return err }
	}
	// Streams 1, 3 and 5 are the terminal's error, stdin and resize streams.
	for name, c := range map[string]struct {
		rude   func(p *peer) error
		reason string
	}{
		"an undefined stream":       {func(p *peer) error { return p.SynStream(7, false, kind("root")) }, "a stream none, which its request did not ask for"},
		"a stream without a kind":   {func(p *peer) error { return p.SynStream(7, false) }, "a stream none, which its request did not ask for"},
		"a forward's stream":        {func(p *peer) error { return p.SynStream(7, false, kind("data")) }, "a stream data, which its request did not ask for"},
		"stderr beside a terminal":  {func(p *peer) error { return p.SynStream(7, false, kind("stderr")) }, "a stream stderr, which its request did not ask for"},
		"a second stdin":            {func(p *peer) error { return p.SynStream(7, false, kind("stdin")) }, "a second stream stdin"},
		"a number again":            {func(p *peer) error { return p.SynStream(3, false, kind("stdout")) }, "a stream with the number 3, which is not its next"},
		"the cluster's number":      {func(p *peer) error { return p.SynStream(8, false, kind("stdout")) }, "a stream with the number 8, which is not its next"},
		"data for no stream":        {func(p *peer) error { return p.Data(9, []byte("x"), false) }, "DATA for a stream that was never opened"},
		"data for a cluster's":      {func(p *peer) error { return p.Data(2, []byte("x"), false) }, "DATA for a stream that was never opened"},
		"a reset of no stream":      {func(p *peer) error { return p.Reset(9, 5) }, "RST_STREAM for a stream that was never opened"},
		"data in the status":        {func(p *peer) error { return p.Data(1, []byte(success), false) }, "data in stream error"},
		"data behind the end":       {func(p *peer) error { return errors.Join(p.Data(3, nil, true), p.Data(3, []byte("x"), false)) }, "data in a stream behind its end"},
		"a reply":                   {func(p *peer) error { return p.SynReply(3, false) }, "a frame SYN_REPLY"},
		"headers":                   {raw(frame(8, 0, "\x00\x00\x00\x03"+stored)), "a frame HEADERS"},
		"a size that is none":       {func(p *peer) error { return p.Data(5, []byte(`{"Width":80}`), false) }, "what is no terminal's size in stream resize"},
		"a size with more":          {func(p *peer) error { return p.Data(5, []byte(`{"Width":80,"Height":2,"Root":1}`), false) }, "what is no terminal's size in stream resize"},
		"a size below none":         {func(p *peer) error { return p.Data(5, []byte(`{"Width":-1,"Height":2}`), false) }, "what is no terminal's size in stream resize"},
		"a size of a MiB":           {func(p *peer) error { return p.Data(5, []byte(strings.Repeat(" ", 1<<20)), false) }, "a terminal's size of more than 128 bytes"},
		"a flood of sizes":          {func(p *peer) error { return p.Data(5, []byte(strings.Join(sizes, "\n")), false) }, "more than 120 sizes of its terminal in a second"},
		"a stream of one direction": {raw(frame(1, 2, "\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00"+stored)), "a stream of one direction"},
		"what is no frame":          {raw("GET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 99)), "what is no frame: data with flags 0x2f for stream 1195725856"},
		"a control frame of 16 MiB": {raw("\x80\x03\x00\x01\x00\xff\xff\xff"), "what is no frame: a control frame has 16777215 bytes"},
		"settings that lie":         {raw(frame(4, 0, "\x7f\xff\xff\xff")), "what is no frame: SETTINGS of 4 bytes with 2147483647 entries"},
		"17 headers":                {func(p *peer) error { return p.SynStream(7, false, many()...) }, "what is no frame: a header block has more than 16 headers"},
		"two kinds in one":          {func(p *peer) error { return p.SynStream(7, false, kind("stdout"), kind("stdin")) }, "what is no frame: the header streamtype stands twice"},
		"a name in another case":    {func(p *peer) error { return p.SynStream(7, false, spdy.Header{Name: "Streamtype", Value: "stdout"}) }, "what is no frame: the name of a header is not in lower case"},
	} {
		t.Run(name, func(t *testing.T) {
			r := carrying(t, terminal, &carrier{})
			r.open(1, "error")
			r.open(3, "stdin")
			r.open(5, "resize")
			r.must(c.rude(r.client))
			for _, got := range r.cluster.rest() { // what was right before it may pass
				if got != `DATA 3 "" fin` {
					t.Errorf("the cluster got %s", got)
				}
			}
			told := slices.ContainsFunc(r.client.rest(), func(f string) bool { return strings.Contains(f, "the client sent "+shown(c.reason)) })
			if !told {
				t.Error("the client was not told")
			}
			var broke *streams.Violation
			if err := r.over(); !errors.As(err, &broke) || broke.Cluster || broke.Reason != c.reason {
				t.Errorf("%v", err)
			}
		})
	}
}

// stored is a header block without headers, where it is not the first one.
const stored = "\x00\x04\x00\xfb\xff\x00\x00\x00\x00\x00\x00\x00\xff\xff"

// What unpacks to MiB is not unpacked, from either side.
func TestABombEndsIt(t *testing.T) {
	for name, cluster := range map[string]bool{"the client's": false, "the cluster's": true} {
		r := carrying(t, whole, &carrier{})
		from, text := r.client, bomb(t, 1, 6)
		if cluster {
			from, text = r.cluster, bomb(t, 2, 0)
		}
		if _, err := io.WriteString(from.conn, text); err != nil {
			t.Fatal(err)
		}
		r.client.rest()
		var broke *streams.Violation
		if err := r.over(); !errors.As(err, &broke) || broke.Cluster != cluster || broke.Reason != "what is no frame: a header block holds more than 16384 bytes" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func many() (all []spdy.Header) {
	for i := range 17 {
		all = append(all, spdy.Header{Name: fmt.Sprint("h", i)})
	}
	return all
}

func shown(text string) string { return strings.ReplaceAll(text, `"`, `\"`) }

// The end of half a frame is the client's end, and nothing of it passes.
func TestHalfAFrameDoesNotPass(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	if _, err := io.WriteString(r.client.conn, frame(1, 0, "\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00")[:12]); err != nil {
		t.Fatal(err)
	}
	r.must(r.client.conn.Close())
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	if err := r.over(); err == nil {
		t.Error("it ended well")
	}
}

func TestRudeClustersAreEndedWithAReason(t *testing.T) {
	raw := func(text string) func(*peer) error {
		return func(p *peer) error { _, err := io.WriteString(p.conn, text); return err }
	}
	for name, c := range map[string]struct {
		rude   func(p *peer) error
		reason string
	}{
		"a stream of its own": {func(p *peer) error { return p.SynStream(2, false, kind("stdin")) }, "a frame SYN_STREAM"},
		"data in stdin":       {func(p *peer) error { return p.Data(3, []byte("4111 1111 1111 1111"), false) }, "data in stream stdin"},
		"data in resize":      {func(p *peer) error { return p.Data(5, []byte("x"), false) }, "data in stream resize"},
		"data for no stream":  {func(p *peer) error { return p.Data(9, []byte("x"), false) }, "DATA for a stream that was never opened"},
		"a second reply":      {func(p *peer) error { return p.SynReply(3, false) }, "a second SYN_REPLY for a stream"},
		"data behind the end": {func(p *peer) error { return errors.Join(p.Data(3, nil, true), p.Data(3, []byte("x"), false)) }, "data in a stream behind its end"},
		"what is no status":   {func(p *peer) error { return p.Data(1, []byte("4111 1111 1111 1111"), false) }, "what is no status in stream error"},
		"a status of no kind": {func(p *peer) error { return p.Data(1, []byte(`{"status":"Perhaps"}`), false) }, "what is no status in stream error"},
		"two statuses":        {func(p *peer) error { return p.Data(1, []byte(success+success), false) }, "what is no status in stream error"},
		"one status after another": {func(p *peer) error {
			return errors.Join(p.Data(1, []byte(success), false), p.Data(1, []byte(success), false))
		}, "more than a status in stream error"},
		"a status without an end": {func(p *peer) error { return p.Data(1, []byte(`{"message":"`+strings.Repeat("x", 70<<10)), false) }, "more than a status in stream error"},
		"what is no frame":        {raw("HTTP/1.1 200 OK\r\n\r\n"), "what is no frame: data with flags 0x2f for stream 1213486160"},
	} {
		t.Run(name, func(t *testing.T) {
			r := carrying(t, terminal, &carrier{})
			r.open(1, "error")
			r.open(3, "stdin")
			r.open(5, "resize")
			r.must(c.rude(r.cluster))
			got := strings.Join(r.client.rest(), " ")
			if strings.Contains(got, "4111") || name != "one status after another" && !strings.Contains(got, "the cluster sent "+c.reason) {
				t.Errorf("the client got %s", got)
			}
			var broke *streams.Violation
			if err := r.over(); !errors.As(err, &broke) || !broke.Cluster || broke.Reason != c.reason {
				t.Errorf("%v", err)
			}
		})
	}
}

// Frames of a stream that the other side has just given up are no fault, and go nowhere.
func TestFramesThatCrossedAResetAreDropped(t *testing.T) {
	r := carrying(t, whole, &carrier{})
	r.open(1, "error")
	r.open(3, "stdin")
	r.open(5, "stdout")
	r.must(r.client.Reset(5, spdy.Cancel))
	r.cluster.want("RST_STREAM 5 status 5")
	r.must(r.cluster.Data(5, []byte("late"), false))
	r.must(r.cluster.Reset(3, spdy.Cancel))
	r.client.want("RST_STREAM 3 status 5")
	r.must(r.client.Data(3, []byte("late"), false))
	r.must(r.client.Ping(1))
	r.cluster.want("PING 1")
	r.must(r.cluster.Ping(1))
	r.client.want("PING 1")
}
