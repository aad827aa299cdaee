package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Export formats.
const (
	FormatNDJSON = "ndjson" // one JSON object a line for each frame, rows decoded
	FormatText   = "text"   // a transcript for people
)

// Export writes a recording in another form. Both forms are safe to show on a terminal. It does not check signatures;
// where the recording is cut or damaged it writes what is good before that, and then returns the error that Next gave. What
// was exported reaches w before it waits for more of a recording that is still being written.
func Export(w io.Writer, r *Reader, format string) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var each func(Event) error
	rest := func() string { return "" }
	switch format {
	case FormatNDJSON:
		each = (&lines{out: out, results: newResults(), streams: NewStreams()}).event
	case FormatText:
		t := NewTranscript()
		each, rest = t.export(out), t.Rest
	default:
		return fmt.Errorf("export recording: no format %q: there are %s and %s", format, FormatNDJSON, FormatText)
	}
	for {
		var err error
		if r.waits() {
			err = out.Flush()
		}
		var e Event
		if err == nil {
			e, err = r.Next()
		}
		if err == nil {
			err = each(e)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			_, problem := out.WriteString(rest())
			return errors.Join(err, problem, out.Flush())
		}
	}
}

// results follows the results of commands through a recording. It keeps what the newest few commands have said of
// their columns: a recording of any length takes bounded memory.
type results struct {
	open    map[uint64]*result
	order   []uint64
	shape   []Column // of the latest columns event: it holds until the next one
	scratch []byte
}

type result struct {
	columns []Column
	rows    rowReader
}

// maxOpen bounds how many commands' results can be interleaved. Protocols finish one result before the next.
const maxOpen = 16

func newResults() *results { return &results{open: map[uint64]*result{}} }

func (r *results) of(command uint64) *result {
	if found, ok := r.open[command]; ok {
		return found
	}
	if len(r.order) == maxOpen {
		delete(r.open, r.order[0])
		r.order = r.order[1:]
	}
	made := &result{columns: r.shape}
	r.open[command] = made
	r.order = append(r.order, command)
	return made
}

func (r *results) columns(c Columns) {
	r.shape = c.Columns
	r.of(c.Command).columns = c.Columns
}

// rows decodes a TypeRows frame, and calls each with the texts of every row that it completes; nil stands for NULL. A
// row that can't be shown comes as an error.
func (r *results) rows(e Event, each func(texts []*string, problem error) error) (uint64, error) {
	b, err := DecodeBatch(e.Body, r.scratch)
	if err != nil {
		return 0, fmt.Errorf("decode frame %d: %w", e.Seq, err)
	}
	if cap(b.Raw) > cap(r.scratch) && cap(b.Raw) <= MaxBatch {
		r.scratch = make([]byte, 0, cap(b.Raw))
	}
	of := r.of(b.Command)
	return b.Command, of.rows.add(b.Raw, func(cells []Cell, problem error) error {
		if problem != nil {
			return each(nil, problem)
		}
		texts := make([]*string, len(cells))
		for i, cell := range cells {
			if cell.Null {
				continue
			}
			var column Column
			if i < len(of.columns) {
				column = of.columns[i]
			}
			text := showValue(cell.Value, column)
			texts[i] = &text
		}
		return each(texts, nil)
	})
}

// lines writes NDJSON.
type lines struct {
	out     *bufio.Writer
	results *results
	streams *Streams
	buf     []byte
}

// line is the form of every line of NDJSON.
type line struct {
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"`
	Elapsed int64     `json:"elapsed_ns"`
	Type    string    `json:"type"`
	Body    any       `json:"body,omitempty"`
}

// rowsLine is the body of a line of type rows.
type rowsLine struct {
	Command uint64      `json:"command"`
	Rows    [][]*string `json:"rows"`
	Skipped int         `json:"skipped,omitempty"` // rows that could not be shown
}

// chunksLine is the body of a line of type stream.
type chunksLine struct {
	Command uint64      `json:"command"`
	Chunks  []chunkLine `json:"chunks"`
}

// chunkLine is one chunk. A character that was cut between two chunks of a stream stands in the second one.
type chunkLine struct {
	Elapsed int64   `json:"elapsed_ns"`
	Kind    string  `json:"kind"`
	Text    *string `json:"text,omitempty"`
	Binary  []byte  `json:"binary,omitempty"` // base64, where it is no UTF-8
	Columns uint32  `json:"columns,omitempty"`
	Rows    uint32  `json:"rows,omitempty"`
}

// exitLine is the body of a line of type exit. Rest is the beginning of a character that a stream ended in.
type exitLine struct {
	Exit
	Rest []chunkLine `json:"rest,omitempty"`
}

// streamType is the type of a line for a TypeRows frame that holds chunks.
const streamType = "stream"

func (l *lines) event(e Event) error {
	kind := e.Type.String()
	body, err := l.body(e)
	if err != nil {
		return err
	}
	if _, ok := body.(chunksLine); ok {
		kind = streamType
	}
	text, err := json.Marshal(line{Seq: e.Seq, Time: e.Time, Elapsed: int64(e.Elapsed), Type: kind, Body: body})
	if err != nil {
		return fmt.Errorf("export frame %d: %w", e.Seq, err)
	}
	l.buf = append(escapeJSON(l.buf[:0], text), '\n')
	if _, err := l.out.Write(l.buf); err != nil {
		return fmt.Errorf("export frame %d: %w", e.Seq, err)
	}
	return nil
}

func (l *lines) body(e Event) (any, error) {
	switch e.Type {
	case TypeCheckpoint:
		return nil, nil
	case TypeSeal:
		return sealOf(e)
	case TypeRows:
		chunks := chunksLine{Chunks: []chunkLine{}}
		taken, err := l.streams.Rows(e, func(t Terminal, c Chunk) error {
			chunks.Command = t.Command
			chunks.Chunks = append(chunks.Chunks, lineOf(c))
			return nil
		})
		if taken || err != nil {
			return chunks, err
		}
		body := rowsLine{Rows: [][]*string{}}
		body.Command, err = l.results.rows(e, func(texts []*string, problem error) error {
			if problem != nil {
				body.Skipped++
			} else {
				body.Rows = append(body.Rows, texts)
			}
			return nil
		})
		return body, err
	default:
		if !e.Type.described() {
			return nil, nil // of a later version: its place and time are all that can be said
		}
		b, err := Decode(e)
		switch b := b.(type) {
		case Columns:
			l.results.columns(b)
		case Terminal:
			l.streams.Terminal(e, b)
		case Exit:
			rest := exitLine{Exit: b}
			err := l.streams.Exit(e, b, func(_ Terminal, c Chunk) error {
				rest.Rest = append(rest.Rest, lineOf(c))
				return nil
			})
			return rest, err
		}
		return b, err
	}
}

func lineOf(c Chunk) chunkLine {
	out := chunkLine{Elapsed: int64(c.At), Kind: c.Kind.String()}
	if columns, rows, ok := c.Size(); ok {
		out.Columns, out.Rows = columns, rows
		return out
	}
	if !utf8.Valid(c.Data) {
		out.Binary = append([]byte(nil), c.Data...)
		return out
	}
	text := string(c.Data)
	out.Text = &text
	return out
}

func sealOf(e Event) (Seal, error) {
	var s Seal
	if len(e.Body) < signatureSize {
		return s, fmt.Errorf("decode frame %d: the seal has no signature", e.Seq)
	}
	if err := json.Unmarshal(e.Body[signatureSize:], &s); err != nil {
		return s, fmt.Errorf("decode frame %d: %w", e.Seq, err)
	}
	return s, nil
}
