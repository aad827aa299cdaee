package argv

import (
	"regexp"
	"slices"
	"strings"
)

// wrapped judges what a program runs that runs another command: scan stands at its first word, or at the end.
func (s *scan) wrapped(depth int) {
	w := s.p.wrap
	s.j.all(s.p.effects, s.object, "")
	for _, word := range s.operands {
		if w.assignment(word) {
			name, value, _ := strings.Cut(word.Value, "=")
			if harmless(name, value) {
				s.j.add(Session, name+"=", "a variable that changes nothing")
			} else {
				s.j.add(Unknown, name+"=", "a variable that may change what programs do")
			}
		}
	}
	if s.at >= len(s.words) {
		s.j.all([]Effect{w.bare}, s.object, "without a command")
		return
	}
	for _, name := range s.seen {
		if f, _ := s.lookup(name); slices.Contains(f.effects, norun) {
			return
		}
	}
	inner := slices.Clone(s.words[s.at:])
	if w.elsewhere {
		s.j.add(Execute, s.object, "what a name means there can't be told")
	}
	if w.tail {
		inner = s.tail(inner)
	}
	if !w.joined {
		s.j.command(Command{Args: inner}, depth+1)
		return
	}
	var texts []string
	for _, word := range inner {
		if word.Kind != Literal {
			s.unknown("a word of a script is not known")
			return
		}
		texts = append(texts, word.Value)
	}
	s.j.script(Word{Kind: Literal, Value: strings.Join(texts, " ")}, s.object, depth)
}

// tail is a command with words that come from somewhere else: behind it, and where a text stands for them.
func (s *scan) tail(inner []Word) []Word {
	for _, name := range s.seen {
		f, _ := s.lookup(name)
		text := s.values[name]
		if !slices.Contains(f.effects, replace) {
			continue
		}
		for i, w := range inner {
			if text.Kind != Literal || text.Value == "" || strings.Contains(w.Value, text.Value) {
				inner[i] = Word{Why: "it comes from the input", Source: w.Source}
			}
		}
	}
	return append(inner, Word{Why: "it comes from the input", Source: "…"})
}

// FromInput is why a shell without a script has the effect execute.
const FromInput = "it runs what its input says"

// shell judges a shell that a line starts: only -c and a script can be told.
func (j *judge) shell(object string, words []Word, depth int) {
	command := false
	for i, w := range words {
		switch {
		case w.Kind != Literal:
			j.add(Unknown, object, "a word is not known: "+w.Why)
			return
		case w.Value == "--" && i+1 < len(words) && command:
			j.runScript(object, words[i+1], depth)
			return
		case w.Value == "--norc" || w.Value == "--noprofile" || w.Value == "--posix":
		case strings.HasPrefix(w.Value, "-") && len(w.Value) > 1:
			if strings.Trim(w.Value[1:], "ceuxlv") != "" {
				j.add(Unknown, object, "a flag of a shell that is not in the table: "+w.Value)
				return
			}
			command = command || strings.Contains(w.Value, "c")
		case command:
			j.runScript(object, w, depth)
			return
		default:
			j.add(Execute, object, "it runs the script "+w.Value)
			return
		}
	}
	j.add(Execute, object, FromInput)
}

func (j *judge) runScript(object string, w Word, depth int) {
	j.add(Session, object, "it runs what is shown")
	j.script(w, object, depth)
}

// tests are what find looks for, with how many words follow; actions that only print are among them.
var tests = map[string]int{
	"-name": 1, "-iname": 1, "-path": 1, "-ipath": 1, "-wholename": 1, "-lname": 1, "-regex": 1, "-iregex": 1, "-regextype": 1, "-type": 1,
	"-xtype": 1, "-size": 1, "-mtime": 1, "-atime": 1, "-ctime": 1, "-mmin": 1, "-amin": 1, "-cmin": 1, "-newer": 1, "-anewer": 1, "-cnewer": 1,
	"-newermt": 1, "-newerct": 1, "-user": 1, "-group": 1, "-uid": 1, "-gid": 1, "-perm": 1, "-links": 1, "-inum": 1, "-samefile": 1, "-fstype": 1,
	"-maxdepth": 1, "-mindepth": 1, "-printf": 1, "-used": 1, "-nouser": 0, "-nogroup": 0, "-empty": 0, "-readable": 0, "-writable": 0, "-executable": 0,
	"-print": 0, "-print0": 0, "-ls": 0, "-prune": 0, "-quit": 0, "-depth": 0, "-d": 0, "-mount": 0, "-xdev": 0, "-follow": 0, "-daystart": 0, "-noleaf": 0,
	"-ignore_readdir_race": 0, "-true": 0, "-false": 0, "-not": 0, "-a": 0, "-o": 0, "-and": 0, "-or": 0, "-H": 0, "-L": 0, "-P": 0, "--help": 0, "--version": 0,
}

// find judges an expression of find.
func (j *judge) find(object string, words []Word, depth int) {
	j.add(Read, object, "")
	for i := 0; i < len(words); i++ {
		w := words[i]
		more, test := tests[w.Value]
		switch {
		case w.Kind == Unsure:
			j.add(Unknown, object, "a word is not known: "+w.Why)
			return
		case w.Kind == Names, w.Value == "", w.Value[0] != '-' || w.Value == "-":
		case test:
			for _, value := range words[min(i+1, len(words)):min(i+1+more, len(words))] {
				if value.Kind != Literal {
					j.add(Unknown, object, "the value of "+w.Value+" is not known")
					return
				}
			}
			i += more
		case w.Value == "-delete":
			j.add(Delete, object, "by -delete")
		case w.Value == "-exec" || w.Value == "-execdir" || w.Value == "-ok" || w.Value == "-okdir":
			end := i + 1
			plus := strings.HasPrefix(w.Value, "-exec")
			for end < len(words) && words[end].Value != ";" && !(plus && words[end].Value == "+" && words[end-1].Value == "{}") {
				end++
			}
			if end == len(words) || end == i+1 {
				j.add(Unknown, object, w.Value+" without an end")
				return
			}
			j.found(words[i+1:end], begins(words), depth)
			i = end
		case strings.HasPrefix(w.Value, "-fprint") || w.Value == "-fls":
			j.add(Write, object, "by "+w.Value)
			i++
		default:
			j.add(Unknown, object, "not in the table: "+w.Value)
			return
		}
	}
}

var plainStart = regexp.MustCompile(`^[A-Za-z0-9_./]`)

// begins is what each name that find puts in begins with: the folder where it looks, or "" where that is none, or several.
func begins(words []Word) string {
	first := "."
	for i, w := range words {
		switch {
		case w.Kind == Literal && (w.Value == "!" || w.Value == "(" || strings.HasPrefix(w.Value, "-")):
			return first
		case w.Kind != Literal || i > 0 || !plainStart.MatchString(w.Value):
			return ""
		}
		first = w.Value
	}
	return first
}

// found judges what find runs for each file, whose name stands for {}.
func (j *judge) found(command []Word, begins string, depth int) {
	inner := slices.Clone(command)
	for i, w := range inner {
		switch {
		case w.Kind == Literal && w.Value == "{}" && begins != "":
			inner[i] = Word{Kind: Names, Value: begins[:1], Why: "find puts a name in", Source: w.Source}
		case w.Kind != Literal || strings.Contains(w.Value, "{}"):
			inner[i] = Word{Why: "find puts a name in", Source: w.Source}
		}
	}
	j.command(Command{Args: inner}, depth+1)
}
