package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Dir is a folder of this user's alone, for what must outlive a process.
type Dir struct{ path string }

// OpenDir makes the folder if need be, and refuses one that is a link, another user's, or writable by others.
func OpenDir(path string) (*Dir, error) {
	if !filepath.IsAbs(path) {
		return nil, unsafe(path, "is not an absolute path")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("%w (%w)", unsafe(path, "can't be made"), err)
	}
	if err := checkDir(path); err != nil {
		return nil, err
	}
	return &Dir{path: path}, nil
}

// Path returns the folder's path.
func (d *Dir) Path() string { return d.path }

// Read returns a file of at most max bytes. Links are not followed.
func (d *Dir) Read(name string, max int64) ([]byte, error) {
	f, err := openNoFollow(filepath.Join(d.path, name), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s is longer than %d bytes", filepath.Join(d.path, name), max)
	}
	return b, err
}

// Write replaces a file as a whole, with mode 0600 whatever the umask is: a reader sees the old or the new one.
func (d *Dir) Write(name string, content []byte) error {
	return d.write(name, content, func(*os.File) error { return nil })
}

// WriteDurable is Write, and the content is on the disk when it returns.
func (d *Dir) WriteDurable(name string, content []byte) error {
	return d.write(name, content, (*os.File).Sync)
}

func (d *Dir) write(name string, content []byte, sync func(*os.File) error) error {
	f, err := os.CreateTemp(d.path, "."+name+".*") // mode 0600, never an existing file
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(d.path, name), err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, sync(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.path, name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(d.path, name), err)
	}
	return nil
}

// Remove deletes a file. One that does not exist is no error.
func (d *Dir) Remove(name string) error {
	err := os.Remove(filepath.Join(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockPoll is how often a taken lock is tried again; the system's own wait could not be ended.
const lockPoll = 20 * time.Millisecond

// Lock takes a lock that ends with the process at the latest.
func (d *Dir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := openNoFollow(filepath.Join(d.path, name), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		taken, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if taken {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for %s: %w", f.Name(), ctx.Err())
		}
	}
}

// Locked tells whether a process holds the lock.
func (d *Dir) Locked(name string) bool {
	f, err := openNoFollow(filepath.Join(d.path, name), os.O_RDWR)
	if err != nil {
		return false
	}
	defer f.Close()
	taken, err := tryLock(f)
	return err == nil && !taken
}

func unsafe(path, what string) *api.Error {
	return &api.Error{Code: api.CodeUsage, Message: path + " " + what + ".", Hint: "hoop keeps secrets there: it must be yours alone."}
}
