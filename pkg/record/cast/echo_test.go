package cast_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// typed plays a dialogue: "<" before what is typed, ">" before what comes out. It answers the recorded lines.
func typed(dialogue ...string) string {
	var e cast.Echo
	var out strings.Builder
	for _, turn := range dialogue {
		rest := []byte(turn[1:])
		if turn[0] == '>' {
			e.Output(rest)
			continue
		}
		for len(rest) > 0 {
			var line []byte
			line, rest = e.Input(rest)
			out.Write(line)
		}
	}
	return out.String()
}

// H18: what is typed while nothing of it shows is in no recording.
func TestOnlyWhatTheTerminalShowedIsRecordedOfTheInput(t *testing.T) {
	for name, c := range map[string]struct {
		dialogue []string
		want     string
	}{
		"a line":                             {[]string{"<l", ">l", "<s", ">s", "<\r", ">\r\nfile\r\n$ "}, "ls\r"},
		"echo that comes late":               {[]string{"<l", "<s", ">l", ">s", "<\r"}, "ls\r"},
		"echo with colours":                  {[]string{"<l", ">\x1b[32ml\x1b[0m", "<s", ">s\x1b[K", "<\r"}, "ls\r"},
		"several bytes to a character":       {[]string{"<é", ">\xc3", ">\xa9", "<\n"}, "é\r"},
		"a password":                         {[]string{"<s", ">s", "<u", ">u", "<\r", ">\r\nPassword: ", "<h", "<u", "<n", "<\r", ">\r\n# "}, "su\r"},
		"a password in one piece":            {[]string{">Password: ", "<hunter2\r", ">\r\n"}, ""},
		"a password and an answer like it":   {[]string{">Password: ", "<h", "<i", "<\r", ">hi there\r\n"}, ""},
		"a password shown as stars":          {[]string{"<h", ">*", "<i", ">*", "<\r"}, ""},
		"a password that begins like output": {[]string{"<h", ">hello", "<i", "<\r"}, ""},
		"output in between":                  {[]string{"<l", ">l", ">\r\nmail\r\n", "<s", ">s", "<\r"}, ""},
		"typed ahead":                        {[]string{"<l", "<s", "<\r", ">ls\r\n"}, ""},
		"edited":                             {[]string{"<l", ">l", "<\x7f", ">\b \b", "<s", ">s", "<\r"}, ""},
		"completed":                          {[]string{"<l", ">l", "<\t", ">s", "<\r"}, ""},
		"pasted":                             {[]string{"<\x1b[200~ls\x1b[201~", ">ls", "<\r"}, ""},
		"the terminal's own answer":          {[]string{"<\x1b[1;1R", "<l", ">l", "<\r", "<s", ">s", "<\r"}, "s\r"},
		"given up by Ctrl-C":                 {[]string{"<x", ">x", "<\x03", ">^C\r\n$ ", "<l", ">l", "<\r"}, "l\r"},
		"an empty line":                      {[]string{"<\r", ">\r\n"}, ""},
		"too long":                           {[]string{"<" + strings.Repeat("x", 5000), ">" + strings.Repeat("x", 5000), "<\r"}, ""},
	} {
		if got := typed(c.dialogue...); got != c.want {
			t.Errorf("%s: %q is recorded, want %q", name, got, c.want)
		}
	}
}

// FuzzEcho holds what Echo promises: a recorded line stands in one piece in what the terminal showed while it was typed.
func FuzzEcho(f *testing.F) {
	f.Add([]byte("<l>l<s>s<\r"))
	f.Add([]byte("<h>\x1b[1mh<\r>x"))
	f.Fuzz(func(t *testing.T, script []byte) {
		var e cast.Echo
		var shown []byte
		out := false
		for _, b := range script {
			switch {
			case b == '<' || b == '>':
				out = b == '>'
			case out:
				e.Output([]byte{b})
				shown = append(shown, b)
			default:
				line, rest := e.Input([]byte{b})
				if len(rest) > 0 {
					t.Fatalf("%q was given back", rest)
				}
				if plain := plainText(shown); len(line) > 0 && !bytes.Contains(plain, bytes.TrimSuffix(line, []byte("\r"))) {
					t.Errorf("%q is recorded, and %q was shown", line, plain)
				}
				if b == '\r' || b == '\n' || b == 0x03 {
					shown = nil
				}
			}
		}
	})
}

// plainText is output without control sequences, by way of the bytes that stand for each.
func plainText(output []byte) []byte {
	var e cast.Parser
	var plain []byte
	for _, b := range output {
		if e.Text(b) {
			plain = append(plain, b)
		}
	}
	return plain
}
