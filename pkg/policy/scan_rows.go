package policy

import (
	"errors"
	"fmt"
	"strings"
)

// scanRows cuts a row filter into tokens, the last of which is the end.
func scanRows(text string) ([]rowToken, error) {
	var out []rowToken
	for rest := strings.TrimLeft(text, " \t\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\n") {
		token, length, err := nextRowToken(rest)
		if err != nil {
			return nil, err
		}
		out, rest = append(out, token), rest[length:]
	}
	if len(out) == 0 {
		return nil, errors.New("it is empty")
	}
	return append(out, rowToken{}), nil
}

func nextRowToken(s string) (t rowToken, length int, err error) {
	switch c := s[0]; {
	case c == '\'' || c == '"':
		text, length, err := quotedRow(s)
		kind := byte('v')
		if c == '"' {
			kind = 'c'
		}
		return rowToken{kind, text}, length, err
	case c >= '0' && c <= '9', c == '-' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		length = 1 + spanOf(s[1:], "0123456789.")
		if strings.Count(s[:length], ".") > 1 || s[length-1] == '.' || length < len(s) && isNameByte(s[length]) {
			return t, 0, fmt.Errorf("%q is no number", s[:min(length+1, len(s))])
		}
		return rowToken{'v', s[:length]}, length, nil
	case isNameByte(c):
		for length < len(s) && (isNameByte(s[length]) || s[length] >= '0' && s[length] <= '9') {
			length++
		}
		return rowWord(strings.ToLower(s[:length])), length, nil
	}
	for _, sign := range []string{"<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(s, sign) {
			if sign == "!=" {
				return rowToken{'w', "<>"}, 2, nil
			}
			return rowToken{'w', sign}, len(sign), nil
		}
	}
	return t, 0, fmt.Errorf("%q is not served in row filters", s[:1])
}

func rowWord(word string) rowToken {
	switch {
	case word == "true" || word == "false":
		return rowToken{'v', word}
	case isRowWord(word):
		return rowToken{'w', word}
	}
	return rowToken{'c', word}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func spanOf(s, bytes string) int {
	return len(s) - len(strings.TrimLeft(s, bytes))
}

// quotedRow reads what stands between quotes, in which a quote is written twice.
func quotedRow(s string) (text string, length int, err error) {
	quote := s[:1]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] < ' ' || s[i] == '\\':
			return "", 0, errors.New("control characters and \\ are not served in row filters")
		case s[i] != quote[0]:
		case i+1 < len(s) && s[i+1] == quote[0]:
			i++
		case i == 1 && quote == `"`:
			return "", 0, errors.New("a name is empty")
		default:
			return strings.ReplaceAll(s[1:i], quote+quote, quote), i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("a %s is not closed", quote)
}
