package argv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

// scratch is a folder in which lines of the corpora run, as an ordinary user. What programs keep for themselves in the user's home
// (top its folder of settings, Debian's rpm a database) is not looked at.
type scratch struct{ dir, home string }

const nobody = 65534

func newScratch(t *testing.T) scratch {
	t.Helper()
	dir, err := os.MkdirTemp("", "argv-corpus-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := scratch{dir, filepath.Join(dir, "home")}
	s.dir = filepath.Join(dir, "work")
	for _, folder := range []string{s.dir, s.home} {
		err := os.Mkdir(folder, 0o755)
		if err == nil && os.Getuid() == 0 {
			err = os.Chown(folder, nobody, nobody)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.fill(t)
	return s
}

// fill makes the folder what it is before a line runs.
func (s scratch) fill(t *testing.T) {
	t.Helper()
	old, err := filepath.Glob(filepath.Join(s.dir, "*"))
	hidden, err2 := filepath.Glob(filepath.Join(s.dir, ".*"))
	if err != nil || err2 != nil {
		t.Error(err, err2)
		return
	}
	for _, path := range append(old, hidden...) {
		if err := os.RemoveAll(path); err != nil {
			t.Error(err)
			return
		}
	}
	for name, text := range map[string]string{"f": "a b c\nd e f\nd e f\n", "g": "x y\n", "d/h": "h\n", "run.sh": "#!/bin/sh\n: >canary\n"} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Error(err)
			return
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Error(err)
			return
		}
	}
	if err := os.Chmod(filepath.Join(s.dir, "run.sh"), 0o755); err != nil {
		t.Error(err)
		return
	}
	if out, err := exec.Command("tar", "-cf", filepath.Join(s.dir, "t.tar"), "-C", s.dir, "f").CombinedOutput(); err != nil {
		t.Error(err, string(out))
		return
	}
	for program, ending := range map[string]string{"xz": "xz", "bzip2": "bz2", "zstd": "zst"} {
		text, err := exec.Command(program, "-qc", filepath.Join(s.dir, "g")).Output()
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, "z."+ending), text, 0o644)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
	if os.Getuid() == 0 {
		err := filepath.WalkDir(s.dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// state is everything in the folder: names, modes and contents.
func (s scratch) state(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %v", path, info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %q", text)
		}
		out.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out.String()
}

// changes runs a line and says whether anything in the folder is another than before.
func (s scratch) changes(t *testing.T, line string, shell ...string) (bool, string) {
	t.Helper()
	before := s.state(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], "-c", line)...)
	cmd.Dir, cmd.Env = s.dir, []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + s.home, "TERM=dumb", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // many fail, and what counts is what they leave behind
	return s.state(t) != before, out.String()
}

// extra are the programs in the corpora that not every machine has.
var extra = strings.Fields(`ar as bc bzip2 busybox column cpio cpp curl dc ed ex faketime gawk gcc gdb git groff iconv jq ld less ltrace m4 make man mawk ncat node openssl
	parallel patch pax perl pic python3 rsync rvim scp screen script setfacl sftp socat sqlite3 ssh ssh-keygen strace tclsh tic tree troff view vim vimdiff xxd xz zip zstd`)

// runs says whether a machine has the programs that a line speaks of.
func runs(line string) bool {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" \n\t;|&(){}'\"", r) }) {
		for _, name := range extra {
			if word == name {
				if _, err := exec.LookPath(name); err != nil {
					return false
				}
			}
		}
	}
	return true
}

// TestHostileLinesAreHostile: each line of the groups that can be run leaves something behind, or takes something away, in one of
// the shells. A line that didn't would show nothing by being refused.
func TestHostileLinesAreHostile(t *testing.T) {
	var lines []sample
	for _, s := range samples(t, "hostile.txt") {
		if strings.HasPrefix(s.group, "[run]") && runs(s.text) {
			lines = append(lines, s)
		}
	}
	if len(lines) < 300 {
		t.Errorf("only %d lines can be run here", len(lines))
	}
	each(t, lines, func(folder scratch, s sample) {
		for _, shell := range []string{"bash", "dash"} {
			folder.fill(t)
			if changed, out := folder.changes(t, s.text, shell); changed {
				return
			} else if shell == "dash" {
				t.Errorf("hostile.txt:%d: %q changed nothing: %s", s.at, s.text, out)
			}
		}
	})
}

// TestHonestLinesChangeNothing: what is let through to a rule that reads leaves its folder as it was.
func TestHonestLinesChangeNothing(t *testing.T) {
	var lines []sample
	for _, s := range samples(t, "honest.txt") {
		if merelyReads(s.text, argv.Setting{NoTerminal: true}) && ends(s.text) {
			s.text = strings.NewReplacer("find / ", "find . ", "/var/log", ".", "du -ah /", "du -ah .").Replace(s.text)
			lines = append(lines, s)
		}
	}
	if len(lines) < 120 {
		t.Errorf("only %d lines can be run", len(lines))
	}
	each(t, lines, func(folder scratch, s sample) {
		folder.fill(t)
		if changed, out := folder.changes(t, s.text, "bash"); changed {
			t.Errorf("honest.txt:%d: %q changed something: %s", s.at, s.text, out)
		}
	})
}

// ends says that a line neither waits for more nor asks another machine.
func ends(line string) bool {
	for _, wait := range []string{" -f", "sleep", "vmstat 1", "mpstat", "pidstat", "sar -", "iostat", "ping", "dig", "host ", "nslookup", "traceroute", "kubectl", "crictl", "apt", "lsof", "chronyc", "du -sh /", "du -xh", "find /"} {
		if strings.Contains(line, wait) {
			return false
		}
	}
	return true
}

// each hands lines to a few runners, of which each has a folder.
func each(t *testing.T, lines []sample, run func(scratch, sample)) {
	t.Helper()
	work := make(chan sample)
	var wait sync.WaitGroup
	for range 4 {
		folder := newScratch(t)
		wait.Go(func() {
			for s := range work {
				run(folder, s)
			}
		})
	}
	for _, s := range lines {
		work <- s
	}
	close(work)
	wait.Wait()
}
