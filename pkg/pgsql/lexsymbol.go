package pgsql

import "strings"

const (
	operatorBytes = "~!@#^&|`?+-*/%<>="
	// keepSign are the bytes of which one must stand in an operator that ends in + or -.
	keepSign  = "~!@#^&|`?%"
	selfBytes = ",()[].;:+-*/%^<>="
)

func (l *lexer) operator() (tokenKind, *lexError) {
	switch pair := l.text[l.pos:min(l.pos+2, len(l.text))]; pair {
	case "::", "..", ":=":
		l.pos += 2
		return tokSelf, nil
	}
	c := l.text[l.pos]
	if strings.IndexByte(operatorBytes, c) < 0 {
		l.pos++
		if strings.IndexByte(selfBytes, c) >= 0 {
			return tokSelf, nil
		}
		return tokOther, nil
	}
	size := 1
	for l.pos+size < len(l.text) && strings.IndexByte(operatorBytes, l.text[l.pos+size]) >= 0 {
		size++
	}
	l.pos += operatorSize(l.text[l.pos : l.pos+size])
	return tokOperator, nil
}

// operatorSize is how much of a run of operator bytes is one operator: a comment ends it, and so do trailing signs
// unless a byte of keepSign stands before them.
func operatorSize(run string) int {
	for i := 1; i < len(run); i++ {
		if pair := run[i-1 : i+1]; pair == "/*" || pair == "--" {
			run = run[:i-1]
			break
		}
	}
	size := len(run)
	sign := func(c byte) bool { return c == '+' || c == '-' }
	if size > 1 && sign(run[size-1]) && !strings.ContainsAny(run[:size-1], keepSign) {
		for size > 1 && sign(run[size-1]) {
			size--
		}
	}
	return size
}

// number reads a numeric constant as PostgreSQL 16 and later do. What older servers read as a number and a name is an error here.
func (l *lexer) number() (tokenKind, *lexError) {
	start := l.pos
	if l.at(0) == '0' && l.radix() {
		return l.endNumber(start)
	}
	if l.at(0) != '.' {
		l.digits(isDigit)
	}
	if l.at(0) == '.' && l.at(1) != '.' {
		l.pos++
		if isDigit(l.at(0)) {
			l.digits(isDigit)
		}
	}
	if c := l.at(0); c == 'e' || c == 'E' {
		sign := 0
		if l.at(1) == '+' || l.at(1) == '-' {
			sign = 1
		}
		if !isDigit(l.at(1 + sign)) {
			return l.fail(start, "trailing junk after numeric literal")
		}
		l.pos += 1 + sign
		l.digits(isDigit)
	}
	return l.endNumber(start)
}

func (l *lexer) endNumber(start int) (tokenKind, *lexError) {
	if isIdentStart(l.at(0)) {
		return l.fail(start, "trailing junk after numeric literal")
	}
	return tokNumber, nil
}

// radix reads 0x, 0o and 0b numbers; false leaves the position.
func (l *lexer) radix() bool {
	var digit func(byte) bool
	switch l.at(1) {
	case 'x', 'X':
		digit = func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
	case 'o', 'O':
		digit = func(c byte) bool { return c >= '0' && c <= '7' }
	case 'b', 'B':
		digit = func(c byte) bool { return c == '0' || c == '1' }
	default:
		return false
	}
	first := 2
	if l.at(first) == '_' {
		first++
	}
	if !digit(l.at(first)) {
		return false
	}
	l.pos += first
	l.digits(digit)
	return true
}

// digits reads digits, with single underscores between them.
func (l *lexer) digits(digit func(byte) bool) {
	for digit(l.at(0)) || l.at(0) == '_' && digit(l.at(1)) {
		l.pos++
	}
}
