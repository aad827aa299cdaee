package record

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// Batches up to inlineBatch bytes are written by the caller itself where nothing is queued: waking a goroutine costs
// more than compressing them saves.
const (
	inlineBatch = 4 << 10
	queueLength = 8
	rowsPrefix  = 13
)

// Encodings of the rows in a TypeRows frame.
const (
	encodingPlain = 0
	encodingS2    = 1
)

type batch struct {
	command uint64
	raw     []byte
	since   int64
}

// AppendBatch adds a piece of a command's result: rows as AppendRow lays them out. It copies raw, so the caller may
// use it again. A large batch is compressed and written by the Writer's own goroutine; when that falls behind,
// AppendBatch waits, and drops nothing; a small one waits for Commit. A row may be cut anywhere between two batches: a command's batches are one
// stream. An error says that the recording failed before; a failure of this batch meets the next call.
func (w *Writer) AppendBatch(command uint64, raw []byte) error {
	for len(raw) > MaxBatch {
		if err := w.appendBatch(command, raw[:MaxBatch]); err != nil {
			return err
		}
		raw = raw[MaxBatch:]
	}
	return w.appendBatch(command, raw)
}

// AppendRow adds one row to a batch as PostgreSQL's DataRow message: 'D', the length of body and of itself as a
// big-endian int32, then body.
func AppendRow(batch, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(append(batch, 'D'), uint32(len(body)+4)), body...)
}

func (w *Writer) appendBatch(command uint64, raw []byte) error {
	w.queueing.Lock()
	if w.closing {
		defer w.queueing.Unlock()
		return w.ended()
	}
	if len(raw) <= inlineBatch && w.written == w.queued {
		w.queueing.Unlock()
		return w.stageRows(command, raw)
	}
	if w.queue == nil {
		w.queue = make(chan batch, queueLength)
		w.worker.Go(w.work)
	}
	w.queued++
	w.queueing.Unlock()
	if w.failed.Load() {
		w.count()
		return w.Err()
	}
	// Seal waits for written to reach queued before it closes the queue.
	w.queue <- batch{command: command, raw: append(w.o.Buffers.forBatch().take(), raw...), since: w.o.Now().UnixNano()}
	return nil
}

// count notes that a batch is done with.
func (w *Writer) count() {
	w.queueing.Lock()
	w.written++
	w.drained.Broadcast()
	w.queueing.Unlock()
}

// work compresses and writes queued batches until Seal closes the queue. After a failure it only counts them, so that
// nobody waits for it.
func (w *Writer) work() {
	for b := range w.queue {
		w.handling.Store(b.since)
		compressed := w.handle(b, w.o.Buffers.forPacking().take())
		w.handling.Store(0)
		w.o.Buffers.forBatch().giveBack(b.raw)
		w.o.Buffers.forPacking().giveBack(compressed)
	}
}

// handle writes one batch. A panic fails the recording and nothing else. An error is kept in w, and met by the next
// call.
func (w *Writer) handle(b batch, scratch []byte) (compressed []byte) {
	defer w.count()
	defer func() {
		if problem := recover(); problem != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			_ = w.fail(fmt.Errorf("compress batch: panic: %v", problem))
		}
	}()
	compressed = s2.Encode(scratch[:cap(scratch)], b.raw)
	if len(compressed) >= len(b.raw) {
		_ = w.writeRows(b.command, len(b.raw), encodingPlain, b.raw)
		return compressed
	}
	_ = w.writeRows(b.command, len(b.raw), encodingS2, compressed)
	return compressed
}

// stageRows leaves a small batch for Commit.
func (w *Writer) stageRows(command uint64, raw []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staging = true
	defer func() { w.staging = false }()
	return w.rows(command, len(raw), encodingPlain, raw)
}

// writeRows writes one TypeRows frame: command, length before compression, encoding, data.
func (w *Writer) writeRows(command uint64, length int, encoding byte, data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows(command, length, encoding, data)
}

// rows puts one TypeRows frame at the end of the chain. mu is held.
func (w *Writer) rows(command uint64, length int, encoding byte, data []byte) error {
	if err := w.usable(); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(w.prefix[0:], command)
	binary.LittleEndian.PutUint32(w.prefix[8:], uint32(length))
	w.prefix[12] = encoding
	if err := w.write(TypeRows, w.prefix[:], data); err != nil {
		return err
	}
	w.arm()
	return nil
}

// Batch is the decoded body of a TypeRows frame.
type Batch struct {
	Command uint64
	Raw     []byte // a piece of the stream of rows, as AppendRow lays them out
}

// DecodeBatch reads the body of a TypeRows frame. It uses buf where that is large enough.
func DecodeBatch(body, buf []byte) (Batch, error) {
	if len(body) < rowsPrefix {
		return Batch{}, errors.New("batch of rows is shorter than its prefix")
	}
	b := Batch{Command: binary.LittleEndian.Uint64(body)}
	length := binary.LittleEndian.Uint32(body[8:])
	data := body[rowsPrefix:]
	if length > MaxBatch {
		return Batch{}, fmt.Errorf("batch of rows claims %d bytes, %d are allowed", length, MaxBatch)
	}
	switch body[12] {
	case encodingPlain:
		b.Raw = data
	case encodingS2:
		claimed, err := s2.DecodedLen(data)
		if err != nil || claimed != int(length) {
			return Batch{}, errors.New("batch of rows is compressed to another length than it claims")
		}
		if b.Raw, err = s2.Decode(buf[:cap(buf)], data); err != nil {
			return Batch{}, fmt.Errorf("decompress batch of rows: %w", err)
		}
	default:
		return Batch{}, fmt.Errorf("batch of rows has the unknown encoding %d", body[12])
	}
	if len(b.Raw) != int(length) {
		return Batch{}, errors.New("batch of rows has another length than it claims")
	}
	return b, nil
}
