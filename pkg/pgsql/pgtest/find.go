package pgtest

import (
	"os/exec"
	"path/filepath"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgfind"
)

// Program is the path of a program of the installed PostgreSQL, such as psql or pgbench.
func Program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	bin, err := pgfind.Programs()
	if err != nil {
		return "", err
	}
	return filepath.Join(bin, name), nil
}
