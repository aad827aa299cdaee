package sshhost_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// packets is a client that can say anything.
type packets struct {
	in  io.WriteCloser
	out io.Reader
	err *bytes.Buffer
}

func rawSFTP(t testing.TB, s *session) *packets {
	t.Helper()
	p := silentSFTP(t, s)
	p.send(t, binary.BigEndian.AppendUint32([]byte{1}, 3))
	if kind, _, _ := p.read(t); kind != 2 {
		t.Fatalf("greeted by %d", kind)
	}
	return p
}

func silentSFTP(t testing.TB, s *session) *packets {
	t.Helper()
	x, err := s.client.NewSession()
	must(t, err)
	p := &packets{err: &bytes.Buffer{}}
	p.in, err = x.StdinPipe()
	must(t, err)
	p.out, err = x.StdoutPipe()
	must(t, err)
	x.Stderr = p.err
	must(t, x.RequestSubsystem("sftp"))
	return p
}

func (p *packets) send(t testing.TB, body []byte) {
	t.Helper()
	_, err := p.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	must(t, err)
}

// read answers a packet's type, id and rest.
func (p *packets) read(t testing.TB) (kind byte, id uint32, rest []byte) {
	t.Helper()
	var head [4]byte
	_, err := io.ReadFull(p.out, head[:])
	must(t, err)
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err = io.ReadFull(p.out, body)
	must(t, err)
	return body[0], binary.BigEndian.Uint32(body[1:]), body[5:]
}

// pack is a request of numbers and strings.
func pack(kind byte, id uint32, fields ...any) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, id)
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

// ask sends a request and answers the type of what comes, the number that it begins with, and the string that it is.
func (p *packets) ask(t testing.TB, kind byte, fields ...any) (byte, uint32, string) {
	t.Helper()
	p.send(t, pack(kind, 7, fields...))
	got, id, rest := p.read(t)
	if id != 7 {
		t.Fatalf("request 7 is answered as %d", id)
	}
	text := ""
	if len(rest) >= 4 {
		text = string(rest[4:])
	}
	if len(rest) < 4 {
		t.Fatalf("an answer of %d bytes", len(rest))
	}
	return got, binary.BigEndian.Uint32(rest), text
}

func TestWhatClientsOfSFTPMayNotSay(t *testing.T) {
	dir := scene(t)
	s := open(t, filesPolicy)
	p := rawSFTP(t, s)
	const status, handle, data = 101, 102, 103
	for what, c := range map[string]struct {
		kind   byte
		fields []any
		want   uint32
	}{
		"a handle that nobody gave":        {5, []any{"\x00\x00\x00\x00", uint64(0), 10}, 4},
		"a long one":                       {4, []any{strings.Repeat("h", 256)}, 4},
		"writing through none":             {6, []any{"", uint64(0), "x"}, 4},
		"a name with a line end":           {3, []any{dir + "/log/a\nb", 0x1a, 0}, 3},
		"a name that is no text":           {17, []any{dir + "/\xff\xfe"}, 3},
		"a name with NUL":                  {17, []any{dir + "/log\x00/../private"}, 3},
		"a direction turned around":        {17, []any{dir + "/\u0085"}, 3},
		"a link to a name with a line end": {20, []any{"a\nb", dir + "/out/x"}, 3},
		"a link named with a line end":     {20, []any{"a", dir + "/out/x\ny"}, 3},
		"flags that don't exist":           {3, []any{dir + "/log/app.log", 0x40, 0}, 5},
		"no flags":                         {3, []any{dir + "/log/app.log", 0, 0}, 5},
		"an extension":                     {200, []any{"exec@example.com", "rm -rf /"}, 8},
		"an extension with no fields":      {200, []any{"expand-path@openssh.com", "~root"}, 8},
		"a list of users":                  {200, []any{"users-groups-by-id@openssh.com", "", ""}, 8},
		"a path of very many parts":        {17, []any{strings.Repeat("/a", 2000)}, 4},
		"a loop":                           {17, []any{dir + "/log/loop"}, 4},
	} {
		if kind, code, text := p.ask(t, c.kind, c.fields...); kind != status || code != c.want {
			t.Errorf("%s: %d, %d, %q", what, kind, code, text)
		}
	}
	kind, _, ours := p.ask(t, 3, dir+"/log/app.log", 1, 0)
	if kind != handle {
		t.Fatalf("not opened: %d", kind)
	}
	if kind, n, text := p.ask(t, 5, ours, uint64(0), -1); kind != data || n != 9 || text != "line one\n" {
		t.Errorf("reading 4 GiB: %d, %d, %q", kind, n, text)
	}
	if kind, code, _ := p.ask(t, 5, ours, uint64(1<<63), 10); kind != status || code == 0 {
		t.Errorf("reading far behind the end: %d, %d", kind, code)
	}
	if kind, code, _ := p.ask(t, 6, ours, uint64(0), "changed"); kind != status || code != 4 {
		t.Errorf("writing what was opened for reading: %d, %d", kind, code)
	}
	if kind, code, _ := p.ask(t, 4, ours); kind != status || code != 0 {
		t.Errorf("closing: %d, %d", kind, code)
	}
	if kind, code, _ := p.ask(t, 5, ours, uint64(0), 10); kind != status || code != 4 {
		t.Errorf("reading what was closed: %d, %d", kind, code)
	}
	for i := range 256 {
		if kind, _, _ := p.ask(t, 3, dir+"/log/app.log", 1, 0); kind != handle {
			t.Fatalf("open file %d: %d", i+1, kind)
		}
	}
	if kind, code, text := p.ask(t, 3, dir+"/log/app.log", 1, 0); kind != status || code != 4 || !strings.Contains(text, "256") {
		t.Errorf("one more: %d, %d, %q", kind, code, text)
	}
	if other := rawSFTP(t, s); other != nil {
		if kind, code, _ := other.ask(t, 5, ours, uint64(0), 10); kind != status || code != 4 {
			t.Errorf("another channel's handle: %d, %d", kind, code)
		}
	}
}

func TestPacketsThatCantBeReadEndTheChannelAlone(t *testing.T) {
	s := open(t, filesPolicy)
	neighbour := rawSFTP(t, s)
	for what, packet := range map[string][]byte{
		"no type": {0, 0, 0, 0}, "256 KiB and a byte": {0, 4, 0, 1, 5}, "4 GiB": {0xff, 0xff, 0xff, 0xff, 5}, "a string behind the end": {0, 0, 0, 9, 4, 0, 0, 0, 1, 0, 0, 1, 0},
		"more than fits": {0, 0, 0, 10, 4, 0, 0, 0, 1, 0, 0, 0, 0, 9}, "an unknown type": {0, 0, 0, 5, 77, 0, 0, 0, 1}, "an answer": {0, 0, 0, 5, 101, 0, 0, 0, 1},
	} {
		p := rawSFTP(t, s)
		_, err := p.in.Write(packet)
		must(t, err)
		if rest, err := io.ReadAll(p.out); err != nil || len(rest) > 0 {
			t.Errorf("%s: answered %q (%v)", what, rest, err)
		}
	}
	p := silentSFTP(t, s)
	p.send(t, pack(17, 1, "/"))
	if rest, err := io.ReadAll(p.out); err != nil || len(rest) > 0 {
		t.Errorf("a request before the greeting: answered %q (%v)", rest, err)
	}
	if kind, _, _ := neighbour.ask(t, 16, "."); kind != 104 {
		t.Errorf("another channel is disturbed: %d", kind)
	}
}

func TestFilesAreRecordedWithSizesAndHashes(t *testing.T) {
	dir, to := scene(t), t.TempDir()
	content := strings.Repeat("0123456789abcdef", 50_000)
	must(t, os.WriteFile(to+"/own", []byte(content), 0o644))
	door := openDoor(t, filesPolicy)
	batch := strings.NewReplacer("DIR", dir, "TO", to).Replace("put TO/own DIR/out/new\nget DIR/out/new TO/back\nrename DIR/out/new DIR/out/renamed\nchmod 640 DIR/out/renamed\nrm DIR/out/renamed\n")
	if out, code := runProgram(t, batch, "sftp", "-q", "-F", door.config, "-b", "-", "web"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	text, sum := door.recordings(t), sha256.Sum256([]byte(content))
	for _, want := range []string{
		fmt.Sprintf(`"operation":"write","path":"%s/out/new","bytes":%d,"sha256":"%s"`, dir, len(content), hex.EncodeToString(sum[:])),
		fmt.Sprintf(`"operation":"read","path":"%s/out/new","bytes":%d,"sha256":"%s"`, dir, len(content), hex.EncodeToString(sum[:])),
		fmt.Sprintf(`"operation":"rename","path":"%s/out/new","to":"%s/out/renamed"`, dir, dir),
		fmt.Sprintf(`"operation":"setstat","path":"%s/out/renamed","mode":"0640"`, dir),
		fmt.Sprintf(`"operation":"remove","path":"%s/out/renamed"`, dir),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the recordings lack %s:\n%s", want, text)
		}
	}
}

func TestWhatIsNotInOrderHasNoHash(t *testing.T) {
	dir := scene(t)
	s := open(t, filesPolicy)
	p := rawSFTP(t, s)
	_, _, ours := p.ask(t, 3, dir+"/log/app.log", 1, 0)
	p.ask(t, 5, ours, uint64(5), 3)
	p.ask(t, 5, ours, uint64(0), 5)
	_, _, left := p.ask(t, 3, dir+"/log/app.log", 1, 0)
	p.ask(t, 5, left, uint64(0), 4)
	p.ask(t, 4, ours)
	text := s.recording(t)
	sum := sha256.Sum256([]byte("line"))
	for _, want := range []string{`"bytes":8,"duration_us"`, `"bytes":4,"sha256":"` + hex.EncodeToString(sum[:]) + `","error":"not closed"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording lacks %s: %s", want, text)
		}
	}
}

const holdWrites = `
version: 1
rules:
  - {name: look, effects: [read], ssh: {channels: [sftp]}, verdict: allow}
  - {name: ask, effects: [write], ssh: {channels: [sftp]}, verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}
`

func TestAFileThatWaitsForAPersonLetsOthersPass(t *testing.T) {
	dir := scene(t)
	s := open(t, holdWrites)
	s.desk.wait = make(chan string)
	p := rawSFTP(t, s)
	p.send(t, pack(3, 1, dir+"/out/held", 0x1a, 0))
	within(t, "somebody is asked", func() bool { return s.desk.asked.Load() == 1 })
	if kind, _, _ := p.ask(t, 17, dir+"/log/app.log"); kind != 105 {
		t.Errorf("a stat behind it: %d", kind)
	}
	if _, err := os.Stat(filepath.Join(dir, "out/held")); err == nil {
		t.Fatal("it was made before somebody approved")
	}
	s.desk.wait <- api.ApprovalApproved
	if kind, id, _ := p.read(t); kind != 102 || id != 1 {
		t.Errorf("the approved one: %d, %d", kind, id)
	}
	if _, err := os.Stat(filepath.Join(dir, "out/held")); err != nil {
		t.Error(err)
	}
	p.send(t, pack(3, 2, dir+"/out/rejected", 0x1a, 0))
	s.desk.wait <- api.ApprovalRejected
	if kind, id, rest := p.read(t); kind != 101 || id != 2 || binary.BigEndian.Uint32(rest) != 3 {
		t.Errorf("the rejected one: %d, %d, %q", kind, id, rest)
	}
	if _, err := os.Stat(filepath.Join(dir, "out/rejected")); err == nil {
		t.Error("it was made")
	}
}

func TestAPathThatChangesWhileItWaitsVoidsTheApproval(t *testing.T) {
	dir := scene(t)
	s := open(t, holdWrites)
	s.desk.wait = make(chan string)
	p := rawSFTP(t, s)
	p.send(t, pack(3, 1, dir+"/log/inside", 0x12, 0))
	within(t, "somebody is asked", func() bool { return s.desk.asked.Load() == 1 })
	must(t, os.Remove(filepath.Join(dir, "log/inside")))
	must(t, os.Symlink("../private/key", filepath.Join(dir, "log/inside")))
	s.desk.wait <- api.ApprovalApproved
	if kind, _, rest := p.read(t); kind != 101 || binary.BigEndian.Uint32(rest) != 3 {
		t.Errorf("%d, %q", kind, rest)
	}
	got, err := os.ReadFile(filepath.Join(dir, "private/key"))
	must(t, err)
	if string(got) != secret || s.desk.used.Load() != 0 {
		t.Errorf("it was opened: %q", got)
	}
}

func TestWhereDetectorsLookFilesAreNotDownloaded(t *testing.T) {
	dir, to := scene(t), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "log/people"), []byte("ann@example.com"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "out/bob@example.com"), nil, 0o644))
	must(t, os.Symlink("carol@example.com", filepath.Join(dir, "out/link")))
	must(t, os.WriteFile(to+"/own", []byte("own"), 0o644))
	door := openDoor(t, filesPolicy+"masks: [{name: leaks, detect: [email], as: redact}]\n")
	run := func(command string) (string, int) {
		command = strings.NewReplacer("DIR", dir, "TO", to).Replace(command)
		return runProgram(t, command+"\n", "sftp", "-q", "-F", door.config, "-b", "-", "web")
	}
	for _, command := range []string{"get DIR/log/people TO/got", "get DIR/log/app.log TO/got"} {
		out, code := run(command)
		if _, err := os.Stat(to + "/got"); code == 0 || err == nil && len(must2(os.ReadFile(to+"/got"))) > 0 || !strings.Contains(out, "ssh HOST cat FILE") {
			t.Errorf("%s: exit %d: %s", command, code, out)
		}
	}
	out, code := run("ls -l DIR/out")
	if code != 0 || strings.Contains(out, "example.com") || !strings.Contains(out, "***") {
		t.Errorf("a listing: exit %d: %s", code, out)
	}
	if out, code := run("put TO/own DIR/out/dave@example.com"); code != 0 {
		t.Errorf("an upload: exit %d: %s", code, out)
	}
	if text := door.recordings(t); strings.Contains(text, "example.com\"") {
		t.Errorf("the recordings have what detectors find: %s", text)
	}
}

func must2(b []byte, _ error) []byte { return b }

func TestTheEndOfASessionEndsItsFiles(t *testing.T) {
	dir := scene(t)
	s := open(t, filesPolicy)
	p := rawSFTP(t, s)
	_, _, ours := p.ask(t, 3, dir+"/out/new", 0x1a, 0)
	p.ask(t, 6, ours, uint64(0), "before")
	began := time.Now()
	s.end(&api.Error{Code: api.CodeLocked, Message: "You were locked."})
	_, _ = io.ReadAll(p.out)
	err := <-s.served
	s.served <- err
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if text := s.recording(t); !strings.Contains(text, `"bytes":6`) || !strings.Contains(text, "not closed") {
		t.Errorf("what was written is not recorded: %s", text)
	}
}
