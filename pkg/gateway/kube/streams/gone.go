package streams

import (
	"context"
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

// until is the cluster's connection for as long as the session lasts. What a cluster still says when its connection is ended tells
// that it was, and not how a command ended.
type until struct {
	io.Reader
	of *carriage
}

func (u until) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if why := context.Cause(u.of.ctx); why != nil {
		return 0, why
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
