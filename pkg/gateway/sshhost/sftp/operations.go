package sftp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// asRefusal is an error of the guard as a refusal, nil where it is none.
func asRefusal(err error) *guard.Refusal {
	var r *guard.Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

func does(effects ...policy.Effect) func([]string) []policy.Access {
	return func(paths []string) (all []policy.Access) {
		for _, e := range effects {
			all = append(all, policy.Access{Effect: e, Object: paths[0]})
		}
		return all
	}
}

// withMode adds the effect of attributes that give powers.
func withMode(a attrs, effects ...policy.Effect) func([]string) []policy.Access {
	if a.privileged() {
		effects = append(effects, policy.Privilege)
	}
	return does(effects...)
}

// moves are the effects of giving what is at the first path the second one.
func moves(paths []string) []policy.Access {
	return []policy.Access{{Effect: policy.Delete, Object: paths[0]}, {Effect: policy.Write, Object: paths[1]}}
}

// links are the effects of a second name: what is under the first can be read and written under it.
func links(paths []string) []policy.Access {
	return []policy.Access{{Effect: policy.Read, Object: paths[0]}, {Effect: policy.Write, Object: paths[0]}, {Effect: policy.Write, Object: paths[1]}}
}

// points are the effects of a symbolic link: whoever follows it later is judged by where it leads.
func points(paths []string) []policy.Access {
	return []policy.Access{{Effect: policy.Write, Object: paths[1]}}
}

// operationOf is what a request that names paths does. ok is false for the others, and for opening a file.
func operationOf(r request) (o operation, ok bool) {
	one := func(follow bool) []named { return []named{{path: r.path, follow: follow}} }
	switch {
	case r.kind == typeStat, r.extension == extStatvfs, r.kind == typeRealpath:
		return operation{name: "stat", paths: one(true), does: does(policy.Read)}, true
	case r.kind == typeLstat, r.kind == typeReadlink:
		return operation{name: "stat", paths: one(false), does: does(policy.Read)}, true
	case r.kind == typeOpendir:
		return operation{name: "list", paths: one(true), does: does(policy.Read)}, true
	case r.kind == typeSetstat, r.extension == extLsetstat:
		return operation{name: "setstat", paths: one(r.kind == typeSetstat), detail: r.attrs.words(), does: withMode(r.attrs, policy.Write)}, true
	case r.kind == typeMkdir:
		return operation{name: "mkdir", paths: one(false), detail: r.attrs.words(), does: withMode(r.attrs, policy.Write)}, true
	case r.kind == typeRemove, r.kind == typeRmdir:
		verb := map[byte]string{typeRemove: "remove", typeRmdir: "rmdir"}[r.kind]
		return operation{name: "remove", verb: verb, paths: one(false), does: does(policy.Delete)}, true
	case r.kind == typeRename:
		return operation{name: "rename", paths: []named{{path: r.path}, {path: r.to}}, does: moves}, true
	case r.extension == extPosixRename:
		return operation{name: "rename", paths: []named{{path: r.path}, {path: r.to}}, does: moves, detail: " (in the place of what is there)"}, true
	case r.extension == extHardlink:
		return operation{name: "link", paths: []named{{path: r.path, follow: true}, {path: r.to}}, does: links}, true
	}
	return operation{}, false
}

// rebuilt is a request with the paths that were judged.
func (r request) rebuilt(paths []string) request {
	out := request{kind: r.kind, extension: r.extension, path: paths[0], attrs: r.attrs, flags: r.flags}
	if len(paths) > 1 {
		out.to = paths[1]
	}
	return out
}

// perform has the host carry out a request that names paths, once it is admitted, and answers the paths that were judged.
func (f *Files) perform(ctx context.Context, r request, holding func()) (reply, []string, error) {
	if r.kind == typeSymlink {
		return f.symlink(ctx, r, holding)
	}
	o, ok := operationOf(r)
	if !ok {
		return reply{}, nil, errPacket
	}
	began := time.Now()
	admitted, err := f.admit(ctx, o, holding)
	if err != nil {
		return reply{}, nil, err
	}
	got, err := f.send(ctx, admitted.pass, r.rebuilt(admitted.paths))
	return got, admitted.paths, errors.Join(err, f.done(admitted, o, r, got, err, began))
}

// symlink makes a link. Its text stays as it was written; what it leads to from there is judged too.
func (f *Files) symlink(ctx context.Context, r request, holding func()) (reply, []string, error) {
	began, place := time.Now(), ""
	if plain(r.to) { // else it is refused behind this
		var err error
		if place, err = f.resolve(ctx, r.to, false); err != nil {
			return reply{}, nil, err
		}
	}
	o := operation{name: "link", verb: "symlink", paths: []named{{path: r.path, follow: true, base: parent(place)}, {path: r.to}}, does: points, detail: fmt.Sprintf(" text=%q", r.path)}
	admitted, err := f.admit(ctx, o, holding)
	if err != nil {
		return reply{}, nil, err
	}
	got, err := f.send(ctx, admitted.pass, request{kind: typeSymlink, path: r.path, to: admitted.paths[1]})
	return got, admitted.paths, errors.Join(err, f.done(admitted, o, r, got, err, began))
}

// send spends a pass for one request, and answers what the host answers.
func (f *Files) send(ctx context.Context, p *guard.Pass, r request) (reply, error) {
	promise := newPromise()
	if err := f.up.With(p, func(h *host) error { return h.ask(r, nil, promise.later) }); err != nil {
		return reply{}, err
	}
	return f.host.await(ctx, promise)
}

// done records an operation that has no handle.
func (f *Files) done(admitted ready, o operation, r request, got reply, failed error, began time.Time) error {
	e := record.FileOperation{Operation: o.name, Path: admitted.paths[0], Mode: r.attrs.octal()}
	if o.verb != "" {
		e.Operation = o.verb
	}
	if len(admitted.paths) > 1 {
		e.To = admitted.paths[1]
	}
	if code := got.status(); got.kind == typeStatus && code != statusOK {
		e.Error = statusText(code)
	}
	if failed != nil {
		e.Error = "the host did not answer"
	}
	return f.ended(admitted.pass, e, began)
}

// open opens a file for what flags say: each of reading and writing is judged by itself.
func (f *Files) open(ctx context.Context, r request, holding func()) (*handle, uint32, error) {
	began := time.Now()
	paths := []named{{path: r.path, follow: true}}
	h := &handle{files: f, began: began}
	path := ""
	undo := func(err error) (*handle, uint32, error) {
		return nil, statusFailure, errors.Join(err, finish(h.read), finish(h.write))
	}
	if r.flags&openRead != 0 {
		admitted, err := f.admit(ctx, operation{name: "read", paths: paths, does: does(policy.Read), shows: true}, holding)
		if err != nil {
			return undo(err)
		}
		h.read, path = admitted.pass, admitted.paths[0]
	}
	if r.flags&^openRead != 0 {
		admitted, err := f.admit(ctx, operation{name: "write", paths: paths, does: withMode(r.attrs, policy.Write), detail: flagWords(r.flags) + r.attrs.words()}, holding)
		if err != nil {
			return undo(err)
		}
		if path != "" && path != admitted.paths[0] {
			h.write = admitted.pass
			return undo(errMoved)
		}
		h.write, path = admitted.pass, admitted.paths[0]
	}
	h.path = path
	code, err := f.opened(ctx, h, request{kind: typeOpen, path: path, flags: r.flags, attrs: r.attrs})
	if err != nil || code != statusOK {
		return nil, code, err
	}
	return h, statusOK, nil
}

// opendir opens a folder to be listed.
func (f *Files) opendir(ctx context.Context, r request, holding func()) (*handle, uint32, error) {
	o, _ := operationOf(r)
	h := &handle{files: f, dir: true, began: time.Now()}
	admitted, err := f.admit(ctx, o, holding)
	if err != nil {
		return nil, statusFailure, err
	}
	h.read, h.path = admitted.pass, admitted.paths[0]
	code, err := f.opened(ctx, h, request{kind: typeOpendir, path: h.path})
	if err != nil || code != statusOK {
		return nil, code, err
	}
	return h, statusOK, nil
}

// errMoved says that a path led elsewhere than it did when it was judged.
var errMoved = errors.New("the path changed while it was opened")

// opened has the host open what was admitted, and looks at once whether the path still is what was judged.
func (f *Files) opened(ctx context.Context, h *handle, r request) (uint32, error) {
	passes := []*guard.Pass{h.read, h.write}
	if h.write == nil || h.read == nil {
		passes = []*guard.Pass{first(h.read, h.write)}
	}
	promise := newPromise()
	for i, p := range passes {
		if err := f.up.With(p, func(host *host) error {
			if i < len(passes)-1 {
				return nil // both are spent by the one request
			}
			return host.ask(r, nil, promise.later)
		}); err != nil {
			return statusFailure, errors.Join(err, finish(h.read), finish(h.write))
		}
	}
	still, lookErr := f.still(ctx, h.path)
	got, err := f.host.await(ctx, promise)
	if err != nil {
		return statusFailure, errors.Join(err, h.ended("the host did not answer"))
	}
	name, ok := got.handle()
	if !ok {
		code := got.status()
		if code == statusOK {
			code = statusFailure
		}
		return code, h.ended(statusText(code))
	}
	h.host = name
	if !still || lookErr != nil {
		f.shut(h)
		return statusFailure, errors.Join(errMoved, lookErr, h.ended("the path changed while it was opened"))
	}
	h.limit(first(h.write, h.read))
	return statusOK, nil
}

func first(a, b *guard.Pass) *guard.Pass {
	if a != nil {
		return a
	}
	return b
}

// finish ends a pass that came to nothing.
func finish(p *guard.Pass) error {
	if p == nil {
		return nil
	}
	return p.Finish(guard.Outcome{Error: "not opened"})
}

// shut closes a handle at the host without waiting for it.
func (f *Files) shut(h *handle) {
	_ = f.up.Housekeep(guard.Forget, func(host *host) error {
		return host.ask(request{kind: typeClose, handle: h.host}, nil, func(reply, *packets) {})
	})
}

func flagWords(flags uint32) (words string) {
	for _, w := range []struct {
		flag uint32
		word string
	}{{openRead, " read"}, {openAppend, " append"}, {openCreate, " create"}, {openTrunc, " truncate"}, {openExcl, " new"}} {
		if flags&w.flag != 0 {
			words += w.word
		}
	}
	return words
}

// parent is the folder that a path is in.
func parent(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return "/"
}
