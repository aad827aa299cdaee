package pgsql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/wasilibs/go-pgquery/parser"
)

// Frames between the gateway and a worker: a length of four bytes (big endian), then the body.
// A request's body is a text. An answer's body is one of the bytes below and what follows it.
const (
	answerTree    = 'T' // the encoded tree
	answerSyntax  = 'S' // position in characters (4 bytes) and the grammar's message
	answerTooDeep = 'D'

	maxAnswer = 96 << 20
)

// warmUp is parsed before a worker says that it is ready, so that no statement pays for first use.
const warmUp = "WITH c AS (SELECT 1 AS a) SELECT u.a, count(*) FROM u JOIN c USING (a) WHERE u.b = $1 AND d IN (1, 'x') GROUP BY 1 ORDER BY 1 LIMIT 10"

// WorkerMain is the life of a grammar worker: it answers each text from in with its tree on out, until in ends.
// hoopd runs it in a process of its own: the grammar is C code in a sandbox, and what goes wrong in it must cost one statement only.
func WorkerMain(in io.Reader, out io.Writer) error {
	limitProcess()
	debug.SetMemoryLimit(512 << 20)
	s, err := grammarSchema()
	if err != nil {
		return err
	}
	ready := s.answer(warmUp)
	debug.FreeOSMemory() // what compiling the grammar took: most of what there is by now
	if err := writeFrame(out, ready); err != nil {
		return fmt.Errorf("say ready: %w", err)
	}
	for {
		text, err := readFrame(in, maxText)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a statement: %w", err)
		}
		if err := writeFrame(out, s.answer(string(text))); err != nil {
			return fmt.Errorf("write an answer: %w", err)
		}
	}
}

// answer parses a text. A trap in the grammar panics through: the process ends, and its parent refuses the statement.
func (s *schema) answer(text string) []byte {
	raw, err := parser.ParseToProtobuf(text)
	var syntax *parser.Error
	if errors.As(err, &syntax) {
		body := binary.BigEndian.AppendUint32([]byte{answerSyntax}, uint32(max(syntax.Cursorpos, 0)))
		return append(body, syntax.Message...)
	}
	if err != nil {
		return []byte{answerTooDeep}
	}
	tree, err := treeReader{s: s}.readTree("ParseResult", raw, 0)
	if err != nil {
		return []byte{answerTooDeep}
	}
	return s.appendTree([]byte{answerTree}, tree)
}

func writeFrame(out io.Writer, body []byte) error {
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, len(body)+4), uint32(len(body)))
	_, err := out.Write(append(frame, body...))
	return err
}

func readFrame(in io.Reader, limit uint32) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > limit {
		return nil, fmt.Errorf("frame of %d bytes is over the limit of %d", size, limit)
	}
	body := make([]byte, size)
	_, err := io.ReadFull(in, body)
	return body, err
}
