package scp

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
)

// Source sends files to a client, as `scp -f` does.
func Source(ctx context.Context, f *sftp.Files, client io.ReadWriter, from string, flags Flags) error {
	p := newPeer(f, client, flags)
	if ok, err := p.accepted(); err != nil || !ok {
		return errors.Join(err, errLine)
	}
	return p.ended(p.send(ctx, from, 0))
}

// send sends a file, or a folder with all in it.
func (p *peer) send(ctx context.Context, from string, depth int) error {
	kind, err := p.files.Kind(ctx, from)
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(from, err))
	}
	if kind == sftp.Folder && p.flags.Recursive {
		return p.sendFolder(ctx, from, depth)
	}
	if kind == sftp.Folder || kind == sftp.Other {
		if err := p.files.Look(ctx, from); err != nil {
			return errors.Join(onlyBroken(ctx, err), p.problem(from, err))
		}
		return p.notRegular(from)
	}
	file, err := p.files.Read(ctx, from)
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(from, err))
	}
	err = p.sendFile(from, file)
	if cerr := file.Close(err); err == nil && cerr != nil {
		err = cerr
	}
	return err
}

var errNotRegular = errors.New("not a regular file")

func (p *peer) notRegular(from string) error {
	p.failed = true
	return p.write("\x01scp: " + printable(from) + ": not a regular file\n")
}

// announced is a line's name: the last part of what was asked for.
func announced(from string) string {
	name := path.Base(strings.TrimRight(from, "/"))
	if name == "/" || name == ".." {
		name = "."
	}
	return name
}

func (p *peer) sendFile(from string, file *sftp.File) error {
	info, err := file.Info()
	if err != nil {
		return p.problem(from, err)
	}
	if ok, err := p.sendTimes(info); err != nil || !ok {
		return err
	}
	if ok, err := p.announce(line{kind: 'C', mode: info.Mode, size: info.Size, name: announced(from)}); err != nil || !ok {
		return err
	}
	sent := &sentBytes{w: p.out}
	copyErr := file.CopyTo(sent, info.Size)
	if sent.err != nil {
		return sent.err
	}
	if copyErr != nil {
		// The client waits for as many bytes as were announced; no other way is left to say that they don't come.
		if err := zeros(p.out, info.Size-sent.n); err != nil {
			return err
		}
		if err := p.problem(from, copyErr); err != nil {
			return err
		}
	} else if err := p.ok(); err != nil {
		return err
	}
	_, err = p.accepted()
	return err
}

// maxZeros is how much is made up for a file that could not be read; behind that the channel ends.
const maxZeros = 16 << 20

func zeros(w io.Writer, n uint64) error {
	if n > maxZeros {
		return errNotRegular
	}
	_, err := w.Write(make([]byte, n))
	return err
}

// sentBytes counts what a client took.
type sentBytes struct {
	w   io.Writer
	n   uint64
	err error
}

func (s *sentBytes) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.n += uint64(n)
	s.err = err
	return n, err
}

func (p *peer) sendTimes(i sftp.Info) (bool, error) {
	if !p.flags.Times {
		return true, nil
	}
	return p.announce(line{kind: 'T', mend: i.Mend, access: i.Access})
}

func (p *peer) announce(l line) (bool, error) {
	if err := p.write(l.String() + "\n"); err != nil {
		return false, err
	}
	return p.accepted()
}

// sendFolder sends a folder. What has a name that the protocol can't carry is told and left out.
func (p *peer) sendFolder(ctx context.Context, from string, depth int) error {
	if depth >= maxDepth {
		return p.notRegular(from)
	}
	names, err := p.files.List(ctx, from)
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(from, err))
	}
	info, err := p.files.Stat(ctx, from)
	if err != nil {
		return errors.Join(onlyBroken(ctx, err), p.problem(from, err))
	}
	if ok, err := p.sendTimes(info); err != nil || !ok {
		return err
	}
	if ok, err := p.announce(line{kind: 'D', mode: info.Mode, name: announced(from)}); err != nil || !ok {
		return err
	}
	for _, name := range names {
		if !utf8.ValidString(name) || printable(name) != name || strings.Contains(name, "/") {
			p.failed = true
			if err := p.write("\x01scp: " + printable(from+"/"+name) + ": a name that can't be carried\n"); err != nil {
				return err
			}
			continue
		}
		if err := p.send(ctx, strings.TrimSuffix(from, "/")+"/"+name, depth+1); err != nil {
			return err
		}
	}
	_, err = p.announce(line{kind: 'E'})
	return err
}
