package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Options are what a Writer needs besides its file. Only Signer must be set.
type Options struct {
	Signer *Signer
	// Logger hears of failures; nil logs nothing.
	Logger *slog.Logger
	// MaxBytes ends a recording that grows beyond it, with ErrFull; 0 sets no limit.
	MaxBytes int64
	// CheckpointEvery is the longest time that a frame waits for a signature; 0 means 5 s.
	CheckpointEvery time.Duration
	// OnCheckpoint is told of every checkpoint once it is on the disk, the first and the seal included: what the broker
	// keeps as witness. It is called without locks held, one call at a time for one Writer, and must return soon.
	OnCheckpoint func(Head)
	// Folders remembers which folders are on the disk already, for all recordings of a process; nil remembers nothing.
	Folders *Folders
	// Buffers are shared by all recordings of a process; nil keeps none.
	Buffers *Buffers
	// Known and Witnessed are for Recover: further keys that the recording may be signed with, and points of its chain
	// that somebody witnessed. A recording that they speak against is not sealed.
	Known     Keys
	Witnessed []Head
	// Now is the clock; nil means time.Now. Its monotonic reading gives Event.Elapsed.
	Now func() time.Time
}

func (o *Options) defaults() error {
	if o.Signer == nil {
		return errors.New("a recording needs a signer")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// file is what a Writer does with its file; tests put failing disks here.
type file interface {
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// diskFile syncs data without the metadata that reading does not need.
type diskFile struct{ *os.File }

func (f diskFile) Sync() error { return syncData(f.File) }

// Create starts a recording. The file must not exist (mode 0600, in folders of 0700, symbolic links are not
// followed), and the header with a first signed checkpoint is on the disk when it returns: an error means that
// nothing is recorded and that the session must not begin.
func Create(name string, h Header, o Options) (*Writer, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make recordings folder: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|openNoFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	w, err := start(f, h, o)
	if err == nil {
		err = o.Folders.sync(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create recording: %w", err), f.Close(), os.Remove(name))
	}
	if o.OnCheckpoint != nil {
		o.OnCheckpoint(w.Head())
	}
	return w, nil
}

func start(f *os.File, h Header, o Options) (*Writer, error) {
	if err := lock(f); err != nil {
		return nil, err
	}
	return newWriter(diskFile{f}, h, o)
}

// newWriter writes the file header, the Header and a checkpoint in one go, and syncs.
func newWriter(f file, h Header, o Options) (*Writer, error) {
	w := &Writer{f: f, o: o, start: o.Now(), hash: chainStart(), telling: make(chan struct{}, 1)}
	w.cond.L, w.drained.L = &w.mu, &w.queueing
	if h.Started.IsZero() {
		h.Started = w.start.UTC()
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staged, w.staging = append(w.staged, fileHeader...), true
	if err := w.write(TypeHeader, nil, body); err != nil {
		return nil, err
	}
	w.staging = false
	if err := w.sign(TypeCheckpoint, nil); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("sync header: %w", err)
	}
	w.synced = w.seq
	return w, nil
}
