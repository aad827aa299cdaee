package record_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// rowsFrame is a TypeRows frame of command 1 with this plain data.
func rowsFrame(data []byte, elapsed time.Duration) record.Event {
	body := binary.LittleEndian.AppendUint64(nil, 1)
	body = binary.LittleEndian.AppendUint32(body, uint32(len(data)))
	return record.Event{Type: record.TypeRows, Elapsed: elapsed, Body: append(append(body, 0), data...)}
}

// chunks is what streams make of batches cut at a place.
func chunks(t testing.TB, data []byte, at int) (all []record.Chunk, err error) {
	t.Helper()
	s := record.NewStreams()
	s.Terminal(record.Event{Elapsed: time.Second}, record.Terminal{Command: 1})
	for _, piece := range [][]byte{data[:at], data[at:]} {
		taken, problem := s.Rows(rowsFrame(piece, time.Hour), func(_ record.Terminal, c record.Chunk) error {
			c.Data = bytes.Clone(c.Data)
			all = append(all, c)
			return nil
		})
		if !taken {
			t.Fatal("not taken for streams")
		}
		if problem != nil {
			return all, problem
		}
	}
	return all, nil
}

func TestChunksAreReadAsTheyWereWrittenWhereverTheirBatchIsCut(t *testing.T) {
	data := record.AppendChunk(nil, record.Chunk{Kind: record.ChunkOutput, At: time.Millisecond, Data: []byte("a€"[:3])})
	data = record.AppendResize(data, 2*time.Millisecond, 100, 30)
	end := len(data)
	data = record.AppendChunk(data, record.Chunk{Kind: record.ChunkErrors, At: 3 * time.Millisecond, Data: []byte("e")})
	data = record.ExtendChunk(data, end, []byte("rror"))
	data = record.AppendChunk(data, record.Chunk{Kind: record.ChunkOutput, At: 2 * time.Hour, Data: []byte("a€"[3:])})
	for at := range len(data) + 1 {
		all, err := chunks(t, data, at)
		if err != nil || len(all) != 4 {
			t.Fatalf("cut at %d: %+v, %v", at, all, err)
		}
		columns, rows, ok := all[1].Size()
		if string(all[0].Data) != "a" || string(all[2].Data) != "error" || string(all[3].Data) != "€" || columns != 100 || rows != 30 || !ok {
			t.Errorf("cut at %d: %q", at, all)
		}
		if all[0].At != time.Second+time.Millisecond || all[3].At != time.Hour { // not after the frame that holds it
			t.Errorf("cut at %d: at %s and %s", at, all[0].At, all[3].At)
		}
	}
}

func TestRowsOfACommandWithoutATerminalAreRows(t *testing.T) {
	s := record.NewStreams()
	s.Terminal(record.Event{}, record.Terminal{Command: 2})
	if taken, err := s.Rows(rowsFrame([]byte("D"), 0), nil); taken || err != nil {
		t.Errorf("%v, %v", taken, err)
	}
}

// FuzzChunks holds that chunks are the same for any cut of their batch, and that UTF-8 is UTF-8 in each chunk wherever the
// target's writes cut it.
func FuzzChunks(f *testing.F) {
	f.Add(record.AppendChunk(nil, record.Chunk{Kind: record.ChunkOutput, Data: []byte("x\xe2")}), uint16(4))
	f.Add(record.AppendChunk(record.AppendChunk(nil, record.Chunk{Kind: record.ChunkOutput, Data: []byte("x\xe2")}), record.Chunk{Kind: record.ChunkOutput, Data: []byte("\x82\xac")}), uint16(4))
	f.Add([]byte(strings.Repeat("o\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x01", 3)), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		if len(data) > 1<<16 {
			return
		}
		whole, problem := chunks(t, data, 0)
		cut, problemCut := chunks(t, data, int(at)%(len(data)+1))
		if (problem == nil) != (problemCut == nil) || len(whole) != len(cut) {
			t.Fatalf("%d chunks, %v; cut: %d, %v", len(whole), problem, len(cut), problemCut)
		}
		var output []byte
		for i, c := range whole {
			if c.Kind != cut[i].Kind || c.At != cut[i].At || !bytes.Equal(c.Data, cut[i].Data) {
				t.Errorf("%+v, cut: %+v", c, cut[i])
			}
			if c.At < time.Second || c.At > time.Hour {
				t.Errorf("a chunk at %s", c.At)
			}
			if c.Kind == record.ChunkOutput {
				output = append(output, c.Data...)
			}
		}
		for _, c := range whole {
			if c.Kind == record.ChunkOutput && utf8.Valid(output) && !utf8.Valid(c.Data) {
				t.Errorf("%q of %q", c.Data, output)
			}
		}
	})
}

func TestATranscriptShowsTheHeadOfAnAnswer(t *testing.T) {
	body, err := record.Encode(record.Terminal{Command: 3, What: "answer", Status: 404, Fields: []record.Field{{Name: "X-A\x1b", Value: "b\nc"}}, MoreFields: 2})
	if err != nil {
		t.Fatal(err)
	}
	text, err := record.NewTranscript().Text(record.Event{Type: record.TypeTerminal, Body: body})
	if err != nil || !strings.HasSuffix(text, "[3] answer 404 begins\n    X-A\\u{1b}: b\\nc\n    not recorded: 2 fields more\n") {
		t.Errorf("%q %v", text, err)
	}
}
