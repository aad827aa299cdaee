package record

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until the file's data, and as much of its metadata as reading needs, is on the disk.
func syncData(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var synced error
	err = raw.Control(func(fd uintptr) {
		for {
			if synced = unix.Fdatasync(int(fd)); synced != unix.EINTR {
				return
			}
		}
	})
	return errors.Join(err, synced)
}
