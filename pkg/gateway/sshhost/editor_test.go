package sshhost_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestAnEditorInTmuxWorks types into vim in tmux in a shell, over the gateway and without it: the file that vim writes at the
// host and what the screen shows are the same.
func TestAnEditorInTmuxWorks(t *testing.T) {
	for _, program := range []string{"tmux", "vim"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is needed: make test-deps", program)
		}
	}
	s := open(t, allowShell)
	screens := map[string]string{}
	for way, client := range map[string]*ssh.Client{"hoop": s.client, "direct": directly(t)} {
		screens[way] = edits(t, client)
	}
	if screens["hoop"] != screens["direct"] || !strings.HasPrefix(screens["direct"], "  1 hello from vim, über hoop\n~") {
		t.Errorf("through hoop the screen shows %q, and directly %q", screens["hoop"], screens["direct"])
	}
	if got := castLines(t, s.sealed(t)); len(got) == 0 {
		t.Error("the recording shows nothing")
	}
}

// edits writes a file with vim, and answers the screen on which its last line, which names the file, is left out.
func edits(t testing.TB, client *ssh.Client) (screen string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoop-vim-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	file := filepath.Join(dir, "notes.txt")
	socket := filepath.Join(dir, "tmux")
	p := sitDown(t, client)
	p.types(t, "", "$ ")
	p.types(t, "export LC_ALL=C.UTF-8; exec tmux -S "+socket+" -f /dev/null new-session 'vim -u NONE -N "+file+"'\r", "notes.txt")
	p.types(t, "ihello from vim, über hoop\x1b", "hoop")
	p.types(t, ":set number\r", "1 ")
	must(t, p.x.WindowChange(30, 100))
	within(t, "vim has drawn the window in its new size", func() bool { // it takes back its last line for that
		return tmux(socket, "display-message", "-p", "#{client_width}x#{client_height}") == "100x30" && strings.Count(tmux(socket, "capture-pane", "-p"), "\n~") == 27
	})
	p.types(t, ":w\r", "written")
	if got, err := os.ReadFile(file); err != nil || string(got) != "hello from vim, über hoop\n" {
		t.Errorf("vim wrote %q (%v)", got, err)
	}
	within(t, "vim has drawn its last line in the last of the pane", func() bool {
		screen = tmux(socket, "capture-pane", "-p")
		return strings.Count(screen, "\n") == 28 // tmux' own line is below
	})
	screen = screen[:strings.LastIndexByte(screen, '\n')+1]
	if err := p.leaves(t, ":q\r"); err != nil {
		t.Errorf("it ends with %v", err)
	}
	return screen
}

// tmux asks a tmux at the host, as its user, and answers its words.
func tmux(socket string, words ...string) string {
	command := exec.Command("tmux", append([]string{"-S", socket}, words...)...)
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, _ := command.CombinedOutput() // an error is among what it says
	return strings.TrimRight(string(out), "\n")
}
