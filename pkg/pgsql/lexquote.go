package pgsql

import "strings"

// quoted reads a string constant whose opening takes prefix bytes. With backslash, \ takes the next byte with it;
// with doubled, ” stands for one quote (bit strings have no such thing: there it ends one string and begins another).
func (l *lexer) quoted(prefix int, backslash, doubled bool) (tokenKind, *lexError) {
	start := l.pos
	l.pos += prefix
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == '\\' && backslash:
			l.pos += 2
		case c != '\'':
			l.pos++
		case doubled && l.at(1) == '\'':
			l.pos += 2
		default:
			l.pos++
			next, more := l.continuation()
			if !more {
				return tokString, nil
			}
			l.pos = next
		}
	}
	return l.fail(start, "unterminated quoted string")
}

// continuation looks for the opening quote of a string's next part: only white space with a newline may stand between.
func (l *lexer) continuation() (int, bool) {
	p := l.pos
	for p < len(l.text) {
		switch c := l.text[p]; {
		case c == '\n' || c == '\r':
			return l.continuationAfterNewline(p + 1)
		case isSpace(c):
			p++
		case strings.HasPrefix(l.text[p:], "--"):
			p = endOfLine(l.text, p)
		default:
			return 0, false
		}
	}
	return 0, false
}

func (l *lexer) continuationAfterNewline(p int) (int, bool) {
	for p < len(l.text) {
		switch c := l.text[p]; {
		case isSpace(c):
			p++
		case c == '\'':
			return p + 1, true
		case strings.HasPrefix(l.text[p:], "--"):
			p = endOfLine(l.text, p)
			if p == len(l.text) {
				return 0, false
			}
			p++
		default:
			return 0, false
		}
	}
	return 0, false
}

func endOfLine(text string, p int) int {
	if i := strings.IndexAny(text[p:], "\n\r"); i >= 0 {
		return p + i
	}
	return len(text)
}

// quotedName reads "name" with "" for a quote. An empty one is an error, as in Postgres.
func (l *lexer) quotedName(prefix int) (tokenKind, *lexError) {
	start := l.pos
	l.pos += prefix
	for l.pos < len(l.text) {
		switch {
		case l.text[l.pos] != '"':
			l.pos++
		case l.at(1) == '"':
			l.pos += 2
		default:
			l.pos++
			if l.pos-start == prefix+1 {
				return l.fail(start, `zero-length delimited identifier at or near """"`)
			}
			return tokQuoted, nil
		}
	}
	return l.fail(start, "unterminated quoted identifier")
}

// dollar reads a parameter, a dollar-quoted string, or a lone $.
func (l *lexer) dollar() (tokenKind, *lexError) {
	start := l.pos
	if isDigit(l.at(1)) {
		for l.pos++; l.pos < len(l.text) && isDigit(l.text[l.pos]); l.pos++ {
		}
		if isIdentStart(l.at(0)) {
			return l.fail(start, "trailing junk after parameter")
		}
		return tokParam, nil
	}
	end := l.pos + 1
	if end < len(l.text) && isIdentStart(l.text[end]) {
		for end < len(l.text) && (isIdentStart(l.text[end]) || isDigit(l.text[end])) {
			end++
		}
	}
	if end >= len(l.text) || l.text[end] != '$' {
		l.pos++
		return tokOther, nil
	}
	delimiter := l.text[l.pos : end+1]
	close := strings.Index(l.text[end+1:], delimiter)
	if close < 0 {
		return l.fail(start, "unterminated dollar-quoted string")
	}
	l.pos = end + 1 + close + len(delimiter)
	return tokString, nil
}
