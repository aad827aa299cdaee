// Package pgfind finds what a private PostgreSQL server is run with: the installed programs and a user who is not root.
package pgfind

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrNone means that no PostgreSQL server is installed where Programs looks.
var ErrNone = errors.New("no initdb and postgres were found on PATH, in /usr/lib/postgresql or where Homebrew puts them: " +
	"install PostgreSQL (apt-get install postgresql, brew install postgresql)")

// ErrRoot means that root has no other user to run a server as.
var ErrRoot = errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")

// Programs is the folder that holds initdb and postgres: PATH first, then the usual places, newest first. Its error is
// ErrNone where there is none.
func Programs() (string, error) {
	var places []string
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real // a link on PATH may stand apart from the rest
		}
		places = append(places, filepath.Dir(p))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/opt/postgresql/bin", "/usr/local/opt/postgresql/bin", "/usr/pgsql-*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("look for PostgreSQL: %w", err)
		}
		slices.Reverse(found)
		places = append(places, found...)
	}
	for _, place := range places {
		if exists(filepath.Join(place, "initdb")) && exists(filepath.Join(place, "postgres")) {
			return place, nil
		}
	}
	return "", ErrNone
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Owner is the user that a server runs as: nil for ourselves, postgres or nobody where we are root. Its error is
// ErrRoot where root has neither.
func Owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return nil, fmt.Errorf("read the ids of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, ErrRoot
}
