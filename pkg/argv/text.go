package argv

import (
	"fmt"
	"strings"
	"unicode"
)

// safe are the characters that need no quotes in any shell, wherever they stand behind a program's name.
const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+@%=-"

// quoted is a text as one word of a shell, with quotes. A quote inside stands in quotes of the other kind, which even shells
// of another family read alike.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}

// shown is a word as it is written down: an unknown one as it stood, with its quotes.
func shown(w Word) string {
	switch {
	case w.Kind != Literal:
		return w.Source
	case w.Value == "" || strings.Trim(w.Value, safe) != "" || w.Value[0] == '=':
		return quoted(w.Value)
	default:
		return w.Value
	}
}

// Quote is words as a command line that every shell reads as exactly these.
func Quote(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = shown(Word{Kind: Literal, Value: w})
		if i == 0 && out[i] != "" && out[i][0] != '\'' && (&reader{}).program(Word{Kind: Literal, Value: w}) != out[i] {
			out[i] = quoted(w)
		}
	}
	return strings.Join(out, " ")
}

// String is the line for people to read: as it is written down anew, or, where it is not understood, as it was written. What
// can't be seen, or turns the direction of what stands around it, is shown as its number.
func (l *Line) String() string {
	text := l.normal
	if l.Unclear != "" || text == "" {
		text = l.Text
	}
	var out strings.Builder
	for _, c := range text {
		if c == '\n' || c == ' ' || unicode.IsGraphic(c) && !unicode.Is(unicode.Zs, c) {
			out.WriteRune(c)
		} else {
			fmt.Fprintf(&out, "\\u{%x}", c)
		}
	}
	return out.String()
}
