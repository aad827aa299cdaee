package sshhost

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// inDir is a task for a line of line mode: it is judged as a command is, and beside it the cd to where it runs, as if that were
// one of its programs. What is sent holds both.
func (c *channel) inDir(dir, line string) task {
	own := c.session.programs()
	again := func() task { return c.inDir(dir, line) }
	u, why := understand(line, "lines", c.pty.Load() != nil, own)
	if dir == "" || why != nil {
		return c.commandTask("line", u, line, u.normal, why, again)
	}
	there, why := understand("cd "+quote(dir), "lines", false, own)
	if why != nil {
		return c.commandTask("line", u, line, u.normal, why, again)
	}
	head := there.normal + " || exit; "
	both := understood{facts: policy.Command{SSH: &policy.SSH{Channel: "lines", Operators: u.facts.SSH.Operators}}, normal: head + u.normal}
	both.facts.Accesses = slices.Concat(there.facts.Accesses, u.facts.Accesses)
	if u.facts.SSH.Argv != nil {
		both.facts.SSH.Argv = slices.Concat(there.facts.SSH.Argv, u.facts.SSH.Argv)
		if !sameRuns(both, there, u, own) {
			r := notServed("The line can't be judged together with its directory.")
			why = &r
		}
	}
	return c.commandTask("line", both, head+line, both.normal, why, again)
}

// sameRuns says whether what is sent runs the directory's cd, the line's programs, and nothing else.
func sameRuns(both, there, line understood, own policy.Programs) bool {
	whole, why := understand(both.normal, "lines", false, own)
	want := slices.Concat(there.facts.SSH.Argv, [][]string{{"exit"}}, line.facts.SSH.Argv)
	return why == nil && slices.EqualFunc(whole.facts.SSH.Argv, want, slices.Equal[[]string])
}

// changeDir is the gateway's cd. The host is asked where a directory is, by a command that is judged as cd to it; it is taken
// once the host answers with what was judged.
func (l *repl) changeDir(words []string) {
	from, to := l.dir, ""
	switch {
	case len(words) == 2 && words[1] == "": // ~ and below
		from, to = "", words[0]
	case len(words) > 1:
		l.fail("cd takes one directory")
		return
	case len(words) == 1 && words[0] == "-":
		to = l.before
	case len(words) == 1:
		to = words[0]
	}
	if to == "" || from == "" && path.Clean(to) == "." {
		l.dir, l.before, l.end = "", l.dir, ending{}
		return
	}
	dir := absolute(from, to)
	for range 3 { // a link leads to where it leads, and that is judged too
		got, end, ok := l.ask(dir)
		if !ok {
			l.end = end
			return
		}
		if got == dir {
			l.dir, l.before, l.end = dir, l.dir, ending{}
			return
		}
		dir = got
	}
	l.fail("the directory changes while it is asked for")
}

// absolute is a directory seen from another; "" is home, of which nobody here knows where it is.
func absolute(from, to string) string {
	switch {
	case path.IsAbs(to):
		return path.Clean(to)
	case from == "":
		return "./" + path.Clean(to)
	default:
		return path.Join(from, to)
	}
}

// maxDir is the longest name of a directory that is taken, in bytes.
const maxDir = 4 << 10

var errDir = errors.New("the name of a directory is too long")

// place is the answer of pwd.
type place struct{ bytes.Buffer }

func (p *place) Write(b []byte) (int, error) {
	if p.Len()+len(b) > maxDir {
		return 0, errDir
	}
	return p.Buffer.Write(b)
}

// ask changes to a directory at the host and answers where that is. not ok: it does not go, and the client was told why.
func (l *repl) ask(dir string) (got string, end ending, ok bool) {
	var answer place
	end = l.run(false, &answer, func(c *channel) task { return c.into(dir) })
	if end != (ending{}) {
		return "", end, false
	}
	got, whole := strings.CutSuffix(answer.String(), "\n")
	if !whole || !path.IsAbs(got) || path.Clean(got) != got || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
		l.fail("the host's answer is no directory that can be judged")
		return "", l.end, false
	}
	return got, ending{}, true
}

// into is a task that changes to a directory and says where that is.
func (c *channel) into(dir string) task {
	u, why := understand("cd "+quote(dir), "lines", false, c.session.programs())
	sent := u.normal + " && pwd -P"
	return c.commandTask("line", u, sent, sent, why, func() task { return c.into(dir) })
}

// quote is a word as every shell reads it.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
