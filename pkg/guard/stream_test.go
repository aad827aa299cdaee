package guard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func TestStreamsAreRecordedOfAnAdmittedCommandAlone(t *testing.T) {
	j := &journal{}
	s := gate(t, verdict(policy.Allow), j, newDesk())
	for what, p := range map[string]*guard.Pass{"none": nil, "nobody's": {}} {
		if _, err := p.Stream(record.Terminal{What: "exec"}); !errors.Is(err, guard.ErrNoPass) {
			t.Errorf("%s pass: %v", what, err)
		}
		if err := p.Event(record.Forward{}); !errors.Is(err, guard.ErrNoPass) {
			t.Errorf("%s pass: %v", what, err)
		}
	}
	p, err := s.Admit(t.Context(), command("ls"))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := p.Stream(record.Terminal{What: "exec", Command: 99})
	if err != nil || !j.has(record.TypeTerminal, `"command":1,"what":"exec","input":"none"`) {
		t.Fatalf("%v, %v", err, j.bodies)
	}
	if err := errors.Join(stream.Output([]byte("out")), p.Event(record.FileOperation{Operation: "read", Path: "/x"}), stream.Close(record.Exit{})); err != nil {
		t.Fatal(err)
	}
	if !j.has(record.TypeFile, `"path":"/x"`) || !j.has(record.TypeExit, `"command":1,"output_bytes":3`) || j.rows != record.ChunkHeader+3 {
		t.Errorf("%v, %d bytes", j.bodies, j.rows)
	}
	if err := p.Finish(guard.Outcome{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stream(record.Terminal{What: "exec"}); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("after its end: %v", err)
	}
}

// Nothing but its output tells what was done in a shell, so that no part of it is only counted.
func TestAShellIsRecordedBeyondTheCapOfResults(t *testing.T) {
	for what, c := range map[string]struct {
		terminal record.Terminal
		whole    bool
	}{
		"a shell": {record.Terminal{What: "shell"}, true}, "a terminal": {record.Terminal{What: "exec", PTY: true}, true},
		"a command": {record.Terminal{What: "exec"}, false},
	} {
		j := &journal{}
		p, err := gate(t, verdict(policy.Allow), j, newDesk()).Admit(t.Context(), command("x"))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := p.Stream(c.terminal)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(stream.Output([]byte(strings.Repeat("x", 2<<20))), stream.Close(record.Exit{})); err != nil {
			t.Fatal(err)
		}
		if whole := j.rows >= 2<<20; whole != c.whole {
			t.Errorf("%s: %d bytes are kept", what, j.rows)
		}
	}
}
