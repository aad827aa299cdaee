package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// inParts looks at the names of the parts of a body. What can't be taken apart in one way may not speak of a method at all.
func inParts(method, mediaType string, body []byte, whole bool) error {
	_, params, err := mime.ParseMediaType(mediaType)
	if err != nil || params["boundary"] == "" {
		return unclear(body)
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF), err != nil && !whole:
			return nil
		case err != nil, len(p.Header.Values("Content-Disposition")) != 1:
			return unclear(body)
		}
		value, _ := io.ReadAll(io.LimitReader(p, 64))
		for name, said := range p.Header {
			for _, s := range said {
				if err := fieldOfHead(name+": "+s, string(value), method); err != nil {
					return err
				}
			}
		}
	}
}

// unclear answers an error for a body in parts that can't be taken apart, and may name a method.
func unclear(body []byte) error {
	if holdsMethod(body) || bytes.ContainsAny(body, `%\`) {
		return errUnclear
	}
	return nil
}

// fieldOfHead answers an error for a line of a part's head that names another method, wherever in it.
func fieldOfHead(line, value, method string) error {
	for from := 0; ; {
		n, ok := naming([]byte(line), from)
		if !ok {
			return nil
		}
		if from = n.behind; n.says([]byte(line[from:]), value, method) != nil {
			return errMethod
		}
	}
}

// named is where a part says its name.
type named struct {
	at, behind int  // where that begins, and what stands behind its colon, or all of the text
	id         bool // it is a Content-ID, which Rack has for a name where there is no other
}

// naming finds the next one, which need not be whole.
func naming(text []byte, from int) (named, bool) {
	const content = "content"
	for {
		i := bytes.IndexByte(text[from:], '-')
		if i < 0 {
			return named{}, false
		}
		at := from + i - len(content)
		from += i + 1
		if at < 0 || from == len(text) || !bytes.EqualFold(text[at:from-1], []byte(content)) {
			continue
		}
		for _, word := range []string{"disposition", "id"} {
			end := from + len(word)
			if end > len(text) || !strings.EqualFold(string(text[from:end]), word) {
				continue
			}
			switch rest := bytes.TrimLeft(text[end:], " \t"); {
			case len(rest) == 0:
				return named{at, len(text), word == "id"}, true
			case rest[0] == ':':
				return named{at, len(text) - len(rest) + 1, word == "id"}, true
			}
		}
	}
}

// says answers an error for a name of another method in what stands behind the colon. Where servers read that in several ways, a mention
// is enough.
func (n named) says(line []byte, value, method string) error {
	text := strings.TrimSpace(unfold.Replace(string(line)))
	starred := otherCharset(text)
	if !starred && !strings.Contains(text, "=?") && !holdsMethod(unquery(strings.ReplaceAll(text, `\`, ""))) {
		return nil
	}
	if _, again := naming([]byte(text), 0); again {
		return errMethod
	}
	if n.id {
		if saysMethod(strings.Trim(text, "<>\"'"), value, method) {
			return errMethod
		}
		return nil
	}
	_, names, err := mime.ParseMediaType(text)
	if err != nil || starred || strings.Contains(text, `\`) {
		return errMethod
	}
	plain, err := new(mime.WordDecoder).DecodeHeader(strings.Trim(names["name"], "' ")) // quotes to PHP, words to Tomcat
	if err != nil || saysMethod(names["name"], value, method) || saysMethod(unquery(plain), value, method) {
		return errMethod
	}
	return nil
}

var unfold = strings.NewReplacer("\r\n", " ", "\n", " ")

// otherCharset says whether a name is also given in an encoding that not all read, or read in one way (RFC 2231).
func otherCharset(line string) bool {
	small := strings.ReplaceAll(strings.ToLower(line), "filename", "")
	starred := strings.Count(small, "name*")
	return starred > 1 || starred != strings.Count(small, "name*=utf-8'") || starred > 0 && strings.Contains(small, "name=")
}

// logical is the first line that says something, with those that go on with it; false: its end is not there yet.
func logical(text []byte) (line []byte, ended bool) {
	text = text[:min(len(text), longestHead)]
	from := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	for {
		i := bytes.IndexByte(text[from:], '\n')
		if i < 0 || from+i+1 == len(text) {
			return nil, false
		}
		if from += i + 1; text[from] != ' ' && text[from] != '\t' {
			return text[:from-1], true
		}
	}
}

// valueOf is the first line of a part's content, with what stands behind a line of its head; false: its head goes on. It is empty where
// the end of that line is not there.
func valueOf(text []byte) (value string, known bool) {
	crlf, lf := bytes.Index(text, []byte("\n\r\n")), bytes.Index(text, []byte("\n\n"))
	begin := crlf
	if crlf < 0 || lf >= 0 && lf < crlf {
		begin = lf
	}
	if begin < 0 {
		return "", false
	}
	line, _, ended := bytes.Cut(bytes.TrimLeft(text[begin:], "\r\n"), []byte("\n"))
	if !ended {
		return "", true
	}
	return string(line), true
}
