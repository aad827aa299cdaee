package argv

import "strings"

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
