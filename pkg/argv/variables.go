package argv

import (
	"regexp"
	"slices"
	"strings"
)

var (
	ordinaryName = regexp.MustCompile(`^([a-z]|(file|host|name|line|dir|pid|svc|service|port|unit|user|item|node|pod|container|disk|dev)s?)$`)
	locale       = regexp.MustCompile(`^(C|POSIX|[a-z]{2}_[A-Z]{2})?(\.(UTF-8|utf8))?$`)
	plainValue   = regexp.MustCompile(`^[A-Za-z0-9_.+-]*$`)
)

// harmless says that a variable changes neither how a shell reads a line nor what a program runs. What is not listed may:
// PATH, IFS, LD_PRELOAD, BASH_ENV, ENV, PAGER, EDITOR, GIT_SSH, PERL5OPT and a thousand others.
func harmless(name, value string) bool {
	switch {
	case name == "LANG" || name == "LANGUAGE" || strings.HasPrefix(name, "LC_"):
		return variable.MatchString(name) && locale.MatchString(value)
	case slices.Contains([]string{"TZ", "COLUMNS", "LINES", "NO_COLOR", "DEBIAN_FRONTEND", "SYSTEMD_COLORS"}, name):
		return plainValue.MatchString(value)
	default:
		return ordinaryName.MatchString(name)
	}
}

// builtins of a shell that change what the rest of a line means, or that read more of it. A line with one of them is unclear.
var changing = strings.Fields(`. source eval alias unalias set shopt setopt unsetopt emulate enable disable hash unhash trap export readonly
	declare typeset local integer float unset read readarray mapfile getopts let fc history bind complete compgen compopt zmodload autoload functions
	zle bindkey vared print pushd popd dirs disown suspend fg bg jobs logout sched zparseopts zstyle ttyctl limit unlimit rehash`)

// passing are words that hand the next ones to the shell's own commands.
var passing = strings.Fields("command builtin exec")

// arithmetic are the shell's own commands of which some shells compute the words: in a subscript they run a substitution.
var arithmetic = strings.Fields("[ test printf exit return break continue shift wait ulimit umask kill cd echo type")

// steers says why a command makes a line unclear, "" where it doesn't.
func (c *Command) steers() string {
	for _, a := range c.Assigns {
		if subscript(a.Value.Value) {
			return "some shells run what stands in the brackets of " + a.Value.Source
		}
	}
	if len(c.Args) == 0 {
		return ""
	}
	first := c.Args[0]
	if first.Kind != Literal {
		return "the program is not known: " + first.Source
	}
	words := c.Args[:1]
	if slices.Contains(passing, first.Value) {
		words = c.Args
	}
	for _, w := range words {
		if w.Kind != Literal || slices.Contains(changing, w.Value) {
			return w.Source + " may change what the line means"
		}
	}
	if first.Value == "exec" && len(c.Args) == 1 {
		return "exec without a command changes what the line's commands read and write"
	}
	if !slices.Contains(arithmetic, first.Value) {
		return ""
	}
	for _, w := range c.Args[1:] {
		if subscript(w.Value) {
			return "some shells run what stands in the brackets of " + w.Source
		}
	}
	if first.Value == "printf" && len(c.Args) > 1 && (c.Args[1].Kind != Literal || strings.HasPrefix(c.Args[1].Value, "-")) {
		return "printf may set a variable"
	}
	return c.computes()
}
