package argv

import (
	"regexp"
	"slices"
	"strings"
)

// awk judges a program of awk: the first operand. Everything in awk that reaches out needs one of these: system, a pipe or a
// file behind print, getline, or a function called by a name that is computed ("@", which also loads code).
func (j *judge) awk(object string, operands []Word) {
	if len(operands) == 0 || operands[0].Kind != Literal {
		j.add(Unknown, object, "the program is not known")
		return
	}
	if slices.ContainsFunc(operands[1:], func(w Word) bool { return strings.HasPrefix(w.Value, "/inet") }) {
		j.add(Transfer, object, "what gawk reads there comes from another machine")
	}
	text := operands[0].Value
	calls := strings.ReplaceAll(text, "||", "")
	print := strings.Index(text, "print")
	switch {
	case strings.Contains(text, "system"), strings.Contains(text, "getline"), strings.Contains(text, "@"), strings.Contains(text, "\\\n"):
		j.add(Execute, object, "the program may run a command")
	case print >= 0 && strings.Contains(calls, "|"):
		j.add(Execute, object, "the program may print into a command")
	case print >= 0 && strings.Contains(strings.ReplaceAll(text[print:], ">=", ""), ">"):
		j.add(Write, object, "the program may print into a file")
	}
}

// sedCommand is one command of sed that only edits what passes by: an address or two, and p, d, q, D, P, n, N, g, G, h, H, x or =.
var sedCommand = regexp.MustCompile(`^\s*(?:` + sedAddress + `(?:\s*,\s*(?:` + sedAddress + `|[+~][0-9]+))?)?\s*!?\s*(?:[pdDPnNgGhHx=]|[qQ][0-9]*)\s*$`)

const sedAddress = `(?:[0-9]+(?:~[0-9]+)?|\$|/(?:\\[^\n]|[^/\\\n\[])*/I?)`

// sedFlags are those of a substitution that neither write nor run anything.
var sedFlags = regexp.MustCompile(`^[gpiI0-9]*\s*$`)

var sedLines = regexp.MustCompile(`^\s*(?:` + sedAddress + `(?:\s*,\s*` + sedAddress + `)?)?\s*s(.)`)

// sed judges a script of sed: the first operand, or what -e says. The table knows no -i and no -f.
func (j *judge) sed(object string, operands []Word, values map[string]Word, seen []string) {
	var scripts []Word
	switch n := count(seen, "-e") + count(seen, "--expression"); {
	case n == 0 && len(operands) > 0:
		scripts = operands[:1]
	case n == 1 && slices.Contains(seen, "-e"):
		scripts = []Word{values["-e"]}
	}
	if len(scripts) == 0 || scripts[0].Kind != Literal {
		j.add(Unknown, object, "the script is not known")
		return
	}
	if !plainSed(scripts[0].Value) {
		j.add(Execute, object, "the script may run a command")
		j.add(Write, object, "the script may write a file")
	}
}

func count(list []string, word string) (n int) {
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// plainSed says that a script only edits what passes by. It is one substitution, or other commands with ";" between them.
func plainSed(script string) bool {
	if found := sedLines.FindStringSubmatchIndex(script); found != nil {
		return plainSubstitution(script[found[1]:], script[found[2]:found[3]])
	}
	for command := range strings.SplitSeq(script, ";") {
		if !sedCommand.MatchString(command) && strings.TrimSpace(command) != "" {
			return false
		}
	}
	return true
}

// plainSubstitution reads what follows "s/". Versions of sed differ in whether a delimiter within brackets ends the pattern, so
// that none may stand there.
func plainSubstitution(rest, delimiter string) bool {
	if !strings.Contains("/|#,:!%@+", delimiter) {
		return false
	}
	parts := []string{""}
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '\n':
			return false
		case rest[i] == '\\' && i+1 < len(rest):
			parts[len(parts)-1] += rest[i : i+2]
			i++
		case rest[i:i+1] == delimiter && len(parts) < 3:
			parts = append(parts, "")
		default:
			parts[len(parts)-1] += rest[i : i+1]
		}
	}
	if len(parts) != 3 || strings.LastIndexByte(parts[0], '[') > strings.LastIndexByte(parts[0], ']') {
		return false
	}
	return sedFlags.MatchString(parts[2])
}

// bundle writes tar's old way, flags without "-", in the new one. Where more than one of them has a value, or one that is not
// the last, they mean different things.
func bundle(words []Word) []Word {
	if len(words) == 0 || words[0].Kind != Literal || words[0].Value == "" || words[0].Value[0] == '-' {
		return words
	}
	letters := words[0].Value
	if i := strings.IndexAny(letters, "fCbTXgKNHLVFI"); i >= 0 && i != len(letters)-1 {
		return append([]Word{{Why: "flags of tar's old way that can't be told apart"}}, words[1:]...)
	}
	out := slices.Clone(words)
	out[0].Value = "-" + letters
	return out
}
