package argv_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

func TestALineIsTakenApart(t *testing.T) {
	l := line(t, "X=1 ls -l \"$HOME\" /var/*.log 2>&1 >out && ! ( cat <<E | wc )\nhello\nE\n")
	if got := l.Operators; !slices.Equal(got, []string{"!", "&&", "(", "|"}) {
		t.Errorf("operators %q", got)
	}
	if got := l.Expansions; !slices.Equal(got, []string{"glob", "parameter"}) {
		t.Errorf("expansions %q", got)
	}
	if len(l.Commands) != 3 || l.Known() {
		t.Fatalf("%+v", l)
	}
	ls, cat, wc := l.Commands[0], l.Commands[1], l.Commands[2]
	if ls.Assigns[0].Name != "X" || ls.Assigns[0].Value.Value != "1" || len(ls.Args) != 4 {
		t.Errorf("%+v", ls)
	}
	if w := ls.Args[2]; w.Kind != argv.Unsure || w.Why != "parameter expansion" || w.Source != `"$HOME"` {
		t.Errorf("%+v", w)
	}
	if w := ls.Args[3]; w.Kind != argv.Names || w.Value != "/var/" {
		t.Errorf("%+v", w)
	}
	if r := ls.Redirects; len(r) != 2 || r[0].FD != 2 || r[0].Op != ">&" || r[1].FD != -1 || r[1].Target.Value != "out" {
		t.Errorf("%+v", r)
	}
	if cat.Joined != "&&" || !cat.Negated || cat.Redirects[0].Target.Value != "hello\n" || wc.Joined != "|" || !slices.Equal(wc.Within, []string{"("}) {
		t.Errorf("%+v %+v", cat, wc)
	}
}

func TestCommandsInSubstitutionsAreSeen(t *testing.T) {
	l := line(t, `echo "$(cat x; rm y)" z`)
	var programs []string
	for _, c := range l.Commands {
		programs = append(programs, c.Args[0].Value)
	}
	if !slices.Equal(programs, []string{"cat", "rm", "echo"}) || l.Commands[1].Within[0] != "$(" || l.Unclear != "" {
		t.Errorf("%q %+v", programs, l)
	}
}

// TestLinesWithOneMeaningHaveOneText: and lines with another have another.
func TestLinesWithOneMeaningHaveOneText(t *testing.T) {
	for _, same := range [][]string{
		{"ls -l x", "ls  -l\tx", "'ls' \"-l\" x", `\ls -\l x`, "ls -l x\n", "\n ls -l x ;", "ls \\\n -l x"},
		{"a; b", "a\nb", "a ; b;", "a\n\n\nb"},
		{"a && b", "a&&b", "a &&\n b"},
		{"echo 'a b' ''", `echo "a b" ""`, `echo a\ b ""`},
		{"a > f 2>&1", "a >f 2>&1", "a >'f' 2>&1"},
	} {
		for _, text := range same {
			if got, want := line(t, text).Normal(), line(t, same[0]).Normal(); got != want {
				t.Errorf("%q is %q, and %q is %q", text, got, same[0], want)
			}
		}
	}
	seen := map[string]string{}
	for _, text := range []string{"a b", "ab", "a 'b '", "a; b", "a & b", "a | b", "a || b", "(a; b)", "{ a; b; }", "a $b", "a '$b'", "a \"$b\"", "a *", "a '*'", "a >f", "a '>f'", "a 2>f", "a 2 >f", "! a b", "X=1 a", "'X=1' a", "a <<E\nb\nE", "a <<E\n$b\nE", "a <<'E'\n$b\nE", "a `b`", "a #b"} {
		n := line(t, text).Normal()
		if other, twice := seen[n]; twice {
			t.Errorf("%q and %q are both %q", text, other, n)
		}
		seen[n] = text
	}
}

func TestLimits(t *testing.T) {
	for what, c := range map[string]struct {
		text   string
		limits argv.Limits
	}{
		"bytes":         {"ls " + strings.Repeat("x", 17<<10), argv.Limits{}},
		"depth":         {strings.Repeat("( ", 20) + "ls" + strings.Repeat(" )", 20), argv.Limits{}},
		"substitutions": {strings.Repeat("ls $(", 20) + "ls" + strings.Repeat(")", 20), argv.Limits{}},
		"commands":      {strings.Repeat("ls;", 65), argv.Limits{}},
		"pipes":         {strings.Repeat("ls|", 65) + "ls", argv.Limits{}},
		"words":         {"ls" + strings.Repeat(" x", 600), argv.Limits{}},
		"time":          {"ls", argv.Limits{Time: 1}},
		"nul":           {"ls\x00; rm x", argv.Limits{}},
		"return":        {"ls\r\nrm x", argv.Limits{}},
		"escape":        {"ls \x1b[31m", argv.Limits{}},
		"0x01":          {"ls '\x01'", argv.Limits{}},
		"delete":        {"ls \x7f", argv.Limits{}},
		"not UTF-8":     {"ls \xff", argv.Limits{}},
		"empty":         {" \n\t", argv.Limits{}},
	} {
		l, err := argv.Parse(c.text, c.limits)
		var limit *argv.Err
		if l != nil || !errors.As(err, &limit) {
			t.Errorf("%s: %+v, %v", what, l, err)
		}
	}
}

// TestHostileTextsEndSoon: deep and long texts neither take long nor break the parser.
func TestHostileTextsEndSoon(t *testing.T) {
	for _, piece := range []string{"(", "{ ", "$(", "`", "${a:-", "if ", "! ", "a|", "a&&", "\"$(", "<<a ", "[[ ", "((", "while ", "case x in ", "a() ", "$((", "a=(", "\\\n", "a'", "a\"x", "function a ", "time ", "{a,", "@(", "$["} {
		begin := time.Now()
		text := strings.Repeat(piece, 16<<10/len(piece)-1) + "\xc2\xa0"
		if l, err := argv.Parse(text, argv.Limits{}); err == nil && l.Known() {
			t.Errorf("%q… is known", piece)
		}
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("%q… took %s", piece, d)
		}
	}
}

func TestPeopleSeeWhatCanNotBeSeen(t *testing.T) {
	for text, want := range map[string]string{"ls 'a\u202eb'": `ls 'a\u{202e}b'`, "ls\tx": "ls x", "ls 'a\u00a0b\u200b'": `ls 'a\u{a0}b\u{200b}'`, "ls `x`": "ls `x`", "ls   $x": "ls $x"} {
		if got := line(t, text).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range corpus {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := argv.Parse(text, argv.Limits{})
		if err != nil {
			return
		}
		if found := argv.Reviewed().Judge(l, argv.Setting{}); len(found.Accesses) == 0 {
			t.Fatal("a line without effects")
		}
		if !l.Known() {
			return
		}
		again, err := argv.Parse(l.Normal(), argv.Limits{})
		if err != nil || !again.Known() || again.Normal() != l.Normal() || len(again.Commands) != len(l.Commands) {
			t.Fatalf("%q became %q, which is %+v (%v)", text, l.Normal(), again, err)
		}
		for i := range l.Commands {
			was, _ := l.Commands[i].Values()
			is, _ := again.Commands[i].Values()
			if !slices.Equal(was, is) {
				t.Fatalf("%q became %q", was, is)
			}
			// One command by itself is a line that is read as exactly these words.
			if alone, err := argv.Parse(argv.Quote(was), argv.Limits{}); len(was) > 0 && (err != nil || alone.Unclear == "" && !slices.Equal(values(alone), was)) {
				t.Fatalf("%q became %+v (%v)", was, alone, err)
			}
		}
	})
}

func values(l *argv.Line) []string {
	if len(l.Commands) != 1 {
		return nil
	}
	v, _ := l.Commands[0].Values()
	return v
}

// TestALineThatChangesTheShellIsUnclear: what stands behind such a command may mean something else than it says, so that
// nothing is told of the line.
func TestALineThatChangesTheShellIsUnclear(t *testing.T) {
	for _, text := range []string{
		"alias ls=rm\nls", "eval ls; ls", ". ./x; ls", "set -f; ls", "trap ls EXIT; ls", "hash -p /tmp/x ls; ls", "enable -f x ls; ls", "read PATH; ls", "export PATH; ls", "unset x; ls", "jobs -x ls; ls",
		"command eval ls", "builtin alias a=b; ls", "exec; ls", "$x; ls", "\"$x\" ls", "l*; ls", "printf -v PATH x; ls", "[ -v 'x[$(rm y)]' ]; ls", "ls; (alias ls=rm)", "ls $(eval x)", "command $x ls",
	} {
		if l := line(t, text); l.Unclear == "" || len(l.Commands) > 0 || l.Known() {
			t.Errorf("%q is %+v", text, l)
		}
	}
}
