package localproxy

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// Formats returns the names of the formats that FormatEnv knows.
func Formats() []string { return []string{"sh", "fish", "powershell", "dotenv", "json", "github"} }

// FormatEnv writes variables for a shell to evaluate or a tool to read. A value that a line can't hold is an error:
// in a format of lines it could become a variable of its own.
func FormatEnv(format string, vars []Var) (string, error) {
	if format == "json" {
		return envJSON(vars)
	}
	line, ok := map[string]func(Var) string{
		"sh":         func(v Var) string { return "export " + v.Name + "=" + quoteShell(v.Value) },
		"fish":       func(v Var) string { return "set -gx " + v.Name + " " + quoteFish(v.Value) },
		"powershell": func(v Var) string { return "$env:" + v.Name + " = '" + strings.ReplaceAll(v.Value, "'", "''") + "'" },
		"dotenv":     func(v Var) string { return v.Name + "=" + quoteDotenv(v.Value) },
		"github":     func(v Var) string { return v.Name + "=" + v.Value },
	}[format]
	if !ok {
		return "", fmt.Errorf("format %q is not one of %s", format, strings.Join(Formats(), ", "))
	}
	var b strings.Builder
	for _, v := range vars {
		if strings.IndexFunc(v.Value, unicode.IsControl) >= 0 {
			return "", fmt.Errorf("the value of %s has control characters", v.Name)
		}
		b.WriteString(line(v))
		b.WriteByte('\n')
	}
	return b.String(), nil
}

func envJSON(vars []Var) (string, error) {
	object := make(map[string]string, len(vars))
	for _, v := range vars {
		object[v.Name] = v.Value
	}
	b, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("encode the environment: %w", err)
	}
	return string(b) + "\n", nil
}

// quoteShell quotes for POSIX shells, where nothing but the quote itself means anything inside single quotes.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFish quotes for fish, where a backslash inside single quotes escapes a backslash or a quote.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quoteDotenv quotes only what needs it: some readers of such files take quotes for part of the value.
func quoteDotenv(s string) string {
	plain := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_./:@%+=,-", r))
	}
	switch {
	case strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s) + `"`
}
