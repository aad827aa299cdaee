package record

import (
	"fmt"
	"path/filepath"
	"sync"
)

// Folders knows the folders whose own names are on the disk, so that not every recording has to see to them again. It is
// for one process, and safe for concurrent use.
type Folders struct {
	mu   sync.Mutex
	last string // folders of the past get no recordings any more
}

// sync makes a new file's name in dir last, and those of the folders of the day where they may be new.
func (f *Folders) sync(dir string) error {
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("sync recordings folder: %w", err)
	}
	if f.knows(dir) {
		return nil
	}
	above := dir
	for range 3 {
		above = filepath.Dir(above)
		if err := syncDir(above); err != nil {
			return fmt.Errorf("sync recordings folder: %w", err)
		}
	}
	if f != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.last = dir
	}
	return nil
}

func (f *Folders) knows(dir string) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last == dir
}
