package postgres

import (
	"errors"
	"strings"
)

// option is a setting of the startup parameter options.
type option struct{ name, value string }

var errOptions = errors.New(`the startup parameter "options" is not served but for -c NAME=VALUE and --NAME=VALUE`)

// options reads the startup parameter of that name as the server does: words between spaces, where a backslash takes the
// next character as it is (pg_split_opts, and process_postgres_switches of its main program). Other switches than those
// that set something are refused.
func options(text string) ([]option, error) {
	var out []option
	words := optionWords(text)
	for len(words) > 0 {
		setting := ""
		switch word := words[0]; {
		case word == "-c" && len(words) > 1:
			words = words[1:]
			setting = words[0]
		case strings.HasPrefix(word, "--"):
			setting = word[2:]
		case strings.HasPrefix(word, "-c"):
			setting = word[2:]
		}
		words = words[1:]
		name, value, ok := strings.Cut(setting, "=")
		if !ok || name == "" {
			return nil, errOptions
		}
		out = append(out, option{strings.ToLower(strings.ReplaceAll(name, "-", "_")), value})
	}
	return out, nil
}

// optionWords splits at what isspace of C's locale calls a space.
func optionWords(text string) (words []string) {
	const spaces = " \t\n\v\f\r"
	for {
		text = strings.TrimLeft(text, spaces)
		if text == "" {
			return words
		}
		var word strings.Builder
		i := 0
		for ; i < len(text) && !strings.Contains(spaces, text[i:i+1]); i++ {
			if text[i] == '\\' {
				if i++; i == len(text) {
					break
				}
			}
			word.WriteByte(text[i])
		}
		words, text = append(words, word.String()), text[i:]
	}
}
