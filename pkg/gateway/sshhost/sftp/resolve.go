package sftp

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Bounds of what is looked up for one path.
const (
	maxLinks = 40 // as Linux has it
	maxParts = 256
)

var errLoop = errors.New("too many links, or too deep a path")

// resolve is a path in which no link is left, as the host's lstat and readlink tell. With follow its last part is followed
// too. ".." goes up from where a link leads to, as the host's kernel does it. What does not exist stays as it was written.
func (f *Files) resolve(ctx context.Context, path string, follow bool) (string, error) {
	var at []string
	rest := split(path)
	if !strings.HasPrefix(path, "/") {
		rest = append(split(f.home), rest...)
	}
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, "/.") {
		follow = true
	}
	for links := 0; len(rest) > 0; {
		if links > maxLinks || len(at)+len(rest) > maxParts {
			return "", errLoop
		}
		if rest[0] == ".." {
			at, rest = at[:max(len(at)-1, 0)], rest[1:]
			continue
		}
		n := slices.Index(rest, "..")
		if n < 0 {
			n = len(rest)
		}
		look := n
		if n == len(rest) && !follow {
			look--
		}
		link, target, err := f.firstLink(ctx, at, rest[:look])
		if err != nil {
			return "", err
		}
		if link < 0 {
			at, rest = append(slices.Clone(at), rest[:n]...), rest[n:]
			continue
		}
		links++
		if strings.HasPrefix(target, "/") {
			at = nil
		} else {
			at = append(slices.Clone(at), rest[:link]...)
		}
		rest = append(split(target), rest[link+1:]...)
	}
	return "/" + strings.Join(at, "/"), nil
}

// split is a path's parts without those that mean nothing.
func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool { return part == "" || part == "." })
}

// firstLink is the place of the first link among parts below at, and where it leads; -1: none is one. All are asked for at
// once. What the host can't look at is no link that it would follow.
func (f *Files) firstLink(ctx context.Context, at, parts []string) (link int, target string, err error) {
	asked := make([]request, len(parts))
	path := strings.Join(append([]string{""}, at...), "/")
	for i, part := range parts {
		path += "/" + part
		asked[i] = request{kind: typeLstat, path: path}
	}
	replies, err := f.look(ctx, asked...)
	if err != nil {
		return 0, "", err
	}
	for i, r := range replies {
		a, ok := r.attrs()
		if !ok {
			return -1, "", nil
		}
		if a.flags&attrMode == 0 {
			return 0, "", errors.New("the host does not tell links from files")
		}
		if a.mode&modeType == modeLink {
			target, err := f.readlink(ctx, asked[i].path)
			return i, target, err
		}
	}
	return -1, "", nil
}

func (f *Files) readlink(ctx context.Context, path string) (string, error) {
	r, err := f.look(ctx, request{kind: typeReadlink, path: path})
	if err != nil {
		return "", err
	}
	found, ok := r[0].names()
	if !ok || len(found) != 1 || !plain(found[0].name) || found[0].name == "" {
		return "", errors.New("the host does not say where a link leads")
	}
	return found[0].name, nil
}

// look asks the host several things at once that show the client nothing and change nothing. The channel's own pass covers
// them.
func (f *Files) look(ctx context.Context, requests ...request) ([]reply, error) {
	promises := make([]promise, len(requests))
	for i, r := range requests {
		promises[i] = newPromise()
		if err := f.up.Continue(f.Opening, func(h *host) error { return h.ask(r, nil, promises[i].later) }); err != nil {
			return nil, err
		}
	}
	replies := make([]reply, len(requests))
	for i, p := range promises {
		var err error
		if replies[i], err = f.host.await(ctx, p); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// still says whether no part of a path that had no link became one.
func (f *Files) still(ctx context.Context, path string) (bool, error) {
	link, _, err := f.firstLink(ctx, nil, split(path))
	return link < 0, err
}
