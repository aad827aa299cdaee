package pgsql

// tokenKind is the class of a lexical token.
type tokenKind uint8

const (
	tokSpace   tokenKind = iota + 1
	tokComment           // line or block
	tokIdent             // unquoted name or keyword
	tokQuoted            // "name" or U&"name"
	tokString            // 'x', E'x', U&'x', B'x', X'x', $$x$$, with continuations
	tokNumber
	tokParam // $1
	tokOperator
	tokSelf // one of , ( ) [ ] . ; : and :: := .. =>
	tokOther
)

// token is a part of the text, by bytes.
type token struct {
	kind       tokenKind
	start, end int
}

// lexError says why a text has no tokens, and where.
type lexError struct {
	at      int
	message string
}

func (e *lexError) Error() string { return e.message }

// lexer follows PostgreSQL's scan.l rule by rule, with standard_conforming_strings on.
type lexer struct {
	text string
	pos  int
}

// lexAll is every token of the text, spaces and comments too: they tile it.
func lexAll(text string) ([]token, *lexError) {
	l := lexer{text: text}
	tokens := make([]token, 0, len(text)/4+4)
	for l.pos < len(text) {
		start := l.pos
		kind, err := l.next()
		if err != nil {
			return tokens, err
		}
		tokens = append(tokens, token{kind: kind, start: start, end: l.pos})
	}
	return tokens, nil
}

func (l *lexer) at(offset int) byte {
	if l.pos+offset < len(l.text) {
		return l.text[l.pos+offset]
	}
	return 0
}

func (l *lexer) fail(at int, message string) (tokenKind, *lexError) {
	return 0, &lexError{at: at, message: message}
}

func (l *lexer) next() (tokenKind, *lexError) {
	c := l.at(0)
	switch {
	case isSpace(c):
		for l.pos < len(l.text) && isSpace(l.text[l.pos]) {
			l.pos++
		}
		return tokSpace, nil
	case c == '-' && l.at(1) == '-':
		l.lineComment()
		return tokComment, nil
	case c == '/' && l.at(1) == '*':
		return l.blockComment()
	case c == '\'':
		return l.quoted(1, false, true)
	case c == '"':
		return l.quotedName(1)
	case c == '$':
		return l.dollar()
	case isDigit(c), c == '.' && isDigit(l.at(1)):
		return l.number()
	case isIdentStart(c):
		return l.word()
	}
	return l.operator()
}

// word is an identifier, or a string or quoted identifier that begins with a letter.
func (l *lexer) word() (tokenKind, *lexError) {
	switch c := l.text[l.pos]; {
	case (c == 'e' || c == 'E') && l.at(1) == '\'':
		return l.quoted(2, true, true)
	case (c == 'b' || c == 'B' || c == 'x' || c == 'X') && l.at(1) == '\'':
		return l.quoted(2, false, false)
	case (c == 'u' || c == 'U') && l.at(1) == '&' && l.at(2) == '\'':
		return l.quoted(3, false, true)
	case (c == 'u' || c == 'U') && l.at(1) == '&' && l.at(2) == '"':
		return l.quotedName(3)
	}
	for l.pos < len(l.text) && isIdentCont(l.text[l.pos]) {
		l.pos++
	}
	return tokIdent, nil
}

func (l *lexer) lineComment() {
	for l.pos < len(l.text) && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		l.pos++
	}
}

func (l *lexer) blockComment() (tokenKind, *lexError) {
	start, depth := l.pos, 0
	for l.pos < len(l.text) {
		switch {
		case l.at(0) == '/' && l.at(1) == '*':
			depth++
			l.pos += 2
		case l.at(0) == '*' && l.at(1) == '/':
			depth--
			l.pos += 2
			if depth == 0 {
				return tokComment, nil
			}
		default:
			l.pos++
		}
	}
	return l.fail(start, "unterminated /* comment")
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isIdentCont(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }
