//go:build unix

package localproxy

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// maxSocketPath is what fits into sockaddr_un on every system.
const maxSocketPath = 103

// listenUnix makes the socket in a directory that nobody else can enter. A socket that nobody answers at is left
// over from a killed process and is taken over; one that answers is somebody's.
func listenUnix(dir, file string) (net.Listener, error) {
	path := filepath.Join(dir, file)
	if len(path) > maxSocketPath {
		return nil, listenerError(fmt.Sprintf("The path of the socket, %s, is longer than %d bytes", path, maxSocketPath), "Name a shorter directory.")
	}
	fd, err := privateDir(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// Two that start at once would both find the socket stale: the directory's lock lets one look at a time.
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", listenerError("The socket "+path+" can't be made", ""), err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("%w (%w)", listenerError("The socket "+path+" can't be made private", ""), err)
	}
	return ln, nil
}

// privateDir opens dir, made if need be, and refuses one that is a link, someone else's, or open to others.
func privateDir(dir string) (int, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return -1, fmt.Errorf("%w (%w)", listenerError("The directory "+dir+" can't be made", ""), err)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%w (%w)", listenerError(dir+" is not a directory, or is a link to one", "Name the directory itself."), err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("look at %s: %w", dir, err)
	}
	switch {
	case int(st.Uid) != os.Getuid():
		err = listenerError(dir+" belongs to another user", "Name a directory of your own.")
	case st.Mode&0o077 != 0:
		err = listenerError(dir+" is open to other users", "chmod 700 "+dir)
	default:
		return fd, nil
	}
	_ = unix.Close(fd)
	return -1, err
}

func clearStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if st.Mode().Type() != fs.ModeSocket {
		return listenerError(path+" exists and is no socket", "Remove it, or name another directory.")
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return listenerError("Somebody listens on "+path+" already", "Name another directory.")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w (%w)", listenerError("It can't be told whether somebody listens on "+path, "Name another directory."), err)
	}
	return os.Remove(path)
}

func listenerError(message, hint string) *api.Error {
	return &api.Error{Code: api.CodeListener, Message: message + ".", Hint: hint}
}
