package streams

import (
	"errors"
	"io"
)

// gone says that a connection broke.
type gone struct {
	cluster bool
	err     error
}

func (g *gone) Error() string { return "the connection broke: " + g.err.Error() }

func (g *gone) Unwrap() error { return g.err }

// reader is a connection whose errors, other than its end, say that it is gone.
type reader struct {
	io.Reader
	cluster bool
}

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &gone{r.cluster, err}
	}
	return n, err
}

// writer is a connection whose errors say that it is gone.
type writer struct {
	to      io.Writer
	cluster bool
}

func (w writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		err = &gone{w.cluster, err}
	}
	return n, err
}
