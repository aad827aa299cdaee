//go:build unix

package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openNoFollow keeps a symbolic link that somebody put in a recording's place from being followed.
const openNoFollow = unix.O_NOFOLLOW

// private says whether only the owner has rights on a file.
func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

// lock keeps Recover away from a file that a living process writes; the kernel drops it with the process.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("lock recording: %w", err)
	}
	return nil
}

// syncDir makes the names in a folder as lasting as the files.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
