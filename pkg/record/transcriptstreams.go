package record

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// maxPartial is how much of a line a transcript holds back until the line ends; longer ones are shown in pieces.
const maxPartial = 4 << 10

// partial is a line of a stream that did not end yet.
type partial struct {
	command uint64
	kind    ChunkKind
	text    []byte
}

// prefix marks the lines of a stream, so that none of them looks like another's or like a line of ours.
func (k ChunkKind) prefix() string {
	switch k {
	case ChunkErrors:
		return "  ! "
	case ChunkInput:
		return "  < "
	default:
		return "  | "
	}
}

// chunk is what a chunk adds to the transcript: the lines that end with it.
func (t *Transcript) chunk(e Event, of Terminal, c Chunk) string {
	if columns, rows, ok := c.Size(); ok {
		return t.rest() + fmt.Sprintf("%s[%d] window of %d columns, %d rows\n", clock(e), of.Command, columns, rows)
	}
	var b strings.Builder
	if t.partial.command != of.Command || t.partial.kind != c.Kind {
		b.WriteString(t.rest())
		t.partial.command, t.partial.kind = of.Command, c.Kind
	}
	ends := "\n"
	if c.Kind == ChunkInput {
		ends = "\r\n"
	}
	for data := c.Data; len(data) > 0; {
		end := bytes.IndexAny(data, ends)
		if end < 0 {
			t.partial.text = append(t.partial.text, data...)
			break
		}
		t.partial.text = append(t.partial.text, data[:end]...)
		data = data[end+1:]
		b.WriteString(t.line())
	}
	if len(t.partial.text) > maxPartial {
		b.WriteString(t.line())
	}
	return b.String()
}

// take gives a chunk to the screen, or adds its lines to b.
func (t *Transcript) take(b *strings.Builder, e Event, of Terminal, c Chunk) error {
	if t.Screen != nil && of.PTY {
		return t.Screen(of, c)
	}
	b.WriteString(t.chunk(e, of, c))
	return nil
}

// exit ends a command's streams.
func (t *Transcript) exit(e Event, x Exit) (string, error) {
	var b strings.Builder
	err := t.streams.Exit(e, x, func(of Terminal, c Chunk) error { return t.take(&b, e, of, c) })
	return b.String() + t.rest() + exit(e, x), err
}

// line takes the line that is held back.
func (t *Transcript) line() string {
	text := bytes.TrimSuffix(t.partial.text, []byte("\r"))
	line := t.partial.kind.prefix() + EscapeLines(string(text)) + "\n"
	t.partial.text = t.partial.text[:0]
	return line
}

// rest takes what is held back of a line that something else interrupts, or nothing.
func (t *Transcript) rest() string {
	if len(t.partial.text) == 0 {
		return ""
	}
	return t.line()
}

// terminal, exit, fileLine and forward are the lines of the events beside the streams.

func terminal(e Event, b Terminal) string {
	what := Escape(b.What)
	if b.PTY {
		what += fmt.Sprintf(" in a terminal %s of %d columns, %d rows", Escape(b.Term), b.Columns, b.Rows)
	}
	if b.Status != 0 {
		what += fmt.Sprintf(" %d", b.Status)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s[%d] %s begins\n", clock(e), b.Command, what)
	for _, f := range b.Fields {
		fmt.Fprintf(&text, "    %s: %s\n", Escape(f.Name), Escape(f.Value))
	}
	if b.MoreFields > 0 {
		fmt.Fprintf(&text, "    not recorded: %d fields more\n", b.MoreFields)
	}
	return text.String()
}

func exit(e Event, b Exit) string {
	what := "ended"
	switch {
	case b.Status != nil:
		what = fmt.Sprintf("exit status %d", *b.Status)
	case b.Signal != "":
		what = "killed by signal " + Escape(b.Signal)
	}
	if b.Error != "" {
		what += ": " + Escape(b.Error)
	}
	text := fmt.Sprintf("%s[%d] %s (%d bytes, %s)\n", clock(e), b.Command, what, b.OutputBytes+b.ErrorBytes, micros(b.DurationUS))
	if b.TruncatedBytes > 0 {
		text += fmt.Sprintf("    not recorded beyond the cap: %d bytes\n", b.TruncatedBytes)
	}
	return text
}

func fileLine(e Event, b FileOperation) string {
	what := Escape(b.Operation) + " " + cell(b.Path)
	if b.To != "" {
		what += " to " + cell(b.To)
	}
	if b.Mode != "" {
		what += " mode " + Escape(b.Mode)
	}
	if b.Error != "" {
		what += " ERROR " + Escape(b.Error)
	}
	text := fmt.Sprintf("%s[%d] file %s (%d bytes, %s)\n", clock(e), b.Command, what, b.Bytes, micros(b.DurationUS))
	if b.SHA256 != "" {
		text += "    sha256 " + Escape(b.SHA256) + "\n"
	}
	return text
}

func forward(e Event, b Forward) string {
	what := Escape(b.What) + " " + cell(b.Address)
	if b.Resolved != "" {
		what += " at " + cell(b.Resolved)
	}
	if b.Error != "" {
		what += " ERROR " + Escape(b.Error)
	}
	return fmt.Sprintf("%s[%d] forward %s (%d bytes sent, %d received, %s)\n", clock(e), b.Command, what, b.Sent, b.Received, micros(b.DurationUS))
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
