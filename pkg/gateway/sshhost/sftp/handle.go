package sftp

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// maxHandles is how many files and folders one session may have open.
const maxHandles = 256

// handle is an open file or folder. The client knows it by a name of ours; the host's own name never reaches it.
type handle struct {
	files *Files
	host  string
	path  string
	dir   bool

	read, write *guard.Pass // what it was opened for
	began       time.Time
	stop        func() // of its time limit

	mu      sync.Mutex
	in, out flow
	failed  string         // what the host said first that was no yes
	refused *guard.Refusal // nothing more goes through it
}

// flow is what went through a handle one way.
type flow struct {
	bytes   int64
	next    uint64
	sum     hash.Hash
	outside bool // not in order from the first byte
}

func (f *flow) add(offset uint64, data []byte) {
	f.bytes += int64(len(data))
	if f.outside = f.outside || offset != f.next; f.outside {
		return
	}
	if f.sum == nil {
		f.sum = sha256.New()
	}
	f.sum.Write(data)
	f.next += uint64(len(data))
}

// hex is the SHA-256 of a flow that was in order, "" of another one.
func (f *flow) hex() string {
	if f.outside {
		return ""
	}
	if f.sum == nil {
		f.sum = sha256.New()
	}
	return hex.EncodeToString(f.sum.Sum(nil))
}

// goesOn says why nothing more may go through the handle; nil: it may.
func (h *handle) goesOn(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range []*guard.Pass{h.read, h.write} {
		if p == nil || h.refused != nil {
			continue
		}
		if err := p.Stands(ctx); err != nil {
			h.refused = asRefusal(err)
			return err
		}
	}
	if h.refused != nil {
		return h.refused
	}
	return nil
}

// refuse ends what goes through the handle.
func (h *handle) refuse(r *guard.Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused == nil {
		h.refused = r
	}
}

func (h *handle) fail(code uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == "" {
		h.failed = statusText(code)
	}
}

// sent counts data that the client writes, before it goes to the host.
func (h *handle) sent(offset uint64, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.in.add(offset, data)
}

// got counts data that the host answers, before it goes to the client. A refusal means that it may not.
func (h *handle) got(offset uint64, data []byte) *guard.Refusal {
	if r := h.read.Piece(len(data)); r != nil {
		h.refuse(r)
		return r
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.add(offset, data)
	return nil
}

// limit ends the handle after the time that a limit allows.
func (h *handle) limit(p *guard.Pass) { h.stop = p.Timed(h.refuse) }

// ended records what went through the handle. cause says why it was not closed by the client, "" where it was.
func (h *handle) ended(cause string) error {
	if h.stop != nil {
		h.stop()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if cause == "" {
		cause = h.failed
	}
	if h.refused != nil {
		cause = h.refused.Code
	}
	var err error
	if h.dir {
		return h.files.ended(h.read, record.FileOperation{Operation: "list", Path: h.path, Error: cause}, h.began)
	}
	if h.read != nil {
		err = h.files.ended(h.read, record.FileOperation{Operation: "read", Path: h.path, Bytes: h.out.bytes, SHA256: h.out.hex(), Error: cause}, h.began)
	}
	if h.write != nil && err == nil {
		err = h.files.ended(h.write, record.FileOperation{Operation: "write", Path: h.path, Bytes: h.in.bytes, SHA256: h.in.hex(), Error: cause}, h.began)
	}
	return err
}

// ended records an operation that is over, and finishes its pass.
func (f *Files) ended(p *guard.Pass, e record.FileOperation, began time.Time) error {
	e.Command = p.Number()
	e.DurationUS = time.Since(began).Microseconds()
	var err error
	if e.Path, err = p.Scan().Text(e.Path); err == nil {
		e.To, err = p.Scan().Text(e.To)
	}
	if err != nil {
		e.Path, e.To = "", ""
	}
	if err := p.Event(e); err != nil {
		return fmt.Errorf("record a file operation: %w", err)
	}
	tag := e.Operation
	if e.Bytes > 0 {
		tag = fmt.Sprintf("%s %d", e.Operation, e.Bytes)
	}
	if err := p.Finish(guard.Outcome{Tag: tag, Error: e.Error}); err != nil {
		return fmt.Errorf("record an outcome: %w", err)
	}
	return f.Gate.Commit()
}

// handles are those that a client has, by our names.
type handles struct {
	mu   sync.Mutex
	next uint32
	all  map[string]*handle
}

// add gives a handle a name, or answers false where there are too many.
func (t *handles) add(h *handle) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= maxHandles {
		return "", false
	}
	t.next++
	name := string(binary.BigEndian.AppendUint32(nil, t.next))
	t.all[name] = h
	return name, true
}

func (t *handles) get(name string) *handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[name]
}

func (t *handles) take(name string) *handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.all[name]
	delete(t.all, name)
	return h
}

func (t *handles) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all) >= maxHandles
}
