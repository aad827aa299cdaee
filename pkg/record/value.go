package record

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Type OIDs of PostgreSQL (pg_type.dat) whose binary form is shown as text; the rest is shown as hex.
const (
	oidBool        = 16
	oidBytea       = 17
	oidChar        = 18
	oidName        = 19
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidOID         = 26
	oidJSON        = 114
	oidXML         = 142
	oidFloat4      = 700
	oidFloat8      = 701
	oidUnknown     = 705
	oidBPChar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestampTZ = 1184
	oidNumeric     = 1700
	oidUUID        = 2950
	oidJSONB       = 3802
)

// showValue is a value as text. What is not text, or not of the length that its type has, is shown as hex like a bytea.
func showValue(value []byte, c Column) string {
	if c.Format == 0 {
		return utf8OrHex(value)
	}
	if text, ok := showBinary(value, c.OID); ok {
		return text
	}
	return `\x` + hex.EncodeToString(value)
}

func utf8OrHex(value []byte) string {
	if utf8.Valid(value) {
		return string(value)
	}
	return `\x` + hex.EncodeToString(value)
}

func showBinary(v []byte, oid uint32) (string, bool) {
	switch oid {
	case oidText, oidVarchar, oidBPChar, oidName, oidJSON, oidXML, oidChar, oidUnknown:
		return utf8OrHex(v), true
	case oidJSONB:
		if len(v) < 1 || v[0] != 1 {
			return "", false
		}
		return utf8OrHex(v[1:]), true
	case oidBool:
		if len(v) != 1 {
			return "", false
		}
		return map[bool]string{true: "t", false: "f"}[v[0] != 0], true
	case oidUUID:
		if len(v) != 16 {
			return "", false
		}
		s := hex.EncodeToString(v)
		return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-"), true
	case oidNumeric:
		return showNumeric(v)
	case oidBytea:
		return "", false
	default:
		return showFixed(v, oid)
	}
}

// showFixed shows the types of two, four and eight bytes.
func showFixed(v []byte, oid uint32) (string, bool) {
	switch {
	case len(v) == 2 && oid == oidInt2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(v)))), true
	case len(v) == 4:
		u := binary.BigEndian.Uint32(v)
		switch oid {
		case oidInt4:
			return strconv.Itoa(int(int32(u))), true
		case oidOID:
			return strconv.FormatUint(uint64(u), 10), true
		case oidFloat4:
			return strconv.FormatFloat(float64(math.Float32frombits(u)), 'g', -1, 32), true
		case oidDate:
			if days := int64(int32(u)); days != math.MaxInt32 && days != math.MinInt32 {
				return showTime(days*24*3600, 0, time.DateOnly)
			}
			return infinity(int32(u) > 0), true
		}
	case len(v) == 8:
		u := binary.BigEndian.Uint64(v)
		switch oid {
		case oidInt8:
			return strconv.FormatInt(int64(u), 10), true
		case oidFloat8:
			return strconv.FormatFloat(math.Float64frombits(u), 'g', -1, 64), true
		case oidTimestamp, oidTimestampTZ:
			if n := int64(u); n != math.MaxInt64 && n != math.MinInt64 {
				layout := map[uint32]string{oidTimestamp: "2006-01-02 15:04:05.999999", oidTimestampTZ: "2006-01-02 15:04:05.999999Z07:00"}
				return showTime(n/1e6, n%1e6, layout[oid])
			}
			return infinity(int64(u) > 0), true
		}
	}
	return "", false
}

// showTime shows a time given from 2000-01-01, where PostgreSQL's clock begins.
func showTime(seconds, micros int64, layout string) (string, bool) {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	t := time.Unix(epoch+seconds, micros*1000).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format(layout), true
}

func infinity(positive bool) string {
	if positive {
		return "infinity"
	}
	return "-infinity"
}

// showNumeric decodes numeric_send: count of base-10000 digits, weight of the first, sign, digits shown after the
// point, digits.
func showNumeric(v []byte) (string, bool) {
	if len(v) < 8 {
		return "", false
	}
	count, weight := int(binary.BigEndian.Uint16(v)), int(int16(binary.BigEndian.Uint16(v[2:])))
	sign, scale := binary.BigEndian.Uint16(v[4:]), int(binary.BigEndian.Uint16(v[6:]))
	if len(v) != 8+2*count || scale > 16383 {
		return "", false
	}
	switch sign {
	case 0xC000:
		return "NaN", true
	case 0xD000:
		return "Infinity", true
	case 0xF000:
		return "-Infinity", true
	}
	for i := range count {
		if binary.BigEndian.Uint16(v[8+2*i:]) > 9999 {
			return "", false
		}
	}
	digit := func(place int) string {
		i := weight - place
		d := 0
		if i >= 0 && i < count {
			d = int(binary.BigEndian.Uint16(v[8+2*i:]))
		}
		return strconv.Itoa(10000 + d)[1:]
	}
	var whole, fraction strings.Builder
	for place := max(weight, 0); place >= 0; place-- {
		whole.WriteString(digit(place))
	}
	for place := -1; fraction.Len() < scale; place-- {
		fraction.WriteString(digit(place))
	}
	text := strings.TrimLeft(whole.String(), "0")
	if text == "" {
		text = "0"
	}
	if scale > 0 {
		text += "." + fraction.String()[:scale]
	}
	if sign == 0x4000 {
		text = "-" + text
	}
	return text, true
}
