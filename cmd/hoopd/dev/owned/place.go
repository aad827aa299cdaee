package owned

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Place is the private folder of a server in the state folder. Where the server's user can't get there, it is a link to a
// folder of its own below the system's temporary folder, and the link remembers it.
func Place(state, name string, owner *syscall.Credential) (string, error) {
	dir := filepath.Join(state, name)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real, check(real, owner)
	}
	// Nothing there, or a link to what is gone.
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("replace %s: %w", dir, err)
	}
	if owner == nil || reachable(state, owner) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return "", fmt.Errorf("make the server's folder: %w", err)
		}
		return dir, Give(owner, dir)
	}
	elsewhere, err := os.MkdirTemp("", "hoop-"+name+"-")
	if err != nil {
		return "", fmt.Errorf("make the server's folder: %w", err)
	}
	if !reachable(filepath.Dir(elsewhere), owner) {
		return "", errors.Join(fmt.Errorf("the server's user reaches neither %s nor %s: choose a --state that it can reach", state, os.TempDir()), os.Remove(elsewhere))
	}
	if err := Give(owner, elsewhere); err != nil {
		return "", err
	}
	if err := os.Symlink(elsewhere, dir); err != nil {
		return "", fmt.Errorf("remember the server's folder: %w", err)
	}
	return elsewhere, nil
}

// check refuses a folder that is not the server's own, which somebody may have put there.
func check(dir string, owner *syscall.Credential) error {
	uid := os.Geteuid()
	if owner != nil {
		uid = int(owner.Uid)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the server's folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != uid || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a private folder of the user that the server runs as (uid %d): move it away, and a new one is made", dir, uid)
	}
	return nil
}

// reachable says whether a user can pass through every folder down to dir.
func reachable(dir string, owner *syscall.Credential) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for ; ; real = filepath.Dir(real) {
		info, err := os.Stat(real)
		if err != nil {
			return false
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		bit := os.FileMode(0o001)
		switch {
		case stat.Uid == owner.Uid:
			bit = 0o100
		case stat.Gid == owner.Gid:
			bit = 0o010
		}
		if info.Mode().Perm()&bit == 0 {
			return false
		}
		if real == filepath.Dir(real) {
			return true
		}
	}
}
