package scp

// Parsed reads a line, and writes it again.
func Parsed(text string) (again, name string, err error) {
	l, err := parseLine(text)
	return l.String(), l.name, err
}
