package sshhost_test

import (
	"os"
	"strings"
	"testing"
)

func TestLimitsHoldForFiles(t *testing.T) {
	dir, to := scene(t), t.TempDir()
	must(t, os.WriteFile(dir+"/log/big", []byte(strings.Repeat("x", 1<<20)), 0o644))
	must(t, os.WriteFile(to+"/own", []byte("own"), 0o644))
	door := openDoor(t, filesPolicy+"limits: [{name: few, bytes: 300KiB, per: command}]\n")
	for _, command := range []string{"scp -q -F CONFIG web:DIR/log/big TO/got", "scp -O -q -F CONFIG web:DIR/log/big TO/got", "rsync --inplace -e 'ssh -F CONFIG' web:DIR/log/big TO/got"} {
		_ = os.Remove(to + "/got")
		out, code := runProgram(t, "", "sh", "-c", strings.NewReplacer("DIR", dir, "TO", to, "CONFIG", door.config).Replace(command))
		got := must2(os.ReadFile(to + "/got"))
		if code == 0 || strings.Count(string(got), "x") > 300<<10 || !strings.Contains(out, "The limit few is reached") {
			t.Errorf("%s: exit %d, %d bytes: %s", command, code, len(got), out)
		}
	}
	before := tree(t, dir)
	if out, code := runProgram(t, "", "scp", "-q", "-F", door.config, to+"/own", "web:"+dir+"/out/new"); code == 0 || !strings.Contains(out, "limited") || tree(t, dir) != before {
		t.Errorf("an upload, which can't be undone: exit %d: %s", code, out)
	}
}

func TestAnOpenFileHasTheTimeOfAStatement(t *testing.T) {
	dir := scene(t)
	s := open(t, filesPolicy+"limits: [{name: brief, statement: 1s}]\n")
	p := rawSFTP(t, s)
	_, _, ours := p.ask(t, 3, dir+"/log/app.log", 1, 0)
	if kind, _, _ := p.ask(t, 5, ours, uint64(0), 10); kind != 103 {
		t.Errorf("read: %d", kind)
	}
	within(t, "it is over", func() bool {
		kind, code, _ := p.ask(t, 5, ours, uint64(0), 10)
		return kind == 101 && code == 3
	})
	if kind, code, _ := p.ask(t, 4, ours); kind != 101 || code != 0 {
		t.Errorf("closing: %d, %d", kind, code)
	}
	if text := s.recording(t); !strings.Contains(text, `"error":"limit_reached"`) {
		t.Errorf("not recorded: %s", text)
	}
}
