package kube

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const typeProtobuf = "application/vnd.kubernetes.protobuf"

// protobufText says which field of which message is which key of its JSON, for the kinds that clients send.
//
//go:embed protobuf.txt
var protobufText string

// schema is what is known of Kubernetes' protobuf.
type schema struct {
	kinds    map[string]string // by "apps/v1 Deployment"
	messages map[string]map[uint64]protoField
}

// protoField is a field of a message: its key, "-" where its own fields stand in the message's place, and how it is written.
type protoField struct{ key, form string }

// protobuf reads the schema once. It changes with the versions of Kubernetes alone.
var protobuf = sync.OnceValue(func() *schema {
	s := &schema{map[string]string{}, map[string]map[uint64]protoField{}}
	var message map[uint64]protoField
	for line := range strings.Lines(protobufText) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		switch {
		case words[0] == "#":
		case words[0] == "kind":
			at := strings.LastIndexByte(words[2], ' ')
			s.kinds[words[1]+" "+words[2][:at]] = words[2][at+1:]
		case words[0] == "message":
			message = map[uint64]protoField{}
			s.messages[words[1]] = message
		default:
			number, _ := strconv.ParseUint(words[0], 10, 32)
			message[number] = protoField{words[1], words[2]}
		}
	}
	return s
})

var (
	errWire    = errors.New("it is not protobuf")
	errUnheard = errors.New("it has a kind or a field that hoop does not know, or twice what stands there once")
)

// readProtobuf reads an object in Kubernetes' envelope, strictly: a field that is not known, or that stands there twice where it can
// stand once, is an error.
func readProtobuf(data []byte) (any, error) {
	data, ok := bytes.CutPrefix(data, []byte("k8s\x00"))
	if !ok {
		return nil, errWire
	}
	var version, kind string
	var raw []byte
	err := eachField(data, func(number uint64, v wireValue) error {
		switch {
		case number == 1 && v.bytes != nil:
			return eachField(v.bytes, func(number uint64, v wireValue) error {
				switch {
				case number == 1 && v.bytes != nil && version == "":
					version = string(v.bytes)
				case number == 2 && v.bytes != nil && kind == "":
					kind = string(v.bytes)
				default:
					return errUnheard
				}
				return nil
			})
		case number == 2 && v.bytes != nil && raw == nil:
			raw = v.bytes
		case (number == 3 || number == 4) && v.bytes != nil && len(v.bytes) == 0: // encoded, or of another type
		default:
			return errUnheard
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := protobuf()
	name, known := s.kinds[version+" "+kind]
	if kind == "DeleteOptions" {
		name, known = s.kinds["* DeleteOptions"]
	}
	if !known {
		return nil, errUnheard
	}
	o, err := s.message(name, raw, 0)
	if err != nil {
		return nil, err
	}
	return append(object{{"apiVersion", version}, {"kind", kind}}, o...), nil
}

// message reads the fields of a message.
func (s *schema) message(name string, data []byte, depth int) (object, error) {
	if depth > maxNested {
		return nil, errNested
	}
	fields, known := s.messages[name]
	if !known {
		return nil, errUnheard
	}
	b := building{at: map[string]int{}}
	err := eachField(data, func(number uint64, v wireValue) error {
		f, known := fields[number]
		if !known {
			return errUnheard
		}
		return s.field(&b, f, v, depth)
	})
	return b.o, err
}

// building is an object to which fields come in any order.
type building struct {
	o  object
	at map[string]int // where a key stands
}

func (b *building) set(key string, v any) error {
	if _, twice := b.at[key]; twice {
		return errUnheard
	}
	b.at[key] = len(b.o)
	b.o = append(b.o, member{key, v})
	return nil
}

func (s *schema) field(b *building, f protoField, v wireValue, depth int) error {
	if of, ok := strings.CutPrefix(f.form, "list "); ok {
		x, err := s.value(of, v, depth)
		if err != nil {
			return err
		}
		if i, there := b.at[f.key]; there {
			b.o[i].Value = append(b.o[i].Value.([]any), x)
			return nil
		}
		return b.set(f.key, []any{x})
	}
	if of, ok := strings.CutPrefix(f.form, "map "); ok {
		return s.entry(b, f.key, of, v, depth)
	}
	x, err := s.value(f.form, v, depth)
	if err != nil {
		return err
	}
	if f.key != "-" {
		return b.set(f.key, x)
	}
	inside, ok := x.(object)
	if !ok {
		return errUnheard
	}
	for _, m := range inside {
		if err := b.set(m.Key, m.Value); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one entry of a map.
func (s *schema) entry(b *building, key, of string, v wireValue, depth int) error {
	if v.bytes == nil {
		return errWire
	}
	name, value, named, valued := "", wireValue{bytes: []byte{}}, false, false
	err := eachField(v.bytes, func(number uint64, v wireValue) error {
		switch {
		case number == 1 && v.bytes != nil && !named:
			name, named = string(v.bytes), true
		case number == 2 && !valued:
			value, valued = v, true
		default:
			return errUnheard
		}
		return nil
	})
	if err != nil {
		return err
	}
	x, err := s.value(of, value, depth)
	if err != nil {
		return err
	}
	if !utf8.ValidString(name) {
		return errWire
	}
	i, there := b.at[key]
	if !there {
		return b.set(key, object{{name, x}})
	}
	entries := b.o[i].Value.(object)
	if _, twice := entries.get(name); twice || len(entries) > 1<<13 {
		return errUnheard
	}
	b.o[i].Value = append(entries, member{name, x})
	return nil
}

// value reads one value.
func (s *schema) value(form string, v wireValue, depth int) (any, error) {
	switch form {
	case "bool", "int", "double":
		return wireNumber(form, v)
	}
	if v.bytes == nil {
		return nil, errWire
	}
	if of, ok := strings.CutPrefix(form, "items "); ok {
		list := []any{}
		err := eachField(v.bytes, func(number uint64, v wireValue) error {
			x, err := s.value(of, v, depth+1)
			list = append(list, x)
			if number != 1 {
				return errUnheard
			}
			return err
		})
		return list, err
	}
	switch form {
	case "string":
		if !utf8.Valid(v.bytes) {
			return nil, errWire
		}
		return string(v.bytes), nil
	case "bytes":
		return base64.StdEncoding.EncodeToString(v.bytes), nil
	case "time", "microtime", "duration", "intorstring", "quantity", "raw":
		return special(form, v.bytes)
	}
	o, err := s.message(form, v.bytes, depth+1)
	if o == nil {
		o = object{}
	}
	return o, err
}

func wireNumber(form string, v wireValue) (any, error) {
	switch {
	case form == "double" && v.kind == 1:
		f := math.Float64frombits(v.number)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errWire
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
	case v.kind != 0 || form == "double":
		return nil, errWire
	case form == "bool":
		return v.number != 0, nil
	}
	return json.Number(strconv.FormatInt(int64(v.number), 10)), nil
}

// special reads the messages whose JSON is not that of their fields.
func special(form string, data []byte) (any, error) {
	var numbers [4]int64
	var texts [4][]byte
	seen := map[uint64]bool{}
	err := eachField(data, func(number uint64, v wireValue) error {
		if number > 3 || number == 0 || seen[number] || v.kind != 0 && v.kind != 2 {
			return errUnheard
		}
		seen[number] = true
		numbers[number], texts[number] = int64(v.number), v.bytes
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case form == "time" || form == "microtime":
		at := time.Unix(numbers[1], numbers[2]).UTC()
		if len(data) == 0 || at.IsZero() {
			return nil, nil
		}
		if at.Year() < 0 || at.Year() > 9999 {
			return nil, errWire
		}
		if form == "time" {
			return at.Format(time.RFC3339), nil
		}
		return at.Format("2006-01-02T15:04:05.000000Z07:00"), nil
	case form == "duration":
		return time.Duration(numbers[1]).String(), nil
	case form == "intorstring" && numbers[1] == 0:
		return json.Number(strconv.FormatInt(int64(int32(numbers[2])), 10)), nil
	case form == "intorstring" && numbers[1] == 1 && utf8.Valid(texts[3]):
		return string(texts[3]), nil
	case form == "quantity" && utf8.Valid(texts[1]):
		return string(texts[1]), nil
	case form == "raw" && len(texts[1]) == 0:
		return nil, nil
	case form == "raw":
		return readJSON(texts[1])
	}
	return nil, errWire
}

// wireValue is a field's value as it stands on the wire: a number of kind 0 or 1, or bytes (not nil) of kind 2.
type wireValue struct {
	kind   uint64
	number uint64
	bytes  []byte
}

// eachField reads the fields of a message in their order.
func eachField(data []byte, f func(number uint64, v wireValue) error) error {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return errWire
		}
		data = data[n:]
		v := wireValue{kind: tag & 7}
		switch v.kind {
		case 0:
			if v.number, n = binary.Uvarint(data); n <= 0 {
				return errWire
			}
		case 1:
			if n = 8; len(data) < n {
				return errWire
			}
			v.number = binary.LittleEndian.Uint64(data)
		case 2:
			length, m := binary.Uvarint(data)
			if m <= 0 || length > uint64(len(data)-m) {
				return errWire
			}
			n = m + int(length)
			v.bytes = data[m:n:n]
		default:
			return fmt.Errorf("%w: a group", errWire)
		}
		data = data[n:]
		if err := f(tag>>3, v); err != nil {
			return err
		}
	}
	return nil
}
