package body

import (
	"bytes"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// maxEvent is how many bytes an event has at most.
const maxEvent = 1 << 20

// eventStream masks server-sent events (HTML Living Standard, 9.2) one by one. An event is shown as soon as its empty line has come:
// as it came, or where something in it is masked written anew, with one data field a line.
type eventStream struct {
	json  *jsonStage
	paths *matcher
	look  *look

	event  []byte // the event that is read, as it came
	line   int    // bytes of its line that is read
	cr     bool   // the latest byte was CR: a LF is of the same end
	asIs   bool   // the latest event was shown as it came
	behind bool   // the first event has been read

	data, out, masked []byte
}

func newEventStream(m *matcher, l *look) *eventStream {
	return &eventStream{json: newJSON(m, l, document), paths: m, look: l}
}

func (e *eventStream) write(dst, p []byte) ([]byte, error) {
	for i := 0; i < len(p); {
		c := p[i]
		if c == '\n' && e.cr {
			e.cr = false
			i++
			if len(e.event) > 0 {
				e.event = append(e.event, c)
			} else if e.asIs {
				dst = append(dst, c)
			}
			continue
		}
		e.cr = false
		from := i
		for i < len(p) && p[i] != '\n' && p[i] != '\r' {
			i++
		}
		e.line += i - from
		if i == len(p) {
			e.event = append(e.event, p[from:]...)
			return dst, e.bound()
		}
		empty := e.line == 0
		e.line, e.cr = 0, p[i] == '\r'
		i++
		e.event = append(e.event, p[from:i]...)
		err := e.bound()
		if err == nil && empty {
			dst, err = e.show(dst)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (e *eventStream) bound() error {
	if len(e.event) > maxEvent {
		return fmt.Errorf("%w: an event of more than %d bytes", ErrMalformed, maxEvent)
	}
	return nil
}

// close shows an event whose empty line is missing.
func (e *eventStream) close(dst []byte) ([]byte, error) {
	if len(e.event) == 0 {
		return dst, nil
	}
	return e.show(dst)
}

// show puts out the event that was read.
func (e *eventStream) show(dst []byte) ([]byte, error) {
	e.data, e.out = e.data[:0], e.out[:0]
	rest := e.event
	if !e.behind {
		rest = bytes.TrimPrefix(rest, []byte("\xEF\xBB\xBF"))
	}
	e.behind, e.asIs = true, true
	some := false
	for len(rest) > 0 {
		var line []byte
		line, rest = firstLine(rest)
		if len(line) == 0 {
			continue
		}
		if value, ok := dataOf(line); ok {
			if some {
				e.data = append(e.data, '\n')
			}
			e.data, some = append(e.data, value...), true
			continue
		}
		if len(e.paths.steps) > 0 && !plain(line) {
			return dst, fmt.Errorf("%w: an event has data in a field that is not for it", ErrMalformed)
		}
		left, r := e.look.over(line, mask.Piece, false)
		e.asIs = e.asIs && r == mask.Clean
		e.out = append(append(e.out, left...), '\n')
	}
	data, err := e.maskData()
	if err != nil {
		return dst, err
	}
	if e.asIs {
		dst = append(dst, e.event...)
		e.event = e.event[:0]
		return dst, nil
	}
	e.event = e.event[:0]
	dst = append(dst, e.out...)
	for some {
		var line []byte
		line, data, some = bytes.Cut(data, []byte("\n"))
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}
	return append(dst, '\n'), nil
}

// maskData answers what is shown of the data of an event.
func (e *eventStream) maskData() ([]byte, error) {
	e.json.reset()
	var err error
	if e.masked, err = e.json.write(e.masked[:0], e.data); err == nil {
		e.masked, err = e.json.close(e.masked)
	}
	if err == nil {
		e.asIs = e.asIs && bytes.Equal(e.masked, e.data)
		return e.masked, nil
	}
	if e.paths.whole != 0 || len(e.paths.steps) > 0 && !plain(e.data) {
		return nil, fmt.Errorf("the data of an event: %w", err)
	}
	left, r := e.look.over(e.data, mask.Piece, false)
	e.asIs = e.asIs && r == mask.Clean
	return left, nil
}

// firstLine cuts a text behind its first line, whose end may be LF, CR or both.
func firstLine(text []byte) (line, rest []byte) {
	i := bytes.IndexAny(text, "\r\n")
	if i < 0 {
		return text, nil
	}
	line, rest = text[:i], text[i+1:]
	if text[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

// dataOf is the value of a line that is a data field.
func dataOf(line []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("data"))
	if !ok || len(rest) == 0 {
		return rest, ok
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(":")); !ok {
		return nil, false
	}
	return bytes.TrimPrefix(rest, []byte(" ")), true
}

// plain says that a text which is not JSON has no part of any in it: no object, no string, and no array, though [DONE] is none.
func plain(text []byte) bool {
	if bytes.ContainsAny(text, `{"`) {
		return false
	}
	inner, ok := bytes.CutPrefix(blank(text), []byte("["))
	if !ok {
		return true
	}
	inner = blank(inner)
	return len(inner) > 0 && inner[0]|0x20-'a' < 26 && !bytes.ContainsAny(inner[:1], "tfn")
}
