package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Bounds of a path, which are pkg/mask/body's too.
const (
	mostPath  = 1024 // bytes
	mostSteps = 32
)

// checkJSONPath answers why a text is no path into a JSON document. The language is that of pkg/mask/body, which reads paths where masks
// are applied; a table that both are tested with holds that they agree. It is checked here so that a slip is a problem of the file.
func checkJSONPath(text string) error {
	rest, ok := strings.CutPrefix(text, "$")
	switch {
	case len(text) > mostPath:
		return fmt.Errorf("a path has at most %d bytes", mostPath)
	case !utf8.ValidString(text):
		return errors.New("a path is UTF-8 text")
	case !ok:
		return errors.New("a path begins with $")
	}
	for steps := 0; rest != ""; steps++ {
		if steps == mostSteps {
			return fmt.Errorf("a path has at most %d steps", mostSteps)
		}
		var err error
		if rest, err = jsonStep(rest); err != nil {
			return err
		}
	}
	return nil
}

// jsonStep reads the first step of a text and answers what follows.
func jsonStep(text string) (rest string, err error) {
	if deep, ok := strings.CutPrefix(text, ".."); ok {
		if text = "." + deep; strings.HasPrefix(deep, "[") {
			text = deep
		}
	}
	switch {
	case strings.HasPrefix(text, ".*"):
		return text[2:], nil
	case strings.HasPrefix(text, "["):
		return jsonBracket(text[1:])
	case !strings.HasPrefix(text, "."):
		return "", fmt.Errorf("a step begins with . or [, and here is %q", text)
	}
	n := 1
	for n < len(text) && plainKey(text[n]) {
		n++
	}
	if n == 1 {
		return "", errors.New("a key is missing, or must be in quotes: ['a key']")
	}
	return text[n:], nil
}

func plainKey(c byte) bool {
	return c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '-'
}

// jsonBracket reads what stands behind [.
func jsonBracket(text string) (rest string, err error) {
	if rest, ok := strings.CutPrefix(text, "*]"); ok {
		return rest, nil
	}
	if text == "" || text[0] != '\'' && text[0] != '"' {
		number, rest, ok := strings.Cut(text, "]")
		if n, err := strconv.ParseUint(number, 10, 31); !ok || err != nil || strconv.FormatUint(n, 10) != number {
			return "", errors.New("in brackets stand *, a key in quotes or an index: [*], ['a key'], [3]")
		}
		return rest, nil
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case text[0]:
			rest, ok := strings.CutPrefix(text[i+1:], "]")
			if !ok {
				return "", errors.New("a ] is missing")
			}
			return rest, nil
		case '\\':
			if i++; i == len(text) || strings.IndexByte(`\'"`, text[i]) < 0 {
				return "", errors.New(`\ stands only before a quote or another \`)
			}
		}
	}
	return "", errors.New("a quote is not closed")
}

// checkField answers why a text is no field of Kubernetes' objects: a resource, or "*", and a path into its objects.
func checkField(text string) error {
	end := strings.IndexAny(text, ".[")
	if end <= 0 {
		return errors.New(`a field is a resource and where in its objects: "secrets.data.*"`)
	}
	name := text[:end]
	if name != "*" && (strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-') {
		return fmt.Errorf("%q is no resource: write its plural in small letters, without its group", name)
	}
	return checkJSONPath("$" + text[end:])
}

// WholeSecrets says that a mask's field is all values of Secrets, which nobody is shown but whom the `unless` of such a mask names.
func WholeSecrets(field string) bool {
	return field == "secrets.data" || field == "secrets.data.*" || field == "secrets.data[*]"
}

// jsonPaths reads a list of paths, each of which check must have nothing against.
func (d *decoder) jsonPaths(paths *[]string, check func(string) error) func(*strict.Node) {
	return func(n *strict.Node) {
		d.Each(n, func(n *strict.Node) {
			text := d.Text(n)
			if err := check(text); text != "" && err != nil {
				d.Report(n, fmt.Sprintf("%q: %v", text, err), `write: json: ["$.user.ssn", "$.items[*].data.*", "$..password"] or fields: ["secrets.data.*"]`)
			}
			*paths = append(*paths, text)
		})
	}
}
