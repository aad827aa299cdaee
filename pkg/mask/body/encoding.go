package body

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// ErrEncoding says that a body is encoded in a way that is not read, so that it can't be looked at.
var ErrEncoding = errors.New("a body in this encoding can't be read")

// Limits bound what a body may unpack to. The zero Limits are the strict ones.
type Limits struct {
	Bytes int64 // of the unpacked body; 0 is 64 MiB
	Ratio int64 // unpacked bytes to packed ones, behind the first MiB; 0 is 100
}

const (
	strictBytes = 64 << 20
	strictRatio = 100
	freeBytes   = 1 << 20  // any body may unpack to as much
	maxWindow   = 8 << 20  // of zstd, as RFC 9659 has it for HTTP
	maxCoded    = 64 << 20 // of what the decoder of zstd keeps
)

// Decompress reads a body by its Content-Encoding: gzip, deflate (with its zlib wrapper, RFC 9110), zstd, or none. Every other, and more
// than one, is an error that wraps ErrEncoding. The reader fails where the body is broken, cut short, or larger than the limits.
func Decompress(encoding string, r io.Reader, limits Limits) (io.Reader, error) {
	if limits.Bytes <= 0 {
		limits.Bytes = strictBytes
	}
	if limits.Ratio <= 0 {
		limits.Ratio = strictRatio
	}
	packed := &counter{r: r}
	var unpacked io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		unpacked, err = gzip.NewReader(packed)
	case "deflate":
		unpacked, err = zlib.NewReader(packed)
	case "zstd":
		unpacked, err = zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxCoded))
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrEncoding, encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it is not what its encoding says: %w", ErrMalformed, err)
	}
	return &unpacker{r: unpacked, packed: packed, limits: limits}, nil
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

// Read reads on.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpacker reads up to the limits.
type unpacker struct {
	r      io.Reader
	packed *counter
	limits Limits
	n      int64
	err    error
}

// Read reads on. The decoder has read ahead in what is packed, so that the ratio is the body's so far at most.
func (u *unpacker) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	u.n += int64(n)
	switch {
	case u.n > u.limits.Bytes:
		u.err = fmt.Errorf("%w: it unpacks to more than %d bytes", ErrMalformed, u.limits.Bytes)
	case u.n > freeBytes && u.n/u.limits.Ratio > u.packed.n:
		u.err = fmt.Errorf("%w: it unpacks to more than %d times as much", ErrMalformed, u.limits.Ratio)
	case err != nil && !errors.Is(err, io.EOF):
		u.err = fmt.Errorf("%w: its encoding is broken: %w", ErrMalformed, err)
	case err != nil:
		u.err = io.EOF
	}
	if u.err != nil && u.err != io.EOF {
		return 0, u.err
	}
	return n, u.err
}
