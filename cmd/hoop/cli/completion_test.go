package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCompletionScriptsAreUpToDate(t *testing.T) {
	for shell, file := range map[string]string{"bash": "hoop.bash", "zsh": "_hoop", "fish": "hoop.fish", "powershell": "hoop.ps1"} {
		want, err := os.ReadFile(filepath.Join("..", "..", "..", "completions", file))
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		p := &program{version: "1.2.3", args: []string{"completion", shell}, out: &out, err: &errs}
		if code := p.run(t.Context()); code != 0 || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("completions/%s differs (exit %d, %s): run make generate", file, code, errs.String())
		}
	}
}
