package guardtest

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Recorder is a real recording that can be told to fail.
type Recorder struct {
	w       *record.Writer
	name    string
	failing atomic.Bool
}

func startRecording(t testing.TB, c policy.Connection) *Recorder {
	t.Helper()
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{name: filepath.Join(dir, "se_test.hrec")}
	r.w, err = record.Create(r.name, record.Header{Session: "se_test", Connection: c.Name, Kind: c.Kind, Started: time.Now()}, record.Options{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Fail has the recording take nothing more.
func (r *Recorder) Fail() { r.failing.Store(true) }

var errFull = errors.New("no space left on device")

// Stage adds an event.
func (r *Recorder) Stage(t record.Type, body []byte) (uint64, error) {
	if r.failing.Load() {
		return 0, errFull
	}
	return r.w.Stage(t, body)
}

// Commit has it written.
func (r *Recorder) Commit() error {
	if r.failing.Load() {
		return errFull
	}
	return r.w.Commit()
}

// Behind says that events wait to be written.
func (r *Recorder) Behind() bool { return r.w.Behind() }

// AppendSync adds an event and waits until it is on the disk.
func (r *Recorder) AppendSync(t record.Type, body []byte) (uint64, error) {
	if r.failing.Load() {
		return 0, errFull
	}
	return r.w.AppendSync(t, body)
}

// AppendBatch adds rows.
func (r *Recorder) AppendBatch(command uint64, raw []byte) error {
	if r.failing.Load() {
		return errFull
	}
	return r.w.AppendBatch(command, raw)
}

func (r *Recorder) file(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(r.name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
