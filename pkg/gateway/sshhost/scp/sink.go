package scp

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
)

// Sink takes files from a client, as `scp -t` does.
func Sink(ctx context.Context, f *sftp.Files, client io.ReadWriter, path string, flags Flags) error {
	p := newPeer(f, client, flags)
	kind, err := f.Kind(ctx, path)
	if err != nil {
		return errors.Join(err, p.problem(path, err))
	}
	if err := p.ok(); err != nil {
		return err
	}
	return p.ended(p.folder(ctx, path, kind == sftp.Folder || flags.Folder, 0))
}

// folder takes what is announced for a folder, or for one file, until it ends.
func (p *peer) folder(ctx context.Context, path string, exists bool, depth int) error {
	var times *line
	for {
		c, err := p.in.ReadByte()
		if errors.Is(err, io.EOF) && depth == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := p.text()
		if err != nil {
			return err
		}
		if c == 1 || c == 2 { // the client could not read something, and said so to its person
			p.failed = true
			if c == 2 {
				return errLine
			}
			continue
		}
		l, err := parseLine(string(c) + text)
		if err != nil {
			return p.fatal("protocol error: " + strings.TrimPrefix(err.Error(), errLine.Error()+": "))
		}
		at := path
		if exists || depth > 0 {
			at = strings.TrimSuffix(path, "/") + "/" + l.name
		}
		switch l.kind {
		case 'T':
			times = &l
			err = p.ok()
		case 'E':
			if depth == 0 {
				return p.fatal("protocol error: a folder ends that did not begin")
			}
			return p.ok()
		case 'C':
			err = p.takeFile(ctx, at, l, times)
			times = nil
		case 'D':
			err = p.takeFolder(ctx, at, l, times, depth)
			times = nil
		}
		if err != nil {
			return err
		}
	}
}

// takeFile takes one file.
func (p *peer) takeFile(ctx context.Context, at string, l line, times *line) error {
	file, err := p.files.Write(ctx, at, l.mode)
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(at, err))
	}
	if err := p.ok(); err != nil {
		return errors.Join(err, file.Close(err))
	}
	err = file.CopyFrom(p.in, l.size)
	if broken(ctx, err) {
		return errors.Join(err, file.Close(err))
	}
	whole, answered := p.accepted()
	if cerr := file.Close(errors.Join(err, answered)); err == nil {
		err = cerr
	}
	if answered != nil {
		return answered
	}
	if err == nil && times != nil && p.flags.Times {
		err = p.files.Set(ctx, at, sftp.Info{Mode: l.mode, Access: times.access, Mend: times.mend})
	}
	switch {
	case err != nil:
		return errors.Join(onlyBroken(ctx, err), p.problem(at, err))
	case !whole: // it could not be read to its end
		return p.ok()
	}
	return p.ok()
}

// takeFolder takes a folder with all in it.
func (p *peer) takeFolder(ctx context.Context, at string, l line, times *line, depth int) error {
	if !p.flags.Recursive || depth >= maxDepth {
		return p.fatal("protocol error: a folder that was not asked for")
	}
	kind, err := p.files.Kind(ctx, at)
	if err == nil && kind == sftp.Missing {
		err = p.files.Mkdir(ctx, at, l.mode|0o700) // so that it can be filled
	}
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(at, err))
	}
	if err := p.ok(); err != nil {
		return err
	}
	if err := p.folder(ctx, at, true, depth+1); err != nil {
		return err
	}
	if times != nil && p.flags.Times {
		if err := p.files.Set(ctx, at, sftp.Info{Mode: l.mode, Access: times.access, Mend: times.mend}); err != nil {
			p.failed = true
			p.files.Report(err)
			return onlyBroken(ctx, err)
		}
	}
	return nil
}

// onlyBroken is an error behind which nothing goes on, nil for others.
func onlyBroken(ctx context.Context, err error) error {
	if broken(ctx, err) {
		return err
	}
	return nil
}
