package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Parse is a decoded Parse message.
type Parse struct {
	Name  string
	Text  string
	Types []uint32
}

// Bind is a decoded Bind message. Nil values are NULL.
type Bind struct {
	Portal    string
	Statement string
	Formats   []int16
	Values    [][]byte
	Results   []int16
}

// Target is a decoded Describe or Close message: Kind is 'S' (statement) or 'P' (portal).
type Target struct {
	Kind byte
	Name string
}

// Execute is a decoded Execute message. Max is the most rows to answer, 0 for all.
type Execute struct {
	Portal string
	Max    int32
}

// body reads a message's body; the first thing that does not add up makes every later read answer zero.
type body struct {
	left []byte
	bad  bool
}

func (b *body) string() string {
	i := bytes.IndexByte(b.left, 0)
	if i < 0 {
		b.fail()
		return ""
	}
	s := string(b.left[:i])
	b.left = b.left[i+1:]
	return s
}

func (b *body) bytes(n int) []byte {
	if n < 0 || n > len(b.left) {
		b.fail()
		return nil
	}
	v := b.left[:n:n]
	b.left = b.left[n:]
	return v
}

func (b *body) int16() int16 {
	v := b.bytes(2)
	if v == nil {
		return 0
	}
	return int16(binary.BigEndian.Uint16(v))
}

func (b *body) int32() int32 {
	v := b.bytes(4)
	if v == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(v))
}

// count reads a 16-bit count of things of at least size bytes each, which must still fit. PostgreSQL reads it unsigned.
func (b *body) count(size int) int {
	n := int(uint16(b.int16()))
	if n*size > len(b.left) {
		b.fail()
		return 0
	}
	return n
}

func (b *body) formats() []int16 {
	n := b.count(2)
	if n == 0 {
		return nil
	}
	codes := make([]int16, n)
	for i := range codes {
		codes[i] = b.int16()
	}
	return codes
}

func (b *body) fail() { b.bad, b.left = true, nil }

func (b *body) end(what string) error {
	if b.bad || len(b.left) > 0 {
		return fmt.Errorf("%w: malformed %s message", ErrProtocol, what)
	}
	return nil
}

// DecodeQuery reads the text of a Query message's body.
func DecodeQuery(raw []byte) (string, error) {
	b := body{left: raw}
	s := b.string()
	return s, b.end("Query")
}

// DecodeParse reads a Parse message's body.
func DecodeParse(raw []byte) (Parse, error) {
	b := body{left: raw}
	p := Parse{Name: b.string(), Text: b.string()}
	if n := b.count(4); n > 0 {
		p.Types = make([]uint32, n)
		for i := range p.Types {
			p.Types[i] = uint32(b.int32())
		}
	}
	return p, b.end("Parse")
}

// DecodeBind reads a Bind message's body. Values are slices of raw.
func DecodeBind(raw []byte) (Bind, error) {
	b := body{left: raw}
	m := Bind{Portal: b.string(), Statement: b.string(), Formats: b.formats()}
	if n := b.count(4); n > 0 {
		m.Values = make([][]byte, n)
		for i := range m.Values {
			switch size := b.int32(); {
			case size == -1:
			case size < -1:
				b.fail()
			default:
				m.Values[i] = b.bytes(int(size))
			}
		}
	}
	m.Results = b.formats()
	return m, b.end("Bind")
}

// Format answers the format code of value i (0 text, 1 binary), and false where the codes don't fit the values.
func (m Bind) Format(i int) (int16, bool) {
	switch len(m.Formats) {
	case 0:
		return 0, true
	case 1:
		return m.Formats[0], m.Formats[0] == 0 || m.Formats[0] == 1
	case len(m.Values):
		return m.Formats[i], m.Formats[i] == 0 || m.Formats[i] == 1
	}
	return 0, false
}

// DecodeTarget reads the body of a Describe or Close message.
func DecodeTarget(raw []byte) (Target, error) {
	b := body{left: raw}
	var t Target
	if k := b.bytes(1); k != nil {
		t.Kind = k[0]
	}
	t.Name = b.string()
	if t.Kind != 'S' && t.Kind != 'P' {
		b.fail()
	}
	return t, b.end("Describe or Close")
}

// DecodeExecute reads an Execute message's body.
func DecodeExecute(raw []byte) (Execute, error) {
	b := body{left: raw}
	e := Execute{Portal: b.string(), Max: b.int32()}
	return e, b.end("Execute")
}

// Fields are the fields of an ErrorResponse or NoticeResponse by their type byte, in the order they came.
type Fields struct {
	Order  []byte
	Values map[byte]string
}

// DecodeFields reads the body of an ErrorResponse or NoticeResponse.
func DecodeFields(raw []byte) (Fields, error) {
	b := body{left: raw}
	f := Fields{Values: map[byte]string{}}
	for {
		t := b.bytes(1)
		if t == nil || t[0] == 0 {
			break
		}
		f.Order = append(f.Order, t[0])
		f.Values[t[0]] = b.string()
	}
	return f, b.end("ErrorResponse")
}

// DecodeParameterStatus reads a ParameterStatus message's body.
func DecodeParameterStatus(raw []byte) (name, value string, err error) {
	b := body{left: raw}
	name, value = b.string(), b.string()
	return name, value, b.end("ParameterStatus")
}

// Notification is a decoded NotificationResponse.
type Notification struct {
	Process          uint32
	Channel, Payload string
}

// DecodeNotification reads a NotificationResponse message's body.
func DecodeNotification(raw []byte) (Notification, error) {
	b := body{left: raw}
	n := Notification{Process: uint32(b.int32()), Channel: b.string(), Payload: b.string()}
	return n, b.end("NotificationResponse")
}

// DecodeTag reads a CommandComplete message's body.
func DecodeTag(raw []byte) (string, error) {
	b := body{left: raw}
	tag := b.string()
	return tag, b.end("CommandComplete")
}

// CheckServer says whether the body of a server's message adds up: what reaches a client must not be able to confuse it.
// DataRow and CopyData, which are streamed, are not looked into here.
func CheckServer(m Message) error {
	b := body{left: m.Body()}
	switch m.Type {
	case 'S':
		_, _ = b.string(), b.string()
		return b.end("ParameterStatus")
	case 'C':
		_ = b.string()
		return b.end("CommandComplete")
	case 'E', 'N':
		_, err := DecodeFields(m.Body())
		return err
	case 'A':
		_, _, _ = b.int32(), b.string(), b.string()
		return b.end("NotificationResponse")
	case 't':
		b.bytes(4 * b.count(4))
		return b.end("ParameterDescription")
	case 'G', 'H':
		b.bytes(1)
		b.bytes(2 * b.count(2))
		return b.end("CopyResponse")
	case 'T':
		for range b.count(19) {
			_ = b.string()
			b.bytes(18)
		}
		return b.end("RowDescription")
	case 'D':
		for range b.count(4) {
			if size := b.int32(); size < -1 {
				b.fail()
			} else if size > 0 {
				b.bytes(int(size))
			}
		}
		return b.end("DataRow")
	}
	return nil
}

// DecodeTypes reads the parameter types of a ParameterDescription that CheckServer passed.
func DecodeTypes(raw []byte) []uint32 {
	b := body{left: raw}
	types := make([]uint32, b.count(4))
	for i := range types {
		types[i] = uint32(b.int32())
	}
	return types
}

// Column is one column of a RowDescription.
type Column struct {
	Name   string
	Type   uint32
	Format int16
}

// DecodeColumns reads a RowDescription that CheckServer passed.
func DecodeColumns(raw []byte) []Column {
	b := body{left: raw}
	columns := make([]Column, b.count(19))
	for i := range columns {
		columns[i].Name = b.string()
		b.bytes(6) // the column's place in a table
		columns[i].Type = uint32(b.int32())
		b.bytes(6) // size and modifier
		columns[i].Format = b.int16()
	}
	return columns
}
