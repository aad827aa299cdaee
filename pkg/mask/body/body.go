// Package body masks the bodies of requests and answers as they pass: values that a path names, what detectors find, and literal
// secrets.
//
// What comes out is the same however the input is cut, memory is bounded, and what can't be looked at is an error and never passed.
// Which types of bodies are looked at, and how, is a closed list:
//
//   - JSON (application/json, +json, text/json) is read strictly (RFC 8259) and passes byte by byte as it came, but for what is masked.
//     A sequence of documents (application/json;stream=watch, NDJSON, JSON text sequences) is masked document by document.
//   - text/event-stream: the data of each event is JSON, or a text.
//   - application/x-www-form-urlencoded: the fields are those of an object; $.name is the field of this name.
//   - text/*, XML and image/svg+xml are text: detectors look at them, and a path can't be applied to them. YAML is refused.
//   - image/*, font/*, audio/*, video/*, text/css, application/wasm and scripts pass unlooked, whatever is asked for but literal
//     secrets: a page that shows masked data would not work without them, and detectors would break them. So that data which is called
//     one of them by mistake does not pass, they are refused where they begin like JSON or like a script's call with JSON in it
//     (JSONP), with a byte order mark, or in UTF-16.
//   - text/html, text/plain and application/xhtml+xml are text. Where paths are asked for they are refused, unless Rules.Pages says
//     that they show nothing of it, and then they are looked at like scripts before they are text.
//   - Everything else is refused (ErrType): multipart, protobuf, CBOR, archives, PDF, application/octet-stream, every charset but
//     UTF-8 and US-ASCII, and a body without a type.
//
// Where nothing but secrets is asked for, every type passes.
package body

import (
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// ErrType says that a body of this type can't be looked at, so it must not pass.
var ErrType = errors.New("a body of this type can't be masked")

// ErrMalformed says that a body is not what its type says, or is larger in a part than what can be looked at. What was put out before
// it may be shown, nothing else of the body may be. Its text tells no part of the body.
var ErrMalformed = errors.New("a body that can't be masked")

// Detectors find in free text what must not be shown. Where they are a *mask.Set, text of any length is looked at; all others can
// look only at what is in memory as a whole, and what is longer than that is masked as a whole or, where it is no JSON, refused.
type Detectors interface {
	// Apply replaces in place what is found in a value, and answers what is left of it, which is never longer.
	Apply(value []byte, form mask.Form) ([]byte, mask.Result)
}

// Rules say what is masked in a body. The zero Rules mask nothing.
type Rules struct {
	Paths     []Path
	As        mask.As   // what is shown in place of values at paths that say nothing themselves; zero is mask.Redact
	Detectors Detectors // nil finds nothing

	// Secrets are replaced in bodies of every type.
	Secrets *Secrets

	// Pages says that pages and plain texts pass though paths are asked for: see the package's comment.
	Pages bool
}

// stage is one way to mask. After an error nothing more is written.
type stage interface {
	write(dst, p []byte) ([]byte, error)
	close(dst []byte) ([]byte, error)
}

// Filter masks one body. It is for one goroutine.
type Filter struct {
	stage   stage // nil: the body passes but for secrets
	secrets *needles
	between []byte // what the stage has put out in this call
	err     error  // the first one, which stays
}

// errClosed is what a filter answers behind its end.
var errClosed = errors.New("the body is over")

// New makes the filter of one body by its media type, as Content-Type has it. An error wraps ErrType, or says which rule can't be
// held to. A body of no bytes needs no filter.
func New(mediaType string, r Rules) (*Filter, error) {
	f := &Filter{secrets: newNeedles(r.Secrets)}
	if len(r.Paths) == 0 && r.Detectors == nil {
		return f, nil
	}
	paths, err := r.paths()
	if err != nil {
		return nil, err
	}
	k, err := kindOf(mediaType, len(paths) > 0, r.Pages)
	if err != nil {
		return nil, err
	}
	l := newLook(r.Detectors, f.secrets)
	switch k {
	case document, sequence, records:
		f.stage = newJSON(newMatcher(paths), l, k)
	case events:
		f.stage = newEventStream(newMatcher(paths), l)
	case form:
		f.stage = newFormFields(newMatcher(paths), l)
	case text:
		f.stage, err = newText(r.Detectors)
	case page:
		var then stage
		then, err = newText(r.Detectors)
		f.stage = &asset{then: then}
	case opaque:
		f.stage = &asset{}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// paths are the rules' paths, each with what it shows.
func (r *Rules) paths() ([]Path, error) {
	as := r.As
	if as == 0 {
		as = mask.Redact
	}
	var paths []Path
	for _, p := range r.Paths {
		if p.text == "" {
			return nil, errors.New("a path is empty")
		}
		if p.as == 0 {
			p.as = as
		}
		if p.as > mask.Null {
			return nil, fmt.Errorf("path %s: values can't be shown as %d", p.text, p.as)
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// Passes says that there is nothing to do: the body may be copied without the filter.
func (f *Filter) Passes() bool { return f.stage == nil && f.secrets == nil }

// Write takes the next bytes of the body, which it neither changes nor keeps, and appends to dst what may be shown by now. What it
// answers with an error may be shown too, and is the end: every later call answers the error again.
func (f *Filter) Write(dst, p []byte) ([]byte, error) {
	if f.err != nil {
		return dst, f.err
	}
	return f.run(dst, func(dst []byte) ([]byte, error) {
		if f.stage == nil {
			return append(dst, p...), nil
		}
		return f.stage.write(dst, p)
	}, p)
}

// Close says that the body is over, and appends the rest of what may be shown. An error says that the body was cut short.
func (f *Filter) Close(dst []byte) ([]byte, error) {
	if f.err != nil {
		return dst, f.err
	}
	dst, err := f.run(dst, func(dst []byte) ([]byte, error) {
		if f.stage == nil {
			return dst, nil
		}
		return f.stage.close(dst)
	}, nil)
	if err != nil {
		return dst, err
	}
	f.err = errClosed
	if f.secrets != nil {
		dst = f.secrets.flush(dst)
	}
	return dst, nil
}

// run has the stage work, and looks for secrets in what it puts out. raw is that where there is no stage.
func (f *Filter) run(dst []byte, work func([]byte) ([]byte, error), raw []byte) (out []byte, err error) {
	had := len(dst)
	out = dst
	defer func() {
		if e := recover(); e != nil { // not what it says: it may hold what was looked at
			out, err = dst[:had], fmt.Errorf("%w: the detectors failed", ErrMalformed)
		}
		f.err = err
	}()
	switch {
	case f.secrets == nil:
		return work(dst)
	case f.stage == nil:
		return f.secrets.write(dst, raw), nil
	}
	f.between, err = work(f.between[:0])
	return f.secrets.write(dst, f.between), err
}
