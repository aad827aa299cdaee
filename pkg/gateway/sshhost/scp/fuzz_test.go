package scp_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/scp"
)

// FuzzLines: a line that is taken is written again as it was, but for zeros before its numbers, and names nothing outside of its folder.
func FuzzLines(f *testing.F) {
	for _, l := range []string{"C0644 12 name", "C0644 12 a name", "D0755 0 d", "E", "T1 0 2 0", "C0644 1 ../x", "C0644 1 ..", "C9999 1 x", "C0644 18446744073709551616 x", "E x", "", "C0644 007 x", "C0644 1  x"} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, in string) {
		again, name, err := scp.Parsed(in)
		if err != nil {
			return
		}
		if strings.ContainsAny(name, "/\n\x00") || name == ".." || name == "." {
			t.Fatalf("%q names %q", in, name)
		}
		if normal(in) != normal(again) {
			t.Fatalf("%q is written as %q", in, again)
		}
	})
}

// normal is a line with its size, or its times, without zeros before them.
func normal(line string) string {
	fields := strings.SplitN(line, " ", 3)
	if len(fields) < 3 {
		return line
	}
	at := []int{1}
	if line[0] == 'T' {
		fields = strings.Split(line[1:], " ")
		at = []int{0, 2}
	}
	for _, i := range at {
		if n, err := strconv.ParseUint(fields[i], 10, 64); err == nil {
			fields[i] = strconv.FormatUint(n, 10)
		}
	}
	return strings.Join(fields, " ")
}
