package sshd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mark is a variable that every command of this host has, by which what it leaves behind is known as its own.
func (h *Host) mark() string { return "HOOPD_DEV_HOST=" + h.Dir }

// endWithin is how long what is told to end may take.
const endWithin = 5 * time.Second

// endLeft ends every process that a command of this host left. Where the system has no /proc none is found.
func (h *Host) endLeft() error {
	late := time.Now().Add(endWithin)
	for {
		left := h.left()
		if len(left) == 0 {
			return nil
		}
		kill(left)
		if time.Now().After(late) {
			return fmt.Errorf("%d processes that commands on %s left do not end", len(left), filepath.Base(h.Dir))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// left are the running processes that carry the mark.
func (h *Host) left() []*os.Process {
	mark := append(append([]byte{0}, h.mark()...), 0)
	return processes(func(dir string) bool {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		return err == nil && bytes.Contains(append([]byte{0}, environ...), mark)
	})
}

// childrenOf are the running processes that this one started.
func childrenOf(pid int) []*os.Process {
	return processes(func(dir string) bool {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			return false
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		return len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(pid)
	})
}

// processes are those whose folder in /proc is the one looked for. Each is held before it is looked at, so that another
// process that gets its number later is never taken for it.
func processes(is func(dir string) bool) (found []*os.Process) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			continue // it ended
		}
		if is(dir) {
			found = append(found, p)
			continue
		}
		_ = p.Release()
	}
	return found
}

// kill ends processes at once, and lets go of them.
func kill(all []*os.Process) {
	for _, p := range all {
		_ = p.Signal(syscall.SIGKILL) // an error means that it is gone
		_ = p.Release()
	}
}
