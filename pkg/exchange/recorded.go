package exchange

import (
	"fmt"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// How much of the fields of an answer a recording holds, in bytes.
const (
	recordedFields = 8 << 10
	recordedValue  = 1 << 10
)

// headOf begins the record of an answer with its head, as the client sees it.
func headOf(status int, fields http1.Fields) record.Terminal {
	t := record.Terminal{What: "answer", Status: status, Fields: make([]record.Field, 0, len(fields))}
	size := 0
	for i, f := range fields {
		value := recordedOf(f)
		if size += len(f.Name) + len(value); size > recordedFields {
			t.MoreFields = len(fields) - i
			break
		}
		t.Fields = append(t.Fields, record.Field{Name: f.Name, Value: value})
	}
	return t
}

// unrecordedValue stands in recordings for what could open something.
const unrecordedValue = "(not recorded)"

// recordedOf is a field's value as recordings hold it.
func recordedOf(f http1.Field) string {
	switch {
	case strings.EqualFold(f.Name, "Set-Cookie"):
		pair, attributes, more := strings.Cut(f.Value, ";")
		name, _, ok := strings.Cut(pair, "=")
		if !ok {
			return unrecordedValue
		}
		if name += "=" + unrecordedValue; more {
			name += ";" + attributes
		}
		return short(name)
	case Secretive(f.Name):
		return unrecordedValue
	}
	return short(f.Value)
}

func short(value string) string {
	if rest := len(value) - recordedValue; rest > 0 {
		return fmt.Sprintf("%s (%d bytes more)", strings.ToValidUTF8(value[:recordedValue], ""), rest)
	}
	return value
}

// Secretive says whether the name of a field tells that its value may open something. It is asked for each field of each answer.
func Secretive(name string) bool {
	for i := range len(name) {
		if strings.IndexByte(secretiveBegin, name[i]|0x20) < 0 {
			continue
		}
		for _, part := range secretive {
			if name[i]|0x20 == part[0] && i+len(part) <= len(name) && strings.EqualFold(name[i:i+len(part)], part) {
				return true
			}
		}
	}
	return false
}

var secretive = [...]string{"cookie", "token", "key", "secret", "auth", "password", "session", "csrf", "xsrf", "credential", "signature", "jwt"}

// secretiveBegin is what those begin with.
const secretiveBegin = "ctksapxj"
