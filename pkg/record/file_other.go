//go:build !unix

package record

import (
	"io/fs"
	"os"
)

// Recordings are written by hoopd, which runs on Unix; elsewhere this package reads and verifies.
const openNoFollow = 0

func private(fs.FileMode) bool { return true }

func lock(*os.File) error { return nil }

func syncDir(string) error { return nil }
