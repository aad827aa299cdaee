//go:build !linux

package record

import "os"

// syncData waits until the file's data is on the disk.
func syncData(f *os.File) error { return f.Sync() }
