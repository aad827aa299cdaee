package cast

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// Format is the name of the export format for asciicast files.
const Format = "cast"

// ErrNoTerminal answers an export of a recording in which nothing was put out on a terminal or by a remote command.
var ErrNoTerminal = errors.New("the recording holds no terminal")

// Export writes a recording as an asciicast of version 2 (https://docs.asciinema.org/manual/asciicast/v2/): a header line,
// then a line [seconds, code, data] for each piece of output ("o"), line of recorded input ("i"), window change ("r"), and
// for each command, refusal and exit a marker ("m"). Output has passed a Filter, since players write it to their terminal
// as it is. The streams of all commands are one screen, in the order in which things were said. It ends like record.Export.
func Export(w io.Writer, r *record.Reader) error {
	x := &exporter{out: bufio.NewWriterSize(w, 64<<10), streams: record.NewStreams(), header: r.Header(), filters: map[streamOf]*Filter{}}
	for {
		e, err := r.Next()
		if err == nil {
			err = x.event(e)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if err == nil && !x.begun {
				err = ErrNoTerminal
			}
			return errors.Join(err, x.out.Flush())
		}
	}
}

type exporter struct {
	out           *bufio.Writer
	streams       *record.Streams
	header        record.Header
	begun         bool     // the header is written
	early         []string // labels of markers before it
	columns, rows uint32
	last          time.Duration
	filters       map[streamOf]*Filter
	buf           []byte
}

type streamOf struct {
	command uint64
	kind    record.ChunkKind
}

// castHeader is the first line.
type castHeader struct {
	Version   int               `json:"version"`
	Width     uint32            `json:"width"`
	Height    uint32            `json:"height"`
	Timestamp int64             `json:"timestamp"` // Unix seconds
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

func (x *exporter) event(e record.Event) error {
	switch e.Type {
	case record.TypeRows:
		_, err := x.streams.Rows(e, x.chunk)
		return err
	case record.TypeTerminal, record.TypeExit, record.TypeCommand, record.TypeRefused:
	default:
		return nil
	}
	b, err := record.Decode(e)
	if err != nil {
		return err
	}
	switch b := b.(type) {
	case record.Command:
		return x.mark(e.Elapsed, fmt.Sprintf("[%d] %s", b.Command, b.Text))
	case record.Refused:
		return x.mark(e.Elapsed, fmt.Sprintf("[%d] REFUSED by rule %s: %s", b.Command, b.Rule, b.Message))
	case record.Terminal:
		x.streams.Terminal(e, b)
		return x.terminal(e, b)
	case record.Exit:
		if err := x.streams.Exit(e, b, x.chunk); err != nil {
			return err
		}
		return x.exit(e, b)
	}
	return nil
}

// Size of a screen that nobody named.
const (
	defaultColumns = 80
	defaultRows    = 24
)

// terminal writes the header for the first one, and a window change for a later one of another size.
func (x *exporter) terminal(e record.Event, t record.Terminal) error {
	if !x.begun {
		return x.begin(e, t)
	}
	if !t.PTY {
		return nil
	}
	return x.resize(e.Elapsed, t.Columns, t.Rows)
}

func (x *exporter) begin(e record.Event, t record.Terminal) error {
	x.begun, x.columns, x.rows = true, defaultColumns, defaultRows
	if t.Columns > 0 && t.Rows > 0 {
		x.columns, x.rows = t.Columns, t.Rows
	}
	h := castHeader{
		Version: 2, Width: x.columns, Height: x.rows, Timestamp: e.Time.Add(-e.Elapsed).Unix(),
		Title: label(fmt.Sprintf("%s on %s (%s)", x.header.Identity.User, x.header.Connection, x.header.Session)),
	}
	if t.Term != "" {
		h.Env = map[string]string{"TERM": label(t.Term)}
	}
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("export frame %d: %w", e.Seq, err)
	}
	if _, err := x.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("export frame %d: %w", e.Seq, err)
	}
	early := x.early
	x.early = nil
	for _, text := range early {
		if err := x.line(0, "m", text); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) exit(e record.Event, b record.Exit) error {
	for _, kind := range []record.ChunkKind{record.ChunkOutput, record.ChunkErrors} {
		key := streamOf{b.Command, kind}
		if f := x.filters[key]; f != nil {
			delete(x.filters, key)
			if x.buf = f.Close(x.buf[:0]); len(x.buf) > 0 {
				if err := x.line(e.Elapsed, "o", string(x.buf)); err != nil {
					return err
				}
			}
		}
	}
	what := "ended"
	switch {
	case b.Status != nil:
		what = fmt.Sprintf("exit status %d", *b.Status)
	case b.Signal != "":
		what = "killed by signal " + b.Signal
	}
	return x.mark(e.Elapsed, fmt.Sprintf("[%d] %s", b.Command, what))
}

func (x *exporter) chunk(t record.Terminal, c record.Chunk) error {
	if columns, rows, ok := c.Size(); ok {
		return x.resize(c.At, columns, rows)
	}
	switch c.Kind {
	case record.ChunkInput:
		return x.line(c.At, "i", strings.ToValidUTF8(string(c.Data), replacement))
	case record.ChunkOutput, record.ChunkErrors:
	default:
		return nil // of a later version
	}
	key := streamOf{t.Command, c.Kind}
	if x.filters[key] == nil {
		if len(x.filters) >= 2*maxScreens {
			clear(x.filters) // only a forged recording has so many
		}
		x.filters[key] = &Filter{}
	}
	x.buf = x.filters[key].Append(x.buf[:0], c.Data)
	if len(x.buf) == 0 {
		return nil
	}
	text := x.buf
	if !t.PTY { // a terminal would have made it so
		text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	}
	return x.line(c.At, "o", string(text))
}

func (x *exporter) resize(at time.Duration, columns, rows uint32) error {
	if columns == 0 || rows == 0 || columns == x.columns && rows == x.rows {
		return nil
	}
	x.columns, x.rows = columns, rows
	return x.line(at, "r", fmt.Sprintf("%dx%d", columns, rows))
}

// maxEarly bounds how many markers wait for a header.
const maxEarly = 1000

func (x *exporter) mark(at time.Duration, text string) error {
	if text = label(text); x.begun {
		return x.line(at, "m", text)
	}
	if len(x.early) < maxEarly {
		x.early = append(x.early, text)
	}
	return nil
}

// maxLabel is the longest text of a marker, in bytes.
const maxLabel = 256

func label(text string) string {
	if len(text) > maxLabel {
		text = strings.ToValidUTF8(text[:maxLabel], "") + "…"
	}
	return record.Escape(text)
}

// line writes one event. Times never go back.
func (x *exporter) line(at time.Duration, code, data string) error {
	x.last = max(x.last, at)
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("export recording: %w", err)
	}
	line := append(strconv.AppendFloat([]byte{'['}, x.last.Seconds(), 'f', 6, 64), `, "`+code+`", `...)
	if _, err := x.out.Write(append(append(line, text...), "]\n"...)); err != nil {
		return fmt.Errorf("export recording: %w", err)
	}
	return nil
}
