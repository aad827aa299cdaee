package sshhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// transfer is the transfer that a command line is, or nil.
func (c *channel) transfer(text string) *transfer {
	line, err := argv.Parse(text, argv.Limits{})
	if err != nil {
		return nil
	}
	return transferOf(line)
}

// move asks for a transfer by rsync or git, and carries it once it is admitted. What they carry has no form that can be looked
// at, so it is counted and hashed.
func (c *channel) move(text string, t *transfer) {
	if c.pty.Load() != nil {
		c.refused(c.session.gate.Reject(c.ctx, c.asksFor(text, t, false), noTerminalFiles()))
		return
	}
	if c.session.gate.Scan() != nil {
		c.refused(c.session.gate.Reject(c.ctx, c.asksFor(text, t, false), unseenTransfer()))
		return
	}
	f, err := c.files(t.channel, text)
	if err != nil {
		c.refused(err)
		return
	}
	pass, at, err := c.located(text, t, f)
	c.closed(f, guard.Outcome{Tag: "looked up"})
	if err != nil {
		c.refused(err)
		return
	}
	if pass.Scan() != nil { // the policy changed meanwhile
		r := c.session.gate.Reject(c.ctx, c.asksFor(text, t, false), unseenTransfer())
		_ = pass.Finish(guard.Outcome{Error: r.Code})
		c.refused(r)
		return
	}
	status, outcome := c.moves(pass, at)
	c.finished(pass, outcome)
	c.exit(status)
}

// asksFor is what the guard judges of a transfer.
func (c *channel) asksFor(text string, t *transfer, canonical bool) guard.Command {
	return c.command(t.facts(canonical), text, t.line())
}

// located resolves a transfer's paths, and asks for it.
func (c *channel) located(text string, t *transfer, f *opened) (*guard.Pass, *transfer, error) {
	understand := func(ctx context.Context) (guard.Command, *transfer, error) {
		at, known, err := t.resolved(ctx, f)
		if err != nil {
			return guard.Command{}, nil, err
		}
		return c.asksFor(text, at, known), at, nil
	}
	command, at, err := understand(c.ctx)
	if err != nil {
		return nil, nil, c.session.gate.Reject(c.ctx, c.asksFor(text, t, false), notServed("The paths can't be looked up at the host: "+err.Error()+"."))
	}
	command.Anew = func(ctx context.Context) (guard.Command, error) {
		fresh, _, err := understand(ctx)
		return fresh, err
	}
	pass, err := c.session.gate.Admit(c.ctx, command)
	return pass, at, err
}

// resolved is the transfer with paths in which no link is left, where the host can tell.
func (t *transfer) resolved(ctx context.Context, f *opened) (at *transfer, known bool, err error) {
	if f.Files == nil || t.unclear {
		return t, false, nil
	}
	paths := t.paths()
	for i, p := range paths {
		if t.channel == "git" && strings.HasPrefix(p, "~") { // git itself reads it
			rest, own := strings.CutPrefix(p, "~/")
			if !own {
				return t, false, nil
			}
			p = "./" + rest
		}
		inside := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || p == "." || p == ".."
		if paths[i], err = f.Resolve(ctx, p, inside || t.channel == "git" || t.write); err != nil {
			return nil, false, err
		}
		if inside && t.channel == "rsync" && paths[i] != "/" { // it means what is in it
			paths[i] += "/"
		}
	}
	return t.at(paths), true, nil
}

// unseenTransfer refuses what detectors would have to look into.
func unseenTransfer() refusal {
	return refusal{
		Code: "refused", Rule: "detectors", Message: "Detectors look at what hosts answer here, and can't look into what rsync and git carry.",
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Upload with scp; show a text with a command: ssh HOST cat FILE."}},
	}
}

// moves runs an admitted transfer.
func (c *channel) moves(p *guard.Pass, t *transfer) (ending, guard.Outcome) {
	began := time.Now()
	remote, replies, err := c.start(p, task{asks: askExec})
	if err != nil {
		return c.failed("The host did not run the command: " + err.Error() + ".")
	}
	c.runs(&running{pass: p, remote: remote})
	stop := context.AfterFunc(c.ctx, c.kill)
	defer stop()
	defer c.timed(p)()
	var counting sync.Mutex
	stands := func() error {
		err := p.Stands(c.ctx)
		if err != nil {
			c.cancel(err)
		}
		return err
	}
	out := &counted{admit: func(b []byte) error {
		if err := stands(); err != nil {
			return err
		}
		counting.Lock()
		defer counting.Unlock()
		if r := p.Piece(len(b)); r != nil {
			c.cancel(r)
			return r
		}
		return nil
	}}
	in := &counted{admit: func(b []byte) error {
		p.Input(b)
		return stands()
	}}
	errs := &counted{admit: out.admit}
	var back sync.WaitGroup
	back.Go(func() {
		defer c.session.recovered(c.cancel)
		out.pump(remote, c.Write)
	})
	back.Go(func() {
		defer c.session.recovered(c.cancel)
		errs.pump(remote.Stderr(), c.Stderr().Write)
	})
	c.work.Go(func() { // ends with the channel, which closes behind this transfer
		defer c.session.recovered(c.cancel)
		in.pump(c.Channel, func(b []byte) (n int, err error) {
			err = c.session.up.Continue(p, func(ssh.Conn) error { n, err = remote.Write(b); return err })
			return n, err
		})
		_ = c.session.up.Housekeep(guard.InputEnd, func(ssh.Conn) error { return remote.CloseWrite() })
	})
	end := awaitEnd(replies)
	back.Wait()
	c.runs(nil)
	_ = remote.Close()
	end, outcome := c.concluded(end)
	if err := c.moved(p, t, in, out, outcome.Error, began); err != nil {
		c.session.log.Error("transfer not recorded", "error", err)
		return c.failed("The transfer can't be recorded.")
	}
	return end, outcome
}

// moved records what passed, in the direction in which files went.
func (c *channel) moved(p *guard.Pass, t *transfer, in, out *counted, failed string, began time.Time) error {
	which := out
	if t.write {
		which = in
	}
	bytes, sum := which.total()
	for _, place := range t.paths() {
		e := record.FileOperation{
			Command: p.Number(), Operation: t.channel + " " + t.operation(), Path: place, Bytes: bytes, SHA256: sum, Error: failed, DurationUS: time.Since(began).Microseconds(),
		}
		if err := p.Event(e); err != nil {
			return fmt.Errorf("record a transfer: %w", err)
		}
	}
	return c.session.gate.Commit()
}

// counted counts and hashes what passes in one direction.
type counted struct {
	admit func([]byte) error // before it goes on

	mu    sync.Mutex
	bytes int64
	sum   hash.Hash
}

// pump passes everything on to the end.
func (t *counted) pump(from io.Reader, write func([]byte) (int, error)) {
	buf := make([]byte, pieceSize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if t.admit(buf[:n]) != nil {
				return
			}
			t.add(buf[:n])
			if _, werr := write(buf[:n]); werr != nil {
				_, _ = io.Copy(io.Discard, from) // as a program that reads no more
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (t *counted) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sum == nil {
		t.sum = sha256.New()
	}
	t.sum.Write(b)
	t.bytes += int64(len(b))
}

// total is how much passed so far, and its SHA-256.
func (t *counted) total() (bytes int64, sum string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sum == nil {
		return 0, ""
	}
	return t.bytes, hex.EncodeToString(t.sum.Sum(nil))
}
