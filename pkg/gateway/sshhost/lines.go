package sshhost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
	"golang.org/x/term"

	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// repl is line mode: a prompt of the gateway's own, in the place of a shell. Each line is judged, and runs in a channel of its
// own at the host; nothing is kept there from one line to the next, and here no more than the directory.
type repl struct {
	c      *channel
	keys   *typed
	screen *term.Terminal // nil: plain lines come, and no prompt is shown
	plain  *bufio.Scanner // where there is no screen
	dir    string         // where lines run, absolute; "": where the host puts them
	before string         // the directory before that
	end    ending         // of the latest line
}

// lines is line mode from its first prompt to its end.
func (c *channel) lines(why *guard.Refusal) {
	l := newRepl(c)
	c.mu.Lock()
	c.repl = l
	c.mu.Unlock()
	c.work.Go(func() {
		defer c.session.recovered(c.cancel)
		l.keys.fill(c.Channel) // ends with the channel, which closes behind the prompt
	})
	defer l.keys.stop()
	c.say(
		"hoop: no shell here: "+record.Escape(why.Message),
		"hoop: line mode: each line is judged and runs by itself; cd is remembered, exit or Ctrl-D leaves",
	)
	for c.ctx.Err() == nil {
		line, err := l.read()
		if err != nil || l.take(line) {
			break
		}
	}
	if c.ctx.Err() != nil {
		l.end = ending{none: true}
	}
	c.exit(l.end)
}

func newRepl(c *channel) *repl {
	l := &repl{c: c, keys: newTyped()}
	keys := lineKeys{l}
	if c.pty.Load() == nil {
		l.plain = bufio.NewScanner(keys)
		l.plain.Buffer(nil, maxExec)
		return l
	}
	p := c.sized()
	l.screen = term.NewTerminal(keys, "")
	l.resized(windowRequest{Columns: p.Columns, Rows: p.Rows})
	return l
}

// lineKeys is what the prompt reads from and writes to.
type lineKeys struct{ *repl }

func (k lineKeys) Write(b []byte) (int, error) { return k.c.Write(b) }

// Read has Ctrl-C clear the line: it goes to its end, and deletes all before it.
func (k lineKeys) Read(p []byte) (int, error) {
	n, err := k.keys.next(k.c.ctx, p[:(len(p)+1)/2])
	if k.screen == nil {
		return n, err
	}
	keys := strings.ReplaceAll(string(p[:n]), string(rune(interrupt)), "\x05\x15")
	return copy(p, keys), err
}

// maxSide bounds a screen that a client can name.
const maxSide = 10_000

func (l *repl) resized(w windowRequest) {
	if l.screen == nil || w.Columns == 0 || w.Columns > maxSide || w.Rows > maxSide {
		return
	}
	_ = l.screen.SetSize(int(w.Columns), int(w.Rows)) // it fails where the client is gone
}

// read shows a prompt and answers the next line. A client that only looks at a prompt has nothing under way.
func (l *repl) read() (string, error) {
	l.c.session.busy.Add(-1)
	defer l.c.session.busy.Add(1)
	if l.screen == nil {
		if l.plain.Scan() {
			return l.plain.Text(), nil
		}
		return "", errors.Join(io.EOF, l.plain.Err())
	}
	dir := l.dir
	if dir == "" {
		dir = "~"
	}
	l.screen.SetPrompt(fmt.Sprintf("hoop %s:%s> ", l.c.session.name, record.Escape(dir)))
	return l.screen.ReadLine()
}

// take carries out a line, and says whether it was the last one.
func (l *repl) take(line string) (last bool) {
	line = strings.TrimSpace(line)
	if line == "" {
		return false
	}
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		l.fail("a line is UTF-8 text without NUL")
		return false
	}
	switch words := plainWords(line); {
	case len(words) > 0 && (words[0] == "exit" || words[0] == "logout") && len(words) < 3:
		return l.leave(words[1:])
	case len(words) > 0 && words[0] == "cd":
		l.changeDir(words[1:])
	default:
		l.end = l.run(true, nil, func(c *channel) task { return c.inDir(l.dir, line) })
	}
	return false
}

// plainWords are the words of a line that is one program without anything of a shell's; nil: it is not.
func plainWords(line string) []string {
	if home, ok := strings.CutPrefix(line, "cd ~"); ok && (home == "" || home[0] == '/') {
		line = "cd " + strings.TrimLeft("."+home, "/") + " ''" // the last word tells changeDir to begin at home
	}
	parsed, err := argv.Parse(line, argv.Limits{})
	if err != nil || !parsed.Known() || len(parsed.Commands) != 1 || len(parsed.Operators)+len(parsed.Expansions) > 0 {
		return nil
	}
	one := parsed.Commands[0]
	if words, ok := one.Values(); ok && len(one.Redirects)+len(one.Assigns) == 0 {
		return words
	}
	return nil
}

// leave ends line mode, with a status of the client's choice or that of the latest line.
func (l *repl) leave(words []string) bool {
	if len(words) == 0 {
		return true
	}
	status, err := strconv.ParseUint(words[0], 10, 8)
	if err != nil {
		l.fail("exit takes a number below 256")
		return false
	}
	l.end = ending{status: uint32(status)}
	return true
}

// run carries out a task in a channel of its own, with the client's terminal where it has one and terminal says so. Its output
// goes to out, the client where that is nil.
func (l *repl) run(terminal bool, out io.Writer, of func(*channel) task) ending {
	c := l.enter(terminal, out)
	defer l.left(c)
	end, err := c.perform(of(c))
	var r *guard.Refusal
	switch {
	case errors.As(err, &r):
		l.c.say(refusalWords(r)...)
	case err != nil:
		l.c.say("hoop: the line was not admitted")
	default:
		return end
	}
	return ending{status: refusedStatus}
}

func refusalWords(r *guard.Refusal) []string {
	words := []string{"hoop: " + record.Escape(r.Message)}
	if hint := r.Hint(); hint != "" {
		words = append(words, "hint: "+record.Escape(hint))
	}
	return words
}

func (l *repl) fail(message string) {
	l.c.say("hoop: " + message)
	l.end = ending{status: refusedStatus}
}

// enter makes the channel of one line, within the client's.
func (l *repl) enter(terminal bool, out io.Writer) *channel {
	outer := l.c
	c := &channel{session: outer.session}
	c.ctx, c.cancel = context.WithCancelCause(outer.ctx)
	c.Channel = &lineChannel{Channel: outer.Channel, line: c, out: out}
	c.started, c.env = true, outer.env
	outer.mu.Lock()
	defer outer.mu.Unlock()
	if p := outer.pty.Load(); p != nil {
		c.keys = l.keys
		if terminal {
			c.pty.Store(p)
			c.size = outer.size
		}
	}
	outer.line = c
	return c
}

// left ends a line's channel, once nothing of it is under way.
func (l *repl) left(c *channel) {
	c.cancel(errLeft)
	c.work.Wait()
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.line = nil
}

// lineChannel is the client's channel as one line has it.
type lineChannel struct {
	ssh.Channel
	line *channel
	out  io.Writer
}

// Read answers what is typed, where there is a terminal; else a line has no input.
func (c *lineChannel) Read(p []byte) (int, error) {
	if c.line.keys == nil || c.line.pty.Load() == nil {
		return 0, io.EOF
	}
	return c.line.keys.next(c.line.ctx, p)
}

func (c *lineChannel) Write(p []byte) (int, error) {
	if c.out != nil {
		return c.out.Write(p)
	}
	return c.Channel.Write(p)
}
