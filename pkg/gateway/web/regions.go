package web

import (
	"bytes"
	"regexp"
)

// regions tells the heads of a body's parts from what is in them, where all servers part a body in the same way: a file may be anything, and
// hold what looks like the head of a part, as a letter or a recorded request does.
//
// A head begins at every place at which a server could see one, and ends where the last server sees its end: what is in doubt is looked at.
type regions struct {
	delimiter []byte // "--" and the boundary; nil: servers may part the body in another way
	began     bool
	content   bool // of a part: no server reads it
}

// plainType is the type of a form in parts as browsers and libraries write it: a boundary, and nothing that servers read in different ways.
var plainType = regexp.MustCompile(`^(?i:multipart/form-data; ?boundary=)([A-Za-z0-9._-]{1,70})$`)

func regionsOf(mediaType string) *regions {
	m := plainType.FindStringSubmatch(mediaType)
	if m == nil {
		return &regions{}
	}
	return &regions{delimiter: []byte("--" + m[1])}
}

// inParts looks at the heads of parts, and at no more than that where it can be told.
func (t *tail) inParts(text []byte) ([]byte, error) {
	r := t.parts
	if r.delimiter != nil && !r.began { // some servers take the first line for the boundary, whatever the type says
		first := append(r.delimiter[:len(r.delimiter):len(r.delimiter)], "\r\n"...)
		if len(text) < len(first) && bytes.HasPrefix(first, text) {
			return text, nil
		}
		if r.began = true; !bytes.HasPrefix(text, first) {
			r.delimiter = nil
		}
	}
	for r.delimiter != nil {
		if r.content {
			i := delimited(text, r.delimiter)
			if i < 0 {
				return text[max(0, len(text)-len(r.delimiter)+1):], nil
			}
			text, r.content, t.within = text[i:], false, false
		}
		const end = "\r\n\r\n"
		head, behind, ended := bytes.Cut(text, []byte(end))
		if bytes.Contains(bytes.ToLower(head), []byte("multipart")) { // parts in a part, which some servers read
			break
		}
		if !ended {
			return t.heads(text, len(text))
		}
		if _, lines, _ := bytes.Cut(head, []byte("\n")); len(bytes.TrimSpace(lines)) == 0 { // a head without lines, which some servers read on from (CGI.pm)
			break
		}
		value, _, _ := bytes.Cut(behind, []byte("\n"))
		region := text[:min(len(text), len(head)+len(end)+len(value)+1)]
		if _, err := t.heads(region, len(head)); err != nil {
			return nil, err
		}
		text, r.content = behind, true
	}
	r.delimiter = nil
	return t.heads(text, len(text))
}

// delimited is where a delimiter stands, in whatever case: -1 where it does not.
func delimited(text, delimiter []byte) int {
	for from := 0; ; from++ {
		i := bytes.IndexByte(text[from:], '-')
		if i < 0 || from+i+len(delimiter) > len(text) {
			return -1
		}
		if from += i; bytes.EqualFold(text[from:from+len(delimiter)], delimiter) {
			return from
		}
	}
}
