// Package owned gives folders, files and processes of `hoopd dev` to the user that its private servers run as.
package owned

import (
	"fmt"
	"os"
	"syscall"
)

// Give hands files to owner. Nobody is ourselves, whose they are already.
func Give(owner *syscall.Credential, names ...string) error {
	if owner == nil {
		return nil
	}
	for _, name := range names {
		if err := os.Chown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("hand %s to the server's user: %w", name, err)
		}
	}
	return nil
}
