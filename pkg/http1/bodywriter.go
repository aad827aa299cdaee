package http1

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxChunk is how much one chunk holds: written at once, with its size before it.
const maxChunk = 32 << 10

// BodyWriter frames a body as its head announced it. It is not safe for concurrent use.
type BodyWriter struct {
	w      io.Writer
	length int64 // left of a counted body; Chunked, UntilClose
	chunk  []byte
	done   bool
	err    error
}

// NewBodyWriter writes a body of the given length to w: a number of bytes, Chunked, UntilClose or Silent.
func NewBodyWriter(w io.Writer, length int64) *BodyWriter {
	if length < UntilClose {
		length = 0 // a body behind a head that has none would be read as the next answer
	}
	return &BodyWriter{w: w, length: length}
}

// Write writes p as a part of the body. It fails, and writes nothing, where p has more than was announced; behind an error every
// further call fails.
func (b *BodyWriter) Write(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.done:
		return 0, errors.New("the body was closed")
	case b.length >= 0 && int64(len(p)) > b.length:
		b.err = fmt.Errorf("the body is longer than announced, by %d bytes", int64(len(p))-b.length)
		return 0, b.err
	case b.length == Chunked:
		return b.writeChunks(p)
	}
	n, err := b.w.Write(p)
	if b.length >= 0 {
		b.length -= int64(n)
	}
	b.err = err
	return n, err
}

// writeChunks writes no chunk for nothing: an empty one ends the body.
func (b *BodyWriter) writeChunks(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		part := p[written:min(len(p), written+maxChunk)]
		b.chunk = strconv.AppendInt(b.chunk[:0], int64(len(part)), 16)
		b.chunk = append(append(b.chunk, '\r', '\n'), part...)
		b.chunk = append(b.chunk, '\r', '\n')
		if _, b.err = b.w.Write(b.chunk); b.err != nil {
			return written, b.err
		}
		written += len(part)
	}
	return written, nil
}

// Close ends the body: it writes the last chunk, or fails where fewer bytes were written than announced. The connection is of no use
// behind a failure, and w is not closed. A second Close does nothing.
func (b *BodyWriter) Close() error {
	if b.done || b.err != nil {
		return b.err
	}
	b.done = true
	switch {
	case b.length > 0:
		b.err = fmt.Errorf("the body is shorter than announced, by %d bytes", b.length)
	case b.length == Chunked:
		_, b.err = io.WriteString(b.w, "0\r\n\r\n")
	}
	return b.err
}
