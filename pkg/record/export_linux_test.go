package record

import (
	"os"
	"testing"
)

// Mapped is a file as real recordings are written on Linux, with windows of a size.
func Mapped(t testing.TB, name string, window int) File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	m := onDisk(f).(*mappedFile)
	m.size = window
	return m
}

// IsMapped says whether a file's last write went into memory.
func IsMapped(f File) bool { return f.(*mappedFile).window != nil }
