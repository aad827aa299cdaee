package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Type numbers of pg_type that drivers send in binary format most.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidFloat4      = 700
	oidFloat8      = 701
	oidVarchar     = 1043
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidUUID        = 2950
)

// binaryText puts a value in binary format into words, for the types where it can be told.
func binaryText(oid uint32, v []byte) (string, bool) {
	switch {
	case oid == oidBool && len(v) == 1:
		return strconv.FormatBool(v[0] != 0), true
	case oid == oidInt2 && len(v) == 2:
		return strconv.Itoa(int(int16(binary.BigEndian.Uint16(v)))), true
	case oid == oidInt4 && len(v) == 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(v)))), true
	case oid == oidInt8 && len(v) == 8:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(v)), 10), true
	case oid == oidFloat4 && len(v) == 4:
		return strconv.FormatFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(v))), 'g', -1, 32), true
	case oid == oidFloat8 && len(v) == 8:
		return strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(v)), 'g', -1, 64), true
	case oid == oidText || oid == oidVarchar:
		return string(v), true
	case oid == oidUUID && len(v) == 16:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]), true
	case oid == oidDate && len(v) == 4:
		days := int(int32(binary.BigEndian.Uint32(v)))
		return epoch().AddDate(0, 0, days).Format(time.DateOnly), true
	case (oid == oidTimestamp || oid == oidTimestamptz) && len(v) == 8:
		micros := int64(binary.BigEndian.Uint64(v))
		if seconds := micros / 1e6; seconds < -6e10 || seconds > 2e11 {
			return "", false // infinity, and years that no calendar writes
		}
		return time.UnixMicro(epoch().UnixMicro() + micros).UTC().Format("2006-01-02 15:04:05.999999"), true
	}
	return "", false
}

// epoch is the zero of PostgreSQL's dates.
func epoch() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }
