package record

import (
	"os"
	"testing"
)

// File is the seam below a Writer.
type File = file

// CreateOn starts a recording on a file of the test's own making.
func CreateOn(f File, h Header, o Options) (*Writer, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	return newWriter(f, h, o)
}

// OnDisk is a file with the syncing of real recordings.
func OnDisk(t testing.TB, name string) File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return diskFile{f}
}

// ShowValue is how exports show a value.
func ShowValue(value []byte, c Column) string { return showValue(value, c) }
