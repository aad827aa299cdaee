package policy

import (
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// SSH holds the facts about what is asked of a host that rules can ask for.
type SSH struct {
	Channel string // one of Channels
	// Argv are the words of every program that the command runs. Nil: they are not known.
	Argv [][]string
	// Operators are what the command needs a shell for: operators, expansions and redirections.
	Operators []string
	Forward   *Forward // where a forwarded connection leads; nil elsewhere
}

// Files holds the facts about an operation on files.
type Files struct {
	Operation string   // "read", "write", "list", "remove", …
	Paths     []string // canonical and absolute; empty: not known
}

// Channels are the words that `ssh.channels` can name.
func Channels() []string {
	return []string{
		"exec", "shell", "lines", "sftp", "scp", "rsync", "git", ChannelForward, ChannelForwardSocket, ChannelRemoteForward, ChannelAgent, ChannelX11,
	}
}

// FileOperations are the words that `files.operations` can name.
func FileOperations() []string {
	return []string{"read", "write", "list", "stat", "setstat", "remove", "mkdir", "rename", "link"}
}

// sshFacts are what a rule asks of a command on a host. As of SQL's words, a deny or approve rule matches where one of the
// programs that run is listed; an allow rule matches only where all are.
type sshFacts struct {
	runs
	channels []string

	forwards, binds places
	sockets         globs
}

func (f *sshFacts) match(s *SSH, v Verdict) bool {
	if s == nil || f.channels != nil && !f.through(s.Channel, v) {
		return false
	}
	if s.Channel == "shell" && v != Deny && (f.argv != nil || f.operators != "") {
		return false // what it asks for can't be told of a shell, in which anything runs
	}
	return f.operate(s.Argv, s.Operators) && f.leads(s, v) && f.start(s.Argv, bearingOf(v))
}

// redirects says that a pair is what a command line itself does to a file, by ">" or "<". A list of forms allows programs: it says
// nothing of the files that their output goes to.
func (a *Access) redirects() bool {
	return a.Effect != Session && a.Object != "" && strings.Trim(a.Object, "<>|&") == ""
}

// through says whether a rule names a channel. A line of line mode is a command like any other, so what a rule forbids or asks
// approval for in `exec` it does in `lines` too.
func (f *sshFacts) through(channel string, v Verdict) bool {
	return slices.Contains(f.channels, channel) || channel == "lines" && v != Allow && slices.Contains(f.channels, "exec")
}

// fileFacts are what a rule asks of an operation on files: an allow rule matches only where all paths are listed, and another one
// also where the paths are not known.
type fileFacts struct {
	operations []string
	paths      globs
}

func (f *fileFacts) match(s *Files, v Verdict) bool {
	if s == nil || f.operations != nil && !slices.Contains(f.operations, s.Operation) {
		return false
	}
	if v == Allow {
		return f.paths == nil || len(s.Paths) > 0 && f.paths.matchAll(s.Paths)
	}
	return f.paths == nil || len(s.Paths) == 0 || f.paths.matchAny(s.Paths)
}

func (d *decoder) ssh(n *strict.Node) *sshFacts {
	f := &sshFacts{}
	d.Mapping(n, "ssh", strict.Fields{
		"argv":      d.forms(&f.runs),
		"operators": d.operators(&f.runs),
		"channels":  d.words(&f.channels, "channel", Channels()...),
		"forwards":  d.places(&f.forwards, true),
		"binds":     d.places(&f.binds, false),
		"sockets":   d.sockets(&f.sockets),
	})
	d.asks(n)
	return f
}

func (d *decoder) files(n *strict.Node) *fileFacts {
	f := &fileFacts{}
	d.Mapping(n, "files", strict.Fields{
		"operations": d.words(&f.operations, "operation", FileOperations()...),
		"paths":      d.globs(&f.paths),
	})
	d.asks(n)
	return f
}

// asks reports facts without anything in them.
func (d *decoder) asks(n *strict.Node) {
	if n.Kind == strict.Mapping && len(n.Entries) == 0 {
		d.Report(n, "it asks for nothing", "")
	}
}
