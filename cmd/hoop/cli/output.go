package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Formats of what is printed on stdout, and of errors on stderr.
const (
	formatText   = "text"
	formatJSON   = "json"
	formatNDJSON = "ndjson"
)

func outputFormats() []string { return []string{formatText, formatJSON, formatNDJSON} }

// guessFormat finds the output format before the flags are parsed, so that an error of the parser has it too.
func guessFormat(args []string, env string) string {
	found := env
	for i, arg := range args {
		if arg == "--" {
			break
		}
		for _, flag := range []string{"-o", "--output"} {
			value, joined := strings.CutPrefix(arg, flag+"=")
			switch {
			case joined:
				found = value
			case arg == flag && i+1 < len(args):
				found = args[i+1]
			case flag == "-o" && strings.HasPrefix(arg, "-o"):
				found = arg[2:]
			}
		}
	}
	if !slices.Contains(outputFormats(), found) {
		return formatText
	}
	return found
}

// member is one field of an object whose fields keep their order.
type member struct {
	name  string
	value any
}

type object []member

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// orNull writes an absent text as null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// newEvent has the fields that all events have.
func newEvent(kind, connection, grant string, more ...member) object {
	return append(object{{"v", 1}, {"event", kind}, {"time", stamp(time.Now())}, {"connection", orNull(connection)}, {"grant_id", orNull(grant)}}, more...)
}

// writeLine writes one value as one line of JSON. Characters that a terminal would act on are escaped by JSON's own
// rules, since a person may be looking.
func writeLine(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	_, err = w.Write(append(escapeJSON(raw), '\n'))
	return err
}

// escapeJSON writes what does not print as \u escapes. In valid JSON such characters stand in strings alone.
func escapeJSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+8)
	for _, r := range string(raw) {
		switch {
		case r < 0x7f && r >= ' ', record.Escape(string(r)) == string(r):
			out = append(out, string(r)...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// printError says an error in three parts: what happened, what to do next, and how to ask about it.
func (p *program) printError(e *api.Error, code int) {
	if p.format != formatText {
		_ = writeLine(p.err, newEvent("error", p.connection, p.grant, member{"code", e.Code}, member{"message", e.Message}, member{"hint", orNull(e.Hint)},
			member{"retryable", e.Retryable}, member{"request_id", orNull(e.RequestID)}, member{"exit_code", code}))
		return
	}
	fmt.Fprintf(p.err, "error: %s\n", record.Escape(e.Message))
	if e.Hint != "" {
		fmt.Fprintf(p.err, "hint: %s\n", record.Escape(e.Hint))
	}
	if e.RequestID != "" {
		fmt.Fprintf(p.err, "request: %s\n", record.Escape(e.RequestID))
	}
}

// say tells a person something, on stderr. Every %s is escaped.
func (p *program) say(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = record.Escape(s)
		}
	}
	fmt.Fprintf(p.err, format+"\n", args...)
}

func (p *program) warn(line string) { p.say("warning: %s", line) }

// print writes one answer: as text by the function, or as one object.
func (p *program) print(answer any, text func(w io.Writer)) error {
	if p.format != formatText {
		return writeLine(p.out, answer)
	}
	var b bytes.Buffer
	text(&b)
	_, err := p.out.Write(b.Bytes())
	return err
}

// printList writes a list: a table, one object that holds it, or one object a line.
func printList[T any](p *program, name string, items []T, head []string, row func(T) []string) error {
	switch p.format {
	case formatJSON:
		if items == nil {
			items = []T{}
		}
		return writeLine(p.out, object{{name, items}})
	case formatNDJSON:
		for _, item := range items {
			if err := writeLine(p.out, item); err != nil {
				return err
			}
		}
		return nil
	}
	if len(items) == 0 {
		p.say("no %s", name)
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(head, "\t")))
	for _, item := range items {
		cells := row(item)
		for i := range cells {
			cells[i] = record.Escape(cells[i])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// fieldsOf prints labelled lines, with the values of each below one another. Empty ones are left out.
func fieldsOf(w io.Writer, fields ...string) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] != "" {
			fmt.Fprintf(tab, "%s:\t%s\n", fields[i], record.Escape(fields[i+1]))
		}
	}
	_ = tab.Flush()
}

// local shows a time to a person.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
