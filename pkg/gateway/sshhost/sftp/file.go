package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Error is what a host answered that was no yes.
type Error struct{ code uint32 }

func (e *Error) Error() string {
	switch e.code {
	case statusNoFile:
		return "No such file or directory"
	default:
		return statusText(e.code)
	}
}

// Kind is what stands at a path.
type Kind uint8

// The kinds. Missing is what can't be looked at too.
const (
	Missing Kind = iota
	Regular
	Folder
	Other
)

// Kind tells what stands at a path, where its links lead. It is for what is judged next, and not for the client.
func (f *Files) Kind(ctx context.Context, path string) (Kind, error) {
	at, err := f.Resolve(ctx, path, true)
	if err != nil {
		return Missing, err
	}
	r, err := f.look(ctx, request{kind: typeLstat, path: at})
	if err != nil {
		return Missing, err
	}
	a, ok := r[0].attrs()
	switch {
	case !ok:
		return Missing, nil
	case a.mode&modeType == modeDir:
		return Folder, nil
	case a.mode&modeType == modeRegular:
		return Regular, nil
	}
	return Other, nil
}

// File is an open file.
type File struct {
	handle *handle
	ctx    context.Context //nolint:containedctx // it is the channel's, for which the file was opened
}

// Info is what is told of a file.
type Info struct {
	Size         uint64
	Mode         uint32
	Access, Mend uint32 // times, in seconds since 1970
}

// Read opens a file to be read.
func (f *Files) Read(ctx context.Context, path string) (*File, error) {
	return f.file(ctx, request{kind: typeOpen, path: path, flags: openRead})
}

// Write opens a file to be written from its beginning, with a mode where it is new.
func (f *Files) Write(ctx context.Context, path string, mode uint32) (*File, error) {
	return f.file(ctx, request{kind: typeOpen, path: path, flags: openWrite | openCreate | openTrunc, attrs: attrs{flags: attrMode, mode: mode}})
}

func (f *Files) file(ctx context.Context, r request) (*File, error) {
	h, code, err := f.open(ctx, r, func() {})
	if err != nil {
		return nil, err
	}
	if code != statusOK {
		return nil, &Error{code}
	}
	return &File{h, ctx}, nil
}

// ask asks the host for something about the file, under what it was opened for.
func (x *File) ask(r request) (reply, error) {
	p, err := x.send(r)
	if err != nil {
		return reply{}, err
	}
	return x.handle.files.host.await(x.ctx, p)
}

func (x *File) send(r request) (promise, error) {
	pass := x.handle.passFor(false)
	if refused := x.handle.goesOn(x.ctx); refused != nil {
		return nil, refused
	}
	p := newPromise()
	r.handle = x.handle.host
	return p, x.handle.files.up.Continue(pass, func(h *host) error { return h.ask(r, nil, p.later) })
}

// Info tells about the open file.
func (x *File) Info() (Info, error) {
	r, err := x.ask(request{kind: typeFstat})
	if err != nil {
		return Info{}, err
	}
	a, ok := r.attrs()
	if !ok {
		return Info{}, &Error{r.status()}
	}
	return Info{a.size, a.mode & modeBits, a.atime, a.mtime}, nil
}

// Pieces of a file that are under way at once, and how long each is.
const (
	pieces    = 32
	pieceSize = 64 << 10
)

// errShort says that a file ended before its size.
var errShort = errors.New("the file became shorter while it was read")

// CopyTo writes the first size bytes of the file.
func (x *File) CopyTo(w io.Writer, size uint64) error {
	type piece struct {
		offset uint64
		length uint32
		got    promise
	}
	var under []piece
	for asked, done := uint64(0), uint64(0); done < size; {
		for ; asked < size && len(under) < pieces; asked += pieceSize {
			length := uint32(min(pieceSize, size-asked))
			p, err := x.send(request{kind: typeRead, offset: asked, length: length})
			if err != nil {
				return err
			}
			under = append(under, piece{asked, length, p})
		}
		next := under[0]
		r, err := x.handle.files.host.await(x.ctx, next.got)
		if err != nil {
			return err
		}
		c := &cursor{b: r.body}
		data := c.bytes()
		if r.kind != typeData || c.end() != nil || len(data) == 0 || len(data) > int(next.length) {
			return errShort
		}
		if refused := x.handle.got(next.offset, data); refused != nil {
			return refused
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		done += uint64(len(data))
		under = under[1:]
		if rest := next.length - uint32(len(data)); rest > 0 {
			p, err := x.send(request{kind: typeRead, offset: done, length: rest})
			if err != nil {
				return err
			}
			under = append([]piece{{done, rest, p}}, under...)
		}
	}
	return nil
}

// CopyFrom writes size bytes to the file. What r gives is taken to its end even where the host does not take it: what the
// host answered first that was no yes is the error then.
func (x *File) CopyFrom(r io.Reader, size uint64) error {
	var under []promise
	var failed error
	settle := func(most int) error {
		for len(under) > most {
			got, err := x.handle.files.host.await(x.ctx, under[0])
			if err != nil {
				return err
			}
			if code := got.status(); code != statusOK {
				x.handle.fail(code)
				failed = errors.Join(failed, &Error{code})
			}
			under = under[1:]
		}
		return nil
	}
	buf := make([]byte, pieceSize)
	for offset := uint64(0); offset < size; {
		n, err := io.ReadFull(r, buf[:min(pieceSize, size-offset)])
		if err != nil {
			return fmt.Errorf("the client broke off: %w", err)
		}
		if failed == nil {
			x.handle.sent(offset, buf[:n])
			p, err := x.send(request{kind: typeWrite, offset: offset, data: buf[:n]})
			if refused := asRefusal(err); refused != nil {
				failed = refused
			} else if err != nil {
				return err
			} else {
				under = append(under, p)
			}
		}
		offset += uint64(n)
		if err := settle(pieces); err != nil {
			return err
		}
	}
	return errors.Join(settle(0), failed)
}

// Close closes the file, and records what went through it. why says what went wrong, nil: nothing.
func (x *File) Close(why error) error {
	r, err := x.ask(request{kind: typeClose})
	if refused := asRefusal(err); refused != nil {
		x.handle.files.shut(x.handle)
		err = nil
	}
	cause := ""
	if why != nil {
		cause = "broken off"
	}
	if err == nil && r.kind == typeStatus && r.status() != statusOK {
		x.handle.fail(r.status())
		err = &Error{r.status()}
	}
	return errors.Join(err, x.handle.ended(cause))
}

// maxListing is how much of one folder's listing is taken, in bytes: a host may go on telling names for ever.
const maxListing = 64 << 20

var errListing = errors.New("there are too many names in the folder")

// List are the names in a folder, without "." and "..".
func (f *Files) List(ctx context.Context, path string) ([]string, error) {
	h, code, err := f.opendir(ctx, request{kind: typeOpendir, path: path}, func() {})
	if err != nil {
		return nil, err
	}
	if code != statusOK {
		return nil, &Error{code}
	}
	x := &File{h, ctx}
	var all []string
	held := 0
	for {
		r, err := x.ask(request{kind: typeReaddir})
		if err != nil {
			return nil, errors.Join(err, x.Close(err))
		}
		found, ok := r.names()
		if !ok {
			if code := r.status(); code != statusEOF {
				return nil, errors.Join(&Error{code}, x.Close(nil))
			}
			return all, x.Close(nil)
		}
		if refused := h.read.Piece(len(r.body)); refused != nil {
			h.refuse(refused)
			return nil, errors.Join(refused, x.Close(refused))
		}
		if held += len(r.body); held > maxListing {
			return nil, errors.Join(errListing, x.Close(errListing))
		}
		for _, e := range found {
			if e.name != "." && e.name != ".." {
				all = append(all, e.name)
			}
		}
	}
}

// Look asks whether a client may know what stands at a path.
func (f *Files) Look(ctx context.Context, path string) error {
	got, _, err := f.perform(ctx, request{kind: typeStat, path: path}, func() {})
	if err == nil && got.kind == typeStatus {
		err = &Error{got.status()}
	}
	return err
}

// Mkdir makes a folder.
func (f *Files) Mkdir(ctx context.Context, path string, mode uint32) error {
	return f.simple(ctx, request{kind: typeMkdir, path: path, attrs: attrs{flags: attrMode, mode: mode}})
}

// Set sets a file's mode and times.
func (f *Files) Set(ctx context.Context, path string, i Info) error {
	return f.simple(ctx, request{kind: typeSetstat, path: path, attrs: attrs{flags: attrMode | attrTimes, mode: i.Mode, atime: i.Access, mtime: i.Mend}})
}

func (f *Files) simple(ctx context.Context, r request) error {
	got, _, err := f.perform(ctx, r, func() {})
	if err != nil {
		return err
	}
	if code := got.status(); code != statusOK {
		return &Error{code}
	}
	return nil
}

// Report says an error in the words that a program shows for a path, and a refusal beside them too.
func (f *Files) Report(err error) string {
	var host *Error
	switch r := asRefusal(err); {
	case r != nil:
		f.Tell(r)
		return statusText(statusDenied)
	case errors.As(err, &host):
		return host.Error()
	case errors.Is(err, errShort), errors.Is(err, errMoved), errors.Is(err, errLoop), errors.Is(err, errListing):
		return err.Error()
	}
	f.Log.Warn("file operation failed", "error", err)
	return statusText(statusFailure)
}

// Stat tells about a folder whose names were told: it belongs to the listing.
func (f *Files) Stat(ctx context.Context, path string) (Info, error) {
	at, err := f.Resolve(ctx, path, true)
	if err != nil {
		return Info{}, err
	}
	r, err := f.look(ctx, request{kind: typeLstat, path: at})
	if err != nil {
		return Info{}, err
	}
	a, ok := r[0].attrs()
	if !ok {
		return Info{}, &Error{r[0].status()}
	}
	return Info{a.size, a.mode & modeBits, a.atime, a.mtime}, nil
}
