package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// ChunkKind says what a chunk of a stream is. The values stand in recordings.
type ChunkKind byte

// The kinds of chunks.
const (
	ChunkOutput ChunkKind = 'o' // stdout, or all that a terminal shows
	ChunkErrors ChunkKind = 'e' // stderr
	ChunkInput  ChunkKind = 'i' // what was typed, as far as it may be recorded
	ChunkResize ChunkKind = 'w' // a window change: columns and rows, each a uint32
)

// String is the name of a kind in exports.
func (k ChunkKind) String() string {
	switch k {
	case ChunkOutput:
		return "output"
	case ChunkErrors:
		return "errors"
	case ChunkInput:
		return "input"
	case ChunkResize:
		return "resize"
	default:
		return fmt.Sprintf("kind_%d", byte(k))
	}
}

// Sizes of a chunk: the message's kind and length, and the time.
const (
	// ChunkHeader is what a chunk takes besides its data, in bytes.
	ChunkHeader = rowHeader + 8
	maxChunk    = MaxBatch
)

// Chunk is a piece of a command's streams.
type Chunk struct {
	Kind ChunkKind
	At   time.Duration // since the command's terminal event
	Data []byte
}

// AppendChunk adds a chunk to a batch: kind, length as in AppendRow, microseconds since the terminal event as a big-endian
// uint64, data.
func AppendChunk(batch []byte, c Chunk) []byte {
	batch = append(slices.Grow(batch, ChunkHeader+len(c.Data)), byte(c.Kind))
	batch = binary.BigEndian.AppendUint32(batch, uint32(len(c.Data)+ChunkHeader-1))
	batch = binary.BigEndian.AppendUint64(batch, uint64(max(0, c.At.Microseconds())))
	return append(batch, c.Data...)
}

// ExtendChunk adds data to the last chunk of a batch, which begins at offset.
func ExtendChunk(batch []byte, offset int, data []byte) []byte {
	batch = append(batch, data...)
	binary.BigEndian.PutUint32(batch[offset+1:], uint32(len(batch)-offset-1))
	return batch
}

// AppendResize adds a window change to a batch.
func AppendResize(batch []byte, at time.Duration, columns, rows uint32) []byte {
	var size [8]byte
	binary.BigEndian.PutUint32(size[0:], columns)
	binary.BigEndian.PutUint32(size[4:], rows)
	return AppendChunk(batch, Chunk{Kind: ChunkResize, At: at, Data: size[:]})
}

// Size is the window that a chunk of the kind ChunkResize says.
func (c Chunk) Size() (columns, rows uint32, ok bool) {
	if c.Kind != ChunkResize || len(c.Data) != 8 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(c.Data), binary.BigEndian.Uint32(c.Data[4:]), true
}

// errNoChunks stands for a batch of a command with streams that holds something else.
var errNoChunks = errors.New("batch is not laid out as chunks of a stream")

// chunkReader joins the batches of one command and takes chunks off them.
type chunkReader struct{ held []byte }

// add takes the next piece, and calls each with every chunk that is complete with it. A chunk's data is valid during the
// call.
func (r *chunkReader) add(piece []byte, each func(Chunk) error) error {
	if len(r.held) > 0 {
		r.held = append(r.held, piece...)
		piece = r.held
	}
	for len(piece) >= rowHeader {
		length := int(binary.BigEndian.Uint32(piece[1:]))
		if length < ChunkHeader-1 || length > maxChunk {
			return errNoChunks
		}
		if len(piece) <= length {
			break
		}
		at := binary.BigEndian.Uint64(piece[rowHeader:])
		c := Chunk{Kind: ChunkKind(piece[0]), Data: piece[ChunkHeader : length+1]}
		c.At = time.Duration(min(at, maxMicroseconds)) * time.Microsecond
		if err := each(c); err != nil {
			return err
		}
		piece = piece[length+1:]
	}
	r.held = append(r.held[:0], piece...)
	return nil
}

// maxMicroseconds is the longest time that a chunk can say, about 292 years.
const maxMicroseconds = uint64((1<<63 - 1) / int64(time.Microsecond))

// Runes joins pieces of UTF-8 that were cut anywhere. The zero Runes is ready.
type Runes struct{ held []byte }

// Take is the piece with what was held back before it, and without the beginning of a character at its end, which is held
// back for the next piece. It is valid until the next call.
func (r *Runes) Take(piece []byte) []byte {
	if len(r.held) > 0 {
		piece = append(r.held, piece...)
		r.held = nil
	}
	n := len(piece)
	for i := n - 1; i >= 0 && i >= n-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(piece[i]) {
			if !utf8.FullRune(piece[i:]) {
				r.held = append([]byte(nil), piece[i:]...)
				piece = piece[:i]
			}
			break
		}
	}
	return piece
}

// Rest is what is held back still: a character that never ended.
func (r *Runes) Rest() []byte {
	rest := r.held
	r.held = nil
	return rest
}
