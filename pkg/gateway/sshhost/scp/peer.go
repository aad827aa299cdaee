package scp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
)

// Flags are those of the half of scp that a client wants at the host.
type Flags struct {
	Recursive, Times, Folder bool
}

// peer is the half that the gateway plays.
type peer struct {
	files  *sftp.Files
	flags  Flags
	in     *bufio.Reader
	out    io.Writer
	failed bool // something was not carried
}

// ErrPartly says that not everything was carried. The client was told what.
var ErrPartly = errors.New("not everything was carried")

func newPeer(f *sftp.Files, client io.ReadWriter, flags Flags) *peer {
	return &peer{files: f, flags: flags, in: bufio.NewReaderSize(client, 64<<10), out: client}
}

// ended turns what was told to the client into the error that the channel ends with.
func (p *peer) ended(err error) error {
	if err == nil && p.failed {
		return ErrPartly
	}
	return err
}

func (p *peer) write(text string) error {
	if _, err := io.WriteString(p.out, text); err != nil {
		return fmt.Errorf("the client left: %w", err)
	}
	return nil
}

// ok says that what was announced is welcome, or has arrived.
func (p *peer) ok() error { return p.write("\x00") }

// problem tells the client what could not be carried; it goes on with the rest.
func (p *peer) problem(name string, err error) error {
	p.failed = true
	return p.write("\x01scp: " + printable(name) + ": " + p.files.Report(err) + "\n")
}

// fatal tells the client why nothing goes on.
func (p *peer) fatal(why string) error {
	return errors.Join(errLine, p.write("\x02scp: "+why+"\n"))
}

// printable is a name without what would end a line.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// text is the rest of a line.
func (p *peer) text() (string, error) {
	var b strings.Builder
	for b.Len() < maxLine {
		c, err := p.in.ReadByte()
		if err != nil {
			return "", fmt.Errorf("the client broke off: %w", err)
		}
		if c == '\n' {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", errLine
}

// accepted takes the client's answer to what was sent. false: it does not want it, and said why to its person.
func (p *peer) accepted() (bool, error) {
	c, err := p.in.ReadByte()
	if err != nil {
		return false, fmt.Errorf("the client broke off: %w", err)
	}
	switch c {
	case 0:
		return true, nil
	case 1:
		_, err := p.text()
		p.failed = true
		return false, err
	}
	return false, errLine
}

// fatalErrors are those behind which a session can't go on.
func broken(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
