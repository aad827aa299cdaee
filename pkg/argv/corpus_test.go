package argv_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

// sample is a line of a corpus.
type sample struct {
	text  string // as a shell gets it
	group string // the comment above its group
	at    int    // its number in the file
}

// samples reads a corpus: "#" begins a comment, the first of a paragraph names its group; "␤" is a new line, "␉" a tab.
func samples(t *testing.T, file string) (all []sample) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	group, fresh, n := "", true, 0
	for l := range strings.Lines(string(data)) {
		n++
		switch l = strings.TrimSuffix(l, "\n"); {
		case l == "":
			fresh = true
		case strings.HasPrefix(l, "#"):
			if fresh {
				group = strings.TrimSpace(strings.TrimPrefix(l, "#"))
			}
			fresh = false
		default:
			all = append(all, sample{strings.NewReplacer("␤", "\n", "␉", "\t").Replace(l), group, n})
		}
	}
	return all
}

// merelyReads says that a rule for the effects read and session lets a line through.
func merelyReads(text string, s argv.Setting) bool {
	l, err := argv.Parse(text, argv.Limits{})
	if err != nil {
		return false
	}
	for _, a := range argv.Reviewed().Judge(l, s).Accesses {
		if a.Effect != argv.Read && a.Effect != argv.Session {
			return false
		}
	}
	return true
}

// TestNoHostileLineMerelyReads: with a terminal or without, whatever effect it is that says no.
func TestNoHostileLineMerelyReads(t *testing.T) {
	lines := samples(t, "hostile.txt")
	if len(lines) < 300 {
		t.Fatalf("only %d lines", len(lines))
	}
	seen := map[string]bool{}
	for _, s := range lines {
		if seen[s.text] {
			t.Errorf("hostile.txt:%d: it stands there twice: %q", s.at, s.text)
		}
		seen[s.text] = true
		if strings.HasPrefix(s.group, "[names]") {
			continue
		}
		for _, setting := range []argv.Setting{{}, {NoTerminal: true}} {
			if merelyReads(s.text, setting) {
				t.Errorf("hostile.txt:%d: %s: %q passes (%+v)", s.at, s.group, s.text, setting)
				break
			}
		}
	}
}

// TestHonestLinesMerelyRead: of what people look at a machine with, as runbooks and manuals write it, 95 of 100 need no more than
// the right to read, and the rest is known.
func TestHonestLinesMerelyRead(t *testing.T) {
	lines := samples(t, "honest.txt")
	passed := 0
	for _, s := range lines {
		passes := merelyReads(s.text, argv.Setting{NoTerminal: true})
		if passes {
			passed++
		}
		if more := strings.HasPrefix(s.group, "[more]"); passes == more {
			t.Errorf("honest.txt:%d: %s: %q: passes: %v: %+v", s.at, s.group, s.text, passes, argv.Reviewed().Judge(line(t, s.text), argv.Setting{NoTerminal: true}).Accesses)
		}
	}
	if len(lines) < 200 || passed*100 < 95*len(lines) {
		t.Errorf("%d of %d honest lines pass", passed, len(lines))
	}
}
