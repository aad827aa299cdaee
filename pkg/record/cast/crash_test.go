package cast_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if name := os.Getenv("CAST_TEST_FILE"); name != "" {
		putOutForever(name, os.Getenv("CAST_TEST_KEYS"))
		return
	}
	os.Exit(m.Run())
}

// putOutForever prints each line that was flushed.
func putOutForever(name, keys string) {
	w := must(record.Create(name, header(), record.Options{Signer: must(record.LoadOrCreateSigner(keys))}))
	s := must(cast.Open(cast.Options{Recorder: w, Terminal: record.Terminal{Command: 1, What: "shell", PTY: true, Columns: 80, Rows: 24}}))
	for i := 0; ; i++ {
		line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i%100))
		must(0, s.Output([]byte(line)))
		if i%20 == 0 {
			must(0, s.Flush())
			fmt.Print(line)
		}
	}
}

func TestAKilledProcessLosesNothingThatWasFlushed(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		name, keys := filepath.Join(dir, "a.hrec"), filepath.Join(dir, "keys")
		cmd := exec.CommandContext(t.Context(), must(os.Executable()))
		cmd.Env = append(os.Environ(), "CAST_TEST_FILE="+name, "CAST_TEST_KEYS="+keys)
		out := must(cmd.StdoutPipe())
		must(0, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; n < 20+10*round && lines.Scan(); n++ {
		}
		must(0, cmd.Process.Kill())
		flushed := lines.Text()
		for lines.Scan() {
			flushed = lines.Text()
		}
		_ = cmd.Wait() // it was killed
		s := must(record.LoadOrCreateSigner(keys))
		must(record.Recover(name, s, record.Options{}))
		data := must(os.ReadFile(name))
		if report := must(record.Verify(bytes.NewReader(data), s.Keys())); report.State != record.Sealed || report.Sealed != "crashed" {
			t.Fatalf("%+v", report)
		}
		text, _, _ := seen(t, data, record.ChunkOutput)
		if !strings.Contains(text, flushed+"\n") {
			t.Errorf("%q was flushed and is not among %d bytes", flushed, len(text))
		}
		var want strings.Builder
		for i := 0; want.Len() < len(text); i++ {
			fmt.Fprintf(&want, "line %d %s\n", i, strings.Repeat("x", i%100))
		}
		if !strings.HasPrefix(want.String(), text) {
			t.Error("what is recorded is not what came out")
		}
		var shown bytes.Buffer
		must(0, cast.Play(t.Context(), &shown, must(record.NewReader(bytes.NewReader(data))), cast.PlayOptions{}))
		if !strings.Contains(shown.String(), flushed+"\n") {
			t.Error("it does not play")
		}
	}
}
