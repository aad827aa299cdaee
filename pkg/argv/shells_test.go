package argv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

// The test binary is also the program that the shells run: under one of these names it writes its words to a log.
var stubs = []string{"a", "b", "cmd", "time", "x-1"}

func TestMain(m *testing.M) {
	if log := os.Getenv("ARGV_LOG"); log != "" && slices.Contains(stubs, filepath.Base(os.Args[0])) {
		words := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
		// Words are bytes, which JSON's strings are not.
		raw := make([][]byte, len(words))
		for i, w := range words {
			raw[i] = []byte(w)
		}
		line, _ := json.Marshal(raw)
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			_, err = f.Write(append(line, '\n'))
		}
		if err != nil {
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shells runs lines in real shells whose PATH has nothing but stubs.
type shells struct {
	dir   string
	found [][]string
}

func newShells(t *testing.T) *shells {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &shells{dir: t.TempDir()}
	for _, name := range stubs {
		if err := os.MkdirAll(filepath.Join(s.dir, "bin"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(self, filepath.Join(s.dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, shell := range [][]string{{"dash"}, {"bash", "--norc", "--noprofile"}} {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			t.Fatal("both dash and bash are needed: ", err)
		}
		s.found = append(s.found, append([]string{path}, shell[1:]...))
	}
	for _, more := range [][]string{{"zsh", "-f"}, {"busybox", "sh"}} { // where they are installed
		if path, err := exec.LookPath(more[0]); err == nil {
			s.found = append(s.found, append([]string{path}, more[1:]...))
		}
	}
	return s
}

// run answers what a shell ran.
func (s *shells) run(t *testing.T, shell []string, line string) [][]string {
	t.Helper()
	work, err := os.MkdirTemp(s.dir, "work")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	log := filepath.Join(work, ".log")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell[0], append(slices.Clone(shell[1:]), "-c", line)...)
	cmd.Dir, cmd.Env = work, []string{"PATH=" + filepath.Join(s.dir, "bin"), "HOME=" + work, "LC_ALL=C.UTF-8", "ARGV_LOG=" + log}
	out, err := cmd.CombinedOutput() // waits for background commands too: they hold the pipe
	if ctx.Err() != nil {
		t.Fatalf("%s did not end: %q", shell[0], line)
	}
	text, readErr := os.ReadFile(log)
	if readErr != nil && err != nil {
		t.Logf("%s says of %q: %s", filepath.Base(shell[0]), line, out)
	}
	var ran [][]string
	for record := range bytes.Lines(text) {
		var raw [][]byte
		if err := json.Unmarshal(record, &raw); err != nil {
			t.Fatal(err)
		}
		words := make([]string, len(raw))
		for i := range raw {
			words[i] = string(raw[i])
		}
		ran = append(ran, timed(words))
	}
	return ran
}

// timed leaves out the word that is a part of some shells' grammar and a program of others.
func timed(words []string) []string {
	if len(words) > 1 && words[0] == "time" {
		words = words[1:]
		if len(words) > 1 && words[0] == "-p" {
			words = words[1:]
		}
	}
	return words
}

// comparable says that a line runs nothing but stubs, a number of times that is known.
func comparable(l *argv.Line) bool {
	for _, c := range l.Commands {
		words, ok := c.Values()
		if !ok || len(words) > 0 && (!slices.Contains(stubs, words[0]) || !slices.Contains(stubs, timed(words)[0])) {
			return false
		}
		for _, a := range c.Assigns { // of the names that stubs and shells use themselves
			if len(a.Name) > 1 {
				return false
			}
		}
	}
	for _, loop := range []string{"for", "while", "until", "if"} {
		if slices.Contains(l.Operators, loop) {
			return false
		}
	}
	return true
}

// held is the invariant of this package: what it says it knows is what every shell runs.
func (s *shells) held(t *testing.T, l *argv.Line) {
	t.Helper()
	var want [][]string
	for _, c := range l.Commands {
		if words, _ := c.Values(); len(words) > 0 {
			want = append(want, timed(words))
		}
	}
	missing := slices.Contains(l.Operators, "||") || slices.Contains(l.Operators, "!") // some may not run
	missing = missing || slices.ContainsFunc(l.Commands, func(c argv.Command) bool {   // some can't be opened
		return slices.ContainsFunc(c.Redirects, func(r argv.Redirect) bool { return r.Op == "<" || r.Op == "<&" || r.Target.Value > "2" && r.Op == ">&" })
	})
	for _, shell := range s.found {
		for _, text := range []string{l.Text, l.Normal()} {
			got := s.run(t, shell, text)
			left := slices.Clone(want)
			for _, ran := range got {
				i := slices.IndexFunc(left, func(w []string) bool { return slices.Equal(w, ran) })
				if i < 0 {
					t.Errorf("%s ran %q of %q, and it was said to be %q", shell[0], ran, text, want)
					return
				}
				left = slices.Delete(left, i, i+1)
			}
			if len(left) > 0 && !missing {
				t.Errorf("%s did not run %q of %q", shell[0], left, text)
			}
		}
	}
}

// corpus are lines of which each shows a way to be read differently. All of them are tried, known or not.
var corpus = []string{
	`a`, `a b`, `a  "b c"   'd e'`, `a 'it'\''s'`, `a "x\"y\\z\$q\n"`, `a \*`, `a "*"`, `a '*'`, `a b\ c`, `a ""`, `a '' b`, `a -- -x`,
	`a; b`, `a && b`, `a || b`, `a | b`, `a & b`, "a\nb", `! a`, `{ a; b; }`, `( a; b )`, `( a ) && b`, `a |b|cmd`, `a;b;`, `a &`,
	`a > f`, `a 2>&1`, `a 2> f`, `a 2 > f`, `a2>f`, `a 10>f`, `a >&2`, `a <&-`, `>f a b`, `a >f b`, `a >|f`, `a <>f`,
	"a <<E\nx y\nE\nb", "a <<'E' | b\n$x\nE\n", "a <<E && b\nq\nE\ncmd", "a <<E\nE\nb", "a <<-E\n\tx\n\tE\nb", "a <<\"E\"\n`b`\nE", "a <<E\nb\n E\nE\n", "a <<E; b\nE\ncmd",
	"a <<E\\\nF\nx\nEF\n", "a <<E\n\\\nE\nE\nb", "a <<'E F'\nx\nE F\nb",
	"a \\\n b", "a \\\nb", "a\\\nb", "a b\\\nc", "a &\\\n& b", "a 'b\\\nc'", "a \"b\\\nc\"",
	`a $'b'`, `a $"b"`, `a b$`, `a "b$"`, `a $`, `a "$"`, `a '$x'`, `a "b$|c"`, `a b$/c`, `a \$x`, `a "\$x"`, `a "b$ c"`,
	`a {b,c}`, `a {1..3}`, `a {}`, `a x{}y`, `a b{c}`, `a HEAD@{1}`, `a {`, `a }`, `a '{'`, `a b,c`, `a b..c`, `a {,}`,
	`a ~`, `a x~`, `a ~b`, `a x=~`, `a x:~`, `a '~'`, `a =b`, `a b=c`, `a ==`, `a ^b`, `a b^`, `a #b`, `a b#c`, `a b #c`, `a '#c'`, `a %1`,
	`a !b`, `a !`, `a b!`, `a "!"`, `a !!`, `a "!!"`, `! ! a`, `a | ! b`,
	`a [`, `a ]`, `a [b`, `a b]`, `a '[b]'`, `a b?`, `a @(b|c)`, `a !(b)`, `a +b`, `a b+`,
	`X=1 a b`, `X='a b' a`, `X= a`, `X=1; a`, `a X=1`, `X+=1 a`, `X[0]=1 a`, `X=~ a`, `X=(a b) a`, `'X'=1 a`, `X\=1 a`, `X=1 Y=2 a`,
	`time a b`, `time -p a`, `time -v a`, `time ! a`, `time a | b`, `'time' a`, `time X=1 a`, `time time a`, `time -- a`, `! time a`,
	`a&&b||cmd`, `a||b`, `a|&b`, `a &>f`, `a &>>f`, `a >&f`, `a <<<b`, `a <(b)`, `a >(b)`, `a;;b`, `a &; b`, `a ; ; b`, `;a`,
	`\a b`, `"a" b`, `a""b c`, `'a'b c`, `a'b'"c"d`, `if a; then b; fi`, `'if' a`, `then a`, `a if then fi`, `a; }`, `{a;}`, `{ a }`, `{a}`, `(a)`, `((a))`, `( (a) )`,
	`a() { b; }; a`, `function a { b; }; a`, `a () ( b ); a`, `a ()`, `function a`, `select a in b`, `coproc a`, `repeat 2 a`, `foreach x (a b)`,
	"a é", "a 'é'", "a \"é\"", "a \u00a0b", "a 'b\u00a0c'", "a\u2003b", "a 'x\ty\nz'", "a x\ty", "a\tb", "a\x0bb", "a\x0cb", "a\rb", "a b\r\n", "a \\\r\nb",
	"a `b`", `a $(b)`, `a "$(b)"`, `a $((1+1))`, `a $[1+1]`, `a ${x}`, `a $x`, `a "$x"`, `a "${x:-'}'}"`, `a ${x#\}}`, `a $#`, `a $$x`, "a \"`b\\\"`\"",
	"a '\\'", `a "\\"`, `a \\`, `a \`, `a '\\n'`, `a "\n"`, `a "\'"`, `a '"'`, `a "'"`, `a \'`, `a \"b\"`, `a "a\!b"`,
	`[ a ]`, `[[ a ]]`, `a [[ b ]]`, `a -`, `- a`, `noglob a`, `nocorrect a`, `command a b`, `exec a b`, `builtin a`, `eval a b`, `. ./a`, `a . b`,
	`alias a=b
a`, `a <f`, `a 0<f`, `a 2>f >f2 b`, `>f`, `X=1 >f`, `a 2>&1>f`, `a >f 2>&1 | b`, `a 2>&-`, `a 3>&2-`, `a {x}>f`, `a x{b`, `a b}c`,
	"a\n\n\nb", "\n a", "a ;\n b", "a &&\n b", "a |\n\n b", "a ||\nb", "(\na\n)", "{\na\n}", "a; # b\ncmd", "#a\nb",
	`a b&c`, `a 'b'&`, `a b;`, `a;b`, `a "b;c"`, `a b\;cmd`, `a b\&cmd`, `a b\|cmd`, `a '&' b`, `x-1 a`, `a b\>c`, `a b\<c`, `a \(b\)`,
}

func TestWhatIsKnownIsWhatShellsRun(t *testing.T) {
	s := newShells(t)
	known := 0
	for _, text := range corpus {
		l, err := argv.Parse(text, argv.Limits{})
		if err != nil || !l.Known() || !comparable(l) {
			continue
		}
		known++
		s.held(t, l)
	}
	if known < 120 {
		t.Errorf("only %d lines of the corpus are known", known)
	}
}

var tokens = []string{
	"a", "b", "cmd", "a ", "b ", " a ", " b", " ", " ", " ", "\t", "\n", "'", "'", `"`, `"`, `\`, `\\`, "$", "$x", "${x}", "$(", "`", "(", ")", "{", "}", "{ ", "; }", ";", "; a ", "&", "& b ",
	" && a ", " || b ", " | a ", "|", "!", "! ", ">", "<", ">f", " >f ", " 2>&1", "<<E", "<<'E'", "\nE\n", " a <<E\nb c\nE\n", "2", "-", "--", "~", "*", "?", "[", "]", "=", "X=", "#", ",", "..", ":", "%", "^", "@", "+",
	"é", "\u00a0", "'é'", "time ", "if ", "then ", "fi", "'a b'", `"a\"b"`, `"$"`, `'"'`, `"'"`, `\ `, `\'`, `\"`, "\\\n", " \\\n", `'\'`, `"\\"`, "$'", `$"`, "/", ".", "function ", "()", "((", "))", "[[", "]]", "!!", "{}", "{a,b}", "\r",
}

func TestRandomLinesThatAreKnownAreWhatShellsRun(t *testing.T) {
	s := newShells(t)
	r := rand.New(rand.NewPCG(7, 11))
	seen := map[string]bool{}
	for len(seen) < 150 {
		var text strings.Builder
		text.WriteString(stubs[r.IntN(3)] + " ")
		for range 2 + r.IntN(9) {
			text.WriteString(tokens[r.IntN(len(tokens))])
		}
		l, err := argv.Parse(text.String(), argv.Limits{})
		if err != nil || !l.Known() || !comparable(l) || seen[l.Normal()] {
			continue
		}
		seen[l.Normal()] = true
		s.held(t, l)
	}
}

// TestQuotedWordsArriveAsTheyWere: whatever the words are, the line that Quote makes of them hands over exactly these.
func TestQuotedWordsArriveAsTheyWere(t *testing.T) {
	s := newShells(t)
	r := rand.New(rand.NewPCG(3, 5))
	letters := []rune("ab \t\n'\"\\$`!#~*?[]{}(),;&|<>=:^%@+-./é\u00a0中")
	for range 60 {
		words := []string{stubs[r.IntN(3)]}
		for range 1 + r.IntN(4) {
			var w strings.Builder
			for range r.IntN(7) {
				w.WriteRune(letters[r.IntN(len(letters))])
			}
			words = append(words, w.String())
		}
		l, err := argv.Parse(argv.Quote(words), argv.Limits{})
		if err != nil || !l.Known() || len(l.Commands) != 1 {
			t.Fatalf("%q: %v %+v", words, err, l)
		}
		if got, _ := l.Commands[0].Values(); !slices.Equal(got, words) {
			t.Fatalf("%q became %q", words, got)
		}
		s.held(t, l)
	}
}
