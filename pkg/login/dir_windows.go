package login

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// checkDir refuses a link. Who may enter is said by the access list that a folder in the user's profile inherits.
func checkDir(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return unsafe(path, "is not a directory, or is a link to one")
	}
	return nil
}

func openNoFollow(path string, flag int) (*os.File, error) {
	if st, err := os.Lstat(path); err == nil && !st.Mode().IsRegular() {
		return nil, unsafe(path, "is not a file")
	}
	return os.OpenFile(path, flag, 0o600)
}

func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
