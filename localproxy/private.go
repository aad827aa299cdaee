package localproxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writePrivate writes one file, named config, into a folder of its own that nobody else can enter. remove takes both away.
func writePrivate(prefix string, text []byte) (file string, remove func(), err error) {
	dir, err := os.MkdirTemp("", prefix) // mode 0700
	if err != nil {
		return "", nil, fmt.Errorf("make a private folder: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	file = filepath.Join(dir, "config")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		remove()
		return "", nil, errors.Join(errors.New("write a private file"), err)
	}
	return file, remove, nil
}
