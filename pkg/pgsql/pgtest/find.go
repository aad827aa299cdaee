package pgtest

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

var errNoPostgres = errors.New("no initdb and postgres on PATH or in /usr/lib/postgresql: install postgresql (version 15)")

// findBin is the folder that holds initdb and postgres: PATH first, then where Debian and Homebrew put them, newest first.
func findBin() (string, error) {
	var places []string
	if p, err := exec.LookPath("initdb"); err == nil {
		places = append(places, filepath.Dir(p))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("look for postgres: %w", err)
		}
		slices.Reverse(found)
		places = append(places, found...)
	}
	for _, place := range places {
		if exists(filepath.Join(place, "initdb")) && exists(filepath.Join(place, "postgres")) {
			return place, nil
		}
	}
	return "", errNoPostgres
}

// Program is the path of a program of the installed PostgreSQL, such as psql or pgbench.
func Program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	bin, err := findBin()
	if err != nil {
		return "", err
	}
	return filepath.Join(bin, name), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// serverOwner is the user that the server runs as: postgres refuses to run as root.
func serverOwner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
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
	return nil, errors.New("postgres can't run as root, and there is no user postgres or nobody")
}
