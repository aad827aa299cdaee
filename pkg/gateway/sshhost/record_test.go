package sshhost_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// sealed ends the session and answers its recording.
func (s *session) sealed(t testing.TB) []byte {
	t.Helper()
	_ = s.client.Close()
	err := <-s.served
	s.served <- err
	must(t, s.writer.Seal("test"))
	b, err := os.ReadFile(s.file)
	must(t, err)
	return b
}

func reader(t testing.TB, b []byte) *record.Reader {
	t.Helper()
	r, err := record.NewReader(bytes.NewReader(b))
	must(t, err)
	return r
}

func TestACommandAndItsStreamsAreRecorded(t *testing.T) {
	s := open(t, allowAll)
	if got := s.run(t, "echo recorded-$((40+2)); echo on-stderr >&2; exit 4"); got.status != 4 {
		t.Fatalf("%+v", got)
	}
	if got := s.run(t, "kill -TERM $$"); got.signal != "TERM" {
		t.Fatalf("%+v", got)
	}
	file := s.sealed(t)
	var text, lines bytes.Buffer
	must(t, record.Export(&text, reader(t, file), record.FormatNDJSON))
	for _, want := range []string{
		"echo recorded-$((40+2))", `"kind":"output","text":"recorded-42\n"`, `"kind":"errors","text":"on-stderr\n"`,
		`"type":"terminal","body":{"command":1,"what":"exec","input":"none"}`, `"status":4,"output_bytes":12,"error_bytes":10,"duration_us":`,
		`"bytes":22,"tag":"exit 4"`, `"signal":"TERM"`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the recording lacks %q: %s", want, text.String())
		}
	}
	must(t, cast.Play(t.Context(), &lines, reader(t, file), cast.PlayOptions{}))
	for _, want := range []string{"  | recorded-42\n", "  ! on-stderr\n", "exit status 4", "killed by signal TERM"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the replay lacks %q: %s", want, lines.String())
		}
	}
}

// castLine is a line of an asciicast behind its header.
type castLine struct{ code, data string }

func castLines(t testing.TB, file []byte) (lines []castLine) {
	t.Helper()
	var out bytes.Buffer
	must(t, cast.Export(&out, reader(t, file)))
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var event [3]any
		if i == 0 {
			continue
		}
		must(t, json.Unmarshal([]byte(line), &event))
		lines = append(lines, castLine{event[1].(string), event[2].(string)})
	}
	return lines
}

func TestATerminalIsRecordedWithItsWindowChanges(t *testing.T) {
	s := open(t, allowAll)
	x, err := s.client.NewSession()
	must(t, err)
	must(t, x.RequestPty("xterm", 33, 77, nil))
	out, err := x.StdoutPipe()
	must(t, err)
	_, err = x.StdinPipe() // sshd forgets the terminal at the end of input
	must(t, err)
	must(t, x.Start("while stty size; do sleep 0.02; done"))
	awaitOutput(t, out, "33 77")
	must(t, x.WindowChange(44, 99))
	awaitOutput(t, out, "44 99")
	must(t, x.Close())
	var shown, changed bool
	for _, l := range castLines(t, s.sealed(t)) {
		shown = shown || l.code == "o" && strings.Contains(l.data, "44 99")
		changed = changed || l == castLine{"r", "99x44"}
	}
	if !shown || !changed {
		t.Errorf("shown %v, size changed %v", shown, changed)
	}
}

// awaitOutput reads until a text has come, and answers all that was read.
func awaitOutput(t testing.TB, out io.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	late := time.AfterFunc(15*time.Second, func() { panic(fmt.Sprintf("never came: %q in %q", text, got.String())) })
	defer late.Stop()
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := out.Read(buf)
		got.Write(buf[:n])
		if err != nil && !strings.Contains(got.String(), text) {
			t.Fatalf("%q never came, but %q: %v", text, got.String(), err)
		}
	}
	return got.String()
}

// sudo asks as sudo does: it turns echo off behind everybody's back, and reads.
const sudo = `stty -echo; printf 'Password: '; IFS= read -r p; stty echo; echo; echo "got ${#p} signs"; printf 'Name: '; read -r n; echo "hello $n"`

func TestAPasswordTypedWithoutEchoIsInNoRecording(t *testing.T) {
	for _, input := range []string{record.InputNone, record.InputEchoed} {
		s := open(t, allowAll, recordInput(input))
		x, err := s.client.NewSession()
		must(t, err)
		must(t, x.RequestPty("xterm", 24, 80, ssh.TerminalModes{ssh.ECHO: 1}))
		out, err := x.StdoutPipe()
		must(t, err)
		in, err := x.StdinPipe()
		must(t, err)
		must(t, x.Start(sudo))
		awaitOutput(t, out, "Password: ")
		_, err = io.WriteString(in, "correct-horse\n")
		must(t, err)
		awaitOutput(t, out, "Name: ")
		for _, c := range "ann" {
			_, err = io.WriteString(in, string(c))
			must(t, err)
			awaitOutput(t, out, string(c))
		}
		_, err = io.WriteString(in, "\r")
		must(t, err)
		awaitOutput(t, out, "hello ann")
		must(t, x.Wait())
		file := s.sealed(t)
		var text bytes.Buffer
		must(t, record.Export(&text, reader(t, file), record.FormatNDJSON))
		if bytes.Contains(file, []byte("correct-horse")) || strings.Contains(text.String(), "correct-horse") || strings.Contains(s.log.String(), "correct-horse") {
			t.Errorf("input %s: the password is in the recording or the log", input)
		}
		if !strings.Contains(text.String(), "got 13 signs") {
			t.Errorf("input %s: the output is not recorded: %s", input, text.String())
		}
		if typed := strings.Contains(text.String(), `"kind":"input","text":"ann\r"`); typed != (input == record.InputEchoed) {
			t.Errorf("input %s: what was echoed is recorded: %v", input, typed)
		}
	}
}
