package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxTrailers is how much may stand behind the last chunk. It is dropped, so there is no use in much.
const maxTrailers = 8 << 10

func newBody(r *bufio.Reader, length int64, status int) io.Reader {
	switch {
	case length == Chunked:
		return &chunks{r: r, status: status}
	case length == UntilClose:
		return r
	case length < 0:
		return &counted{}
	default:
		return &counted{r: r, left: length}
	}
}

// counted is a body of a known length.
type counted struct {
	r    *bufio.Reader
	left int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunks is a body in chunks (RFC 9112 section 7.1).
type chunks struct {
	r      *bufio.Reader
	status int   // of errors
	left   int64 // of the chunk that is being read
	begun  bool  // a chunk was read, and its CRLF was not
	err    error // io.EOF behind the last chunk
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	c.err = unexpected(err)
	return n, c.err
}

// Ready says that a Read answers data that was read ahead, or an end: it need not wait for the CRLF behind a chunk or for the size
// of the next one, which may come with what is said in an hour.
func (c *chunks) Ready() bool {
	ahead, _ := c.r.Peek(c.r.Buffered())
	if c.err != nil || c.left > 0 {
		return c.err != nil || len(ahead) > 0
	}
	if c.begun {
		var ok bool
		if ahead, ok = bytes.CutPrefix(ahead, []byte("\r\n")); !ok {
			return false
		}
	}
	size, data, ok := bytes.Cut(ahead, []byte("\n"))
	last := len(bytes.Trim(size, "0\r")) == 0
	return ok && (len(data) > 0 && !last || bytes.HasPrefix(data, []byte("\r\n")))
}

// next reads up to the data of the next chunk. It is called when more is asked for, not when a chunk was read: data that is here is
// not held back until its CRLF is.
func (c *chunks) next() error {
	if c.begun {
		if err := c.crlf("data of a chunk"); err != nil {
			return err
		}
	}
	c.begun = true
	size, err := c.size()
	if err != nil {
		return err
	}
	if c.left = size; size > 0 {
		return nil
	}
	if err := c.trailers(); err != nil {
		return err
	}
	return io.EOF
}

// size reads a line that gives a chunk's size: one to sixteen hexadecimal digits, a number below 2^62, and CRLF.
func (c *chunks) size() (int64, error) {
	var n uint64
	for digits := 0; ; digits++ {
		b, err := c.r.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		d, ok := unhex(b)
		switch {
		case !ok && digits > 0 && b == '\r':
			if err := c.expect('\n', "size of a chunk"); err != nil {
				return 0, err
			}
			return int64(n), nil
		case !ok:
			return 0, c.bad("the size of a chunk is not made of hexadecimal digits alone")
		case digits == 16 || n >= 1<<58:
			return 0, c.bad("the size of a chunk is too large")
		}
		n = n<<4 | uint64(d)
	}
}

// trailers reads field lines up to the empty one, and forgets them.
func (c *chunks) trailers() error {
	var lines []byte
	for start := 0; ; start = len(lines) {
		for {
			part, err := c.r.ReadSlice('\n')
			if lines = append(lines, part...); len(lines) > maxTrailers {
				return &Error{Status: c.limit(), Reason: "the trailers are longer than 8 KiB"}
			}
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return unexpected(err)
			}
		}
		n := len(lines) - start
		if n < 2 || lines[len(lines)-2] != '\r' {
			return c.bad("a trailer ends with LF alone")
		}
		if n > 2 {
			continue
		}
		if _, err := parseFields(string(lines[:start])); err != nil {
			return c.bad("a trailer is malformed")
		}
		return nil
	}
}

func (c *chunks) crlf(behind string) error {
	if err := c.expect('\r', behind); err != nil {
		return err
	}
	return c.expect('\n', behind)
}

func (c *chunks) expect(want byte, behind string) error {
	b, err := c.r.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	if b != want {
		return c.bad("behind the " + behind + " stands no CRLF")
	}
	return nil
}

func (c *chunks) bad(reason string) error { return &Error{Status: c.status, Reason: reason} }

func (c *chunks) limit() int {
	if c.status == 400 {
		return 431
	}
	return c.status
}

// unexpected says that a connection ended within a body.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func unhex(c byte) (byte, bool) {
	switch c = lower(c); {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	default:
		return 0, false
	}
}
