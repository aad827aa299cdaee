package record

import (
	"bufio"
	"fmt"
	"strings"
	"time"
)

// Transcript turns a recording into text for people. Everything that came from a client or a target is escaped.
type Transcript struct {
	// Screen, if not nil, takes the chunks of terminals, which are not in the text then.
	Screen func(Terminal, Chunk) error

	results *results
	streams *Streams
	partial partial
	tabular bool // commands of this recording answer rows
}

// NewTranscript is for one recording, read from its beginning.
func NewTranscript() *Transcript { return &Transcript{results: newResults(), streams: NewStreams()} }

// export writes what each event adds.
func (t *Transcript) export(out *bufio.Writer) func(Event) error {
	return func(e Event) error {
		text, err := t.Text(e)
		if err == nil {
			_, err = out.WriteString(text)
		}
		return err
	}
}

// Text is what an event adds to the transcript: nothing, or whole lines.
func (t *Transcript) Text(e Event) (string, error) {
	switch e.Type {
	case TypeCheckpoint:
		return "", nil
	case TypeRows:
		var b strings.Builder
		taken, err := t.streams.Rows(e, func(of Terminal, c Chunk) error {
			return t.take(&b, e, of, c)
		})
		if taken || err != nil {
			return b.String(), err
		}
	}
	text, err := t.event(e)
	return t.rest() + text, err
}

// Rest is what is held back of a line that never ended.
func (t *Transcript) Rest() string { return t.rest() }

func (t *Transcript) event(e Event) (string, error) {
	switch {
	case e.Type == TypeSeal:
		s, err := sealOf(e)
		return clock(e) + "recording sealed: " + Escape(s.Reason) + "\n", err
	case e.Type == TypeRows:
		return t.rows(e)
	case !e.Type.described():
		return fmt.Sprintf("%sevent %d of a later version\n", clock(e), e.Type), nil
	}
	b, err := Decode(e)
	if err != nil {
		return "", err
	}
	return t.body(e, b)
}

func (t *Transcript) body(e Event, b Body) (string, error) {
	if x, ok := b.(Exit); ok {
		return t.exit(e, x)
	}
	return t.words(e, b), nil
}

func (t *Transcript) words(e Event, b Body) string {
	switch b := b.(type) {
	case Header:
		t.tabular = b.Kind == "" || b.Kind == "postgres"
		return fmt.Sprintf("Session %s of %s (%s) on %s, %s\n%s", Escape(b.Session), Escape(b.Identity.User),
			Escape(b.Identity.Type), Escape(b.Connection), b.Started.UTC().Format(time.RFC3339), optional("Reason: ", b.Reason))
	case SessionOpen:
		return fmt.Sprintf("%sconnected%s%s\n", clock(e), Escape(database(b.Database)), Escape(role(b.Role)))
	case Command:
		return command(e, b)
	case Approval:
		return fmt.Sprintf("%s[%d] approval %s: %s%s\n", clock(e), b.Command, Escape(b.ID), Escape(b.State), by(b.By))
	case Columns:
		t.results.columns(b)
		names := make([]string, len(b.Columns))
		for i, c := range b.Columns {
			names[i] = cell(c.Name)
		}
		return "    " + strings.Join(names, " | ") + "\n"
	case Outcome:
		return t.outcome(e, b)
	case Refused:
		return fmt.Sprintf("%s[%d] REFUSED by rule %s: %s\n", clock(e), b.Command, Escape(b.Rule), Escape(b.Message))
	case Notice:
		return fmt.Sprintf("%s%s: %s\n", clock(e), Escape(strings.TrimSpace("notice "+b.Code)), Escape(b.Message))
	case SessionClose:
		return fmt.Sprintf("%ssession closed: %s (%d commands, %d refused)\n", clock(e), Escape(b.Reason), b.Commands, b.Refused)
	case Terminal:
		t.streams.Terminal(e, b)
		return terminal(e, b)
	case FileOperation:
		return fileLine(e, b)
	case Forward:
		return forward(e, b)
	default:
		return ""
	}
}

func command(e Event, c Command) string {
	var b strings.Builder
	b.WriteString(block(fmt.Sprintf("%s[%d] > ", clock(e), c.Command), c.Text))
	for i, p := range c.Params {
		value := "NULL"
		switch {
		case p.Blank:
			value = "(withheld)"
		case p.Text != nil:
			value = "'" + Escape(*p.Text) + "'"
		case p.Binary != nil:
			value = "'" + Escape(showValue(*p.Binary, Column{OID: p.OID, Format: 1})) + "'"
		}
		fmt.Fprintf(&b, "    $%d = %s\n", i+1, value)
	}
	if len(c.Masked) > 0 {
		fmt.Fprintf(&b, "    masked: %s\n", Escape(strings.Join(c.Masked, ", ")))
	}
	return b.String()
}

func (t *Transcript) outcome(e Event, o Outcome) string {
	took := micros(o.DurationUS)
	what := o.Tag
	if o.SQLState != "" {
		what = "ERROR " + o.SQLState + " " + o.Error
	}
	if o.Undone {
		what += " (undone: " + o.Tag + ")"
	}
	if !t.tabular && o.SQLState == "" && o.Error != "" {
		what = strings.TrimSpace(o.Tag + " " + o.Error)
	}
	size := fmt.Sprintf("%d bytes", o.Bytes)
	if t.tabular {
		size = fmt.Sprintf("%d rows", o.Rows)
	}
	text := fmt.Sprintf("%s[%d] %s (%s, %s)\n", clock(e), o.Command, Escape(strings.TrimSpace(what)), size, took)
	if o.TruncatedRows > 0 || o.TruncatedBytes > 0 {
		text += fmt.Sprintf("    not recorded beyond the cap: %d rows, %d bytes\n", o.TruncatedRows, o.TruncatedBytes)
	}
	return text
}

// role is as whom the gateway signed in; "" where the target knows no such thing.
func role(name string) string {
	if name == "" {
		return ""
	}
	return " as " + name
}

func (t *Transcript) rows(e Event) (string, error) {
	var b strings.Builder
	_, err := t.results.rows(e, func(texts []*string, problem error) error {
		b.WriteString("    ")
		if problem != nil {
			b.WriteString("(" + Escape(problem.Error()) + ")\n")
			return nil
		}
		for i, text := range texts {
			if i > 0 {
				b.WriteString(" | ")
			}
			if text == nil {
				b.WriteString("NULL")
			} else {
				b.WriteString(cell(*text))
			}
		}
		b.WriteString("\n")
		return nil
	})
	return b.String(), err
}

// cell is a value on one line. One that could be taken for NULL, or for two cells, is quoted.
func cell(text string) string {
	if text == "NULL" || strings.Contains(text, "|") || strings.TrimSpace(text) != text || text == "" {
		return `"` + Escape(text) + `"`
	}
	return Escape(text)
}

// block sets a text of several lines, each further one indented so that none of them looks like a line of ours.
func block(first, text string) string {
	return first + strings.ReplaceAll(EscapeLines(strings.TrimRight(text, "\n")), "\n", "\n        ") + "\n"
}

func clock(e Event) string { return e.Time.Format("15:04:05.000 ") }

func optional(label, text string) string {
	if text == "" {
		return ""
	}
	return label + Escape(text) + "\n"
}

// database is empty for hosts.
func database(name string) string {
	if name == "" {
		return ""
	}
	return " to database " + name
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + Escape(who)
}
