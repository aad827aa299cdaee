//go:build unix

package login

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// checkDir looks at the folder itself, not at what a link leads to, and takes others' rights to look into it away.
func checkDir(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%w (%w)", unsafe(path, "is not a directory, or is a link to one"), err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	switch {
	case int(st.Uid) != os.Getuid():
		return unsafe(path, "belongs to another user")
	case st.Mode&0o022 != 0:
		return unsafe(path, "can be written by other users")
	case st.Mode&0o077 != 0:
		if err := unix.Fchmod(fd, 0o700); err != nil {
			return fmt.Errorf("make %s private: %w", path, err)
		}
	}
	return nil
}

// openNoFollow opens a regular file of this user's. A new one has mode 0600 whatever the umask is.
func openNoFollow(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, unsafe(path, "is a link")
	}
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		err = unsafe(path, "is not a file")
	case int(st.Uid) != os.Getuid():
		err = unsafe(path, "belongs to another user")
	case st.Mode&0o077 != 0:
		err = unsafe(path, "is open to other users: chmod 600 it, or remove it")
	default:
		return f, nil
	}
	_ = f.Close()
	return nil, err
}

func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return err == nil, err
}
