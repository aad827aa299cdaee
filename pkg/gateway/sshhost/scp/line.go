// Package scp speaks scp's own protocol, as `scp -O` does, with a client, and carries files over the host's SFTP server: no scp
// runs at the host. Every file and folder is judged and recorded by itself.
//
// The protocol has no document but its source: scp.c of OpenSSH.
package scp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what a client may say.
const (
	maxLine  = 8 << 10
	maxDepth = 128
	maxSize  = 1 << 62
)

var errLine = errors.New("malformed line")

// line is one line of the protocol.
type line struct {
	kind         byte // 'C' a file, 'D' a folder begins, 'E' it ends, 'T' the times of what follows
	mode         uint32
	size         uint64
	name         string
	mend, access uint32
}

// parseLine reads a line without its end.
func parseLine(text string) (l line, err error) {
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return l, errLine
	}
	l.kind = text[0]
	fields := strings.SplitN(text[1:], " ", 3)
	switch {
	case l.kind == 'E' && text == "E":
		return l, nil
	case l.kind == 'T':
		return l, l.times(strings.Split(text[1:], " "))
	case l.kind != 'C' && l.kind != 'D' || len(fields) != 3:
		return l, errLine
	}
	mode, err := strconv.ParseUint(fields[0], 8, 32)
	if err != nil || len(fields[0]) != 4 {
		return l, errLine
	}
	if l.size, err = number(fields[1], maxSize); err != nil {
		return l, errLine
	}
	l.mode, l.name = uint32(mode), fields[2]
	if l.name == "" || l.name == "." || l.name == ".." || strings.Contains(l.name, "/") || len(l.name) > 255 {
		return l, fmt.Errorf("%w: an unexpected name", errLine)
	}
	return l, nil
}

// times reads "MTIME 0 ATIME 0".
func (l *line) times(fields []string) error {
	if len(fields) != 4 || fields[1] != "0" || fields[3] != "0" {
		return errLine
	}
	mend, err := number(fields[0], 1<<32-1)
	access, err2 := number(fields[2], 1<<32-1)
	if err != nil || err2 != nil {
		return errLine
	}
	l.mend, l.access = uint32(mend), uint32(access)
	return nil
}

// number reads digits alone.
func number(text string, most uint64) (uint64, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, errLine
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most {
		return 0, errLine
	}
	return n, nil
}

// String is the line as it is sent, without its end.
func (l line) String() string {
	switch l.kind {
	case 'T':
		return fmt.Sprintf("T%d 0 %d 0", l.mend, l.access)
	case 'C', 'D':
		return fmt.Sprintf("%c%04o %d %s", l.kind, l.mode, l.size, l.name)
	}
	return string(l.kind)
}
