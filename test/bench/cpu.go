package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// part is a process with all its children.
type part struct {
	name string
	pid  int
}

// spent is processor time for each unit of work, in microseconds.
type spent struct {
	name   string
	micros float64
}

// tick is the unit of /proc's clocks on Linux (USER_HZ).
const tick = 10 * time.Millisecond

// stat is what /proc says of a process: its parent and the processor time of itself and of its children that ended.
type stat struct {
	parent int
	clock  time.Duration
}

// clocks answers how much processor time each part has used so far, its living and ended children included.
func clocks(parts []part) ([]time.Duration, error) {
	all := map[int]stat{}
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, name := range entries {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 15 {
			return nil, fmt.Errorf("read %s: %q", name, text)
		}
		s := stat{}
		s.parent, _ = strconv.Atoi(fields[1])
		for _, f := range fields[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(f, 10, 64)
			s.clock += time.Duration(n) * tick
		}
		all[pid] = s
	}
	out := make([]time.Duration, len(parts))
	for i, p := range parts {
		for pid := range all {
			if descends(all, pid, p.pid) {
				out[i] += all[pid].clock
			}
		}
	}
	return out, nil
}

func descends(all map[int]stat, pid, from int) bool {
	for range 20 {
		if pid == from {
			return true
		}
		s, ok := all[pid]
		if !ok || s.parent <= 1 {
			return false
		}
		pid = s.parent
	}
	return false
}

func (m measurement) cpuLine() string {
	words := make([]string, len(m.cpu))
	for i, s := range m.cpu {
		words[i] = fmt.Sprintf("%s %.1f us", s.name, s.micros)
	}
	return strings.Join(words, ", ")
}
