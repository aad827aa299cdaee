package guardtest

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Recorder is a real recording that can be told to fail, or to take its time.
type Recorder struct {
	w       *record.Writer
	name    string
	failing atomic.Bool
	disk    sync.RWMutex // of who writes; held, it has all who do wait
	waiting atomic.Int64 // those who want to write
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

// Hold has everybody who records wait, as behind a disk that does not answer, until release is called.
func (r *Recorder) Hold() (release func()) {
	r.disk.Lock()
	return r.disk.Unlock
}

// Waiting is how many record, or wait until they may.
func (r *Recorder) Waiting() int64 { return r.waiting.Load() }

// ready waits while the recording is held, and says whether it takes anything. done is called behind what it took.
func (r *Recorder) ready() (done func(), err error) {
	r.waiting.Add(1)
	r.disk.RLock()
	done = func() { r.disk.RUnlock(); r.waiting.Add(-1) }
	if r.failing.Load() {
		done()
		return nil, errFull
	}
	return done, nil
}

var errFull = errors.New("no space left on device")

// Stage adds an event.
func (r *Recorder) Stage(t record.Type, body []byte) (uint64, error) {
	done, err := r.ready()
	if err != nil {
		return 0, err
	}
	defer done()
	return r.w.Stage(t, body)
}

// Commit has it written.
func (r *Recorder) Commit() error {
	done, err := r.ready()
	if err != nil {
		return err
	}
	defer done()
	return r.w.Commit()
}

// Behind says that events wait to be written.
func (r *Recorder) Behind() bool { return r.w.Behind() }

// AppendSync adds an event and waits until it is on the disk.
func (r *Recorder) AppendSync(t record.Type, body []byte) (uint64, error) {
	done, err := r.ready()
	if err != nil {
		return 0, err
	}
	defer done()
	return r.w.AppendSync(t, body)
}

// AppendBatch adds rows.
func (r *Recorder) AppendBatch(command uint64, raw []byte) error {
	done, err := r.ready()
	if err != nil {
		return err
	}
	defer done()
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
