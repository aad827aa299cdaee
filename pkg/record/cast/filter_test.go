package cast_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func filtered(pieces ...string) string {
	var f cast.Filter
	var out []byte
	for _, p := range pieces {
		out = f.Append(out, []byte(p))
	}
	return string(f.Close(out))
}

// H17: what is recorded of a target's output reaches a viewer's terminal as text and looks, and as nothing else.
func TestOnlyWhatIsListedPasses(t *testing.T) {
	for name, c := range map[string]struct{ in, out string }{
		"text":                            {"héllo 世界 👩\u200d🚀\r\n\ta\bb", "héllo 世界 👩\u200d🚀\r\n\ta\bb"},
		"colours":                         {"\x1b[1;38:5:196mred\x1b[0m", "\x1b[1;38:5:196mred\x1b[0m\x1b[m"},
		"movements and erasing":           {"\x1b[2J\x1b[10;20H\x1b[K\x1bM\x1b7\x1b8", "\x1b[2J\x1b[10;20H\x1b[K\x1bM\x1b7\x1b8"},
		"a hidden cursor comes back":      {"\x1b[?25lx", "\x1b[?25lx\x1b[?25h"},
		"the other screen is left":        {"\x1b[?1049hvim", "\x1b[?1049hvim\x1b[?1049l"},
		"and not twice":                   {"\x1b[?1049hvim\x1b[?1049l", "\x1b[?1049hvim\x1b[?1049l"},
		"boxes":                           {"\x1b(0lqk\x1b(B", "\x1b(0lqk\x1b(B\x1b(B\x1b)B\x0f"},
		"clipboard, OSC 52":               {"a\x1b]52;c;cm0gLXJmIC8=\x07b", "ab"},
		"clipboard, ended by ST":          {"a\x1b]52;c;cm0gLXJmIC8=\x1b\\b", "ab"},
		"title":                           {"a\x1b]0;evil\x07b", "ab"},
		"title as a report":               {"a\x1b[21tb", "ab"},
		"hyperlink":                       {"\x1b]8;;https://evil.test\x1b\\click\x1b]8;;\x1b\\", "click"},
		"DCS, a request for settings":     {"a\x1bP$qm\x1b\\b", "ab"},
		"DCS, tmux passes on":             {"a\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\b", "ab"},
		"APC, PM, SOS":                    {"a\x1b_x\x1b\\\x1b^y\x1b\\\x1bXz\x1b\\b", "ab"},
		"device attributes":               {"a\x1b[c\x1b[>c\x1b[=c\x1b[0cb", "ab"},
		"cursor report":                   {"a\x1b[6n\x1b[?6n\x1b[5nb", "ab"},
		"mode report":                     {"a\x1b[?2026$pb", "ab"},
		"terminal parameters":             {"a\x1b[xb", "ab"},
		"who are you, ESC Z":              {"a\x1bZb", "ab"},
		"answerback":                      {"a\x05b", "ab"},
		"bell":                            {"a\ab", "ab"},
		"printing":                        {"a\x1b[5i\x1b[?5ib", "ab"},
		"window moves":                    {"a\x1b[3;0;0t\x1b[8;1;1tb", "ab"},
		"mouse":                           {"a\x1b[?1000h\x1b[?1006h\x1b[?1004hb", "ab"},
		"mouse, the old way":              {"a\x1b[1;2;3;4;5Tb", "ab"},
		"keys":                            {"a\x1b[?1h\x1b=\x1b>\x1b[>4;2m\x1b[?4m\x1b[>1u\x1b[=1ub", "ab"},
		"pasting":                         {"a\x1b[?2004hb", "ab"},
		"allowed beside not allowed":      {"a\x1b[?1000;25lb", "a\x1b[?25lb\x1b[?25h"},
		"the whole terminal":              {"a\x1bcb\x1b[!p", "ab"},
		"what scrolled away":              {"a\x1b[3Jb", "ab"},
		"the window's width":              {"a\x1b[?3hb", "ab"},
		"eight bits":                      {"a\x9b6n\x9d0;x\x07b", "a\uFFFD6n\uFFFD0;xb"},
		"eight bits as UTF-8":             {"a\u009b6n\u009d0;x\x07b", "a\uFFFD6n\uFFFD0;xb"},
		"other character sets":            {"a\x1b%@\x1b(K\x1b Fb", "ab"},
		"turned around":                   {"a\u202egpj\u2066x\u200f", "a\uFFFDgpj\uFFFDx\uFFFD"},
		"no UTF-8":                        {"a\xff\xc3(b\xe2\x82", "a\uFFFD\uFFFD(b\uFFFD\uFFFD"},
		"a million times":                 {"a\x1b[1000000bb\x1b[9999C", "ab\x1b[9999C"},
		"too long":                        {"a\x1b[" + strings.Repeat("1;", 100) + "mb", "ab"},
		"a control inside":                {"\x1b[1\r\nA", "\r\n\x1b[1A"},
		"an escape inside":                {"\x1b[1\x1b[2Kx", "\x1b[2Kx"},
		"cancelled":                       {"\x1b[1\x18A\x1b]0;x\x18y", "Ay"},
		"nothing hides behind a line end": {"\x1b]0;x\nthe rest", "\nthe rest"},
		"nor behind much":                 {"\x1b]" + strings.Repeat("x", 64<<10) + "the rest", "the rest"},
		"unfinished":                      {"a\x1b[1", "a"},
	} {
		if got := filtered(c.in); got != c.out {
			t.Errorf("%s: %.200q gives %.200q, want %.200q", name, c.in, got, c.out)
		}
		if got := filtered(strings.Split(c.in, "")...); got != c.out && utf8.ValidString(c.in) {
			t.Errorf("%s: %.200q one by one gives %.200q, want %.200q", name, c.in, got, c.out)
		}
	}
}

// listed is what may stand in the output of a Filter, said a second time and otherwise.
var listed = regexp.MustCompile(`\A(?:[^\x00-\x1f\x7f-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{200b}\x{200e}\x{200f}\x{feff}]|[\x08-\x0d\x0e\x0f]|` +
	`\x1b[78DEHM]|\x1b[()][0AB]|\x1b\[(?:[0-9]*(?:;[0-9]*)?[A-HIKLMPSTXZ@` + "`" + `abdefgr]|0*[012]?J|[su]|[0-9:;]*m|0*4[hl]|\?(?:6|7|12|25|47|1047|1048|1049)[hl]))*\z`)

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"\x1b]52;c;eA==\x07", "\x1b[?1000;25l", "\x1bP\x1b\\x", "\xe2\x82\xac\x1b[1;2;3H", "\x1b[\x1b[38:5:1m", "\x1b(0\x0e", "\x1b[00000000000A"} {
		f.Add([]byte(seed), uint16(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, at uint16) {
		whole := filtered(string(in))
		if !listed.MatchString(whole) || !utf8.ValidString(whole) {
			t.Errorf("%q lets pass %q", in, whole)
		}
		cut := int(at) % (len(in) + 1)
		if split := filtered(string(in[:cut]), string(in[cut:])); split != whole {
			t.Errorf("%q cut at %d gives %q, want %q", in, cut, split, whole)
		}
		bytewise := make([]string, len(in))
		for i := range in {
			bytewise[i] = string(in[i : i+1])
		}
		if split := filtered(bytewise...); split != whole {
			t.Errorf("%q byte by byte gives %q, want %q", in, split, whole)
		}
	})
}
