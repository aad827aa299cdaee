package localproxy

import (
	"encoding/binary"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// authentication encodes one message of type R.
func authentication(code uint32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'R'}, uint32(8+len(body)))
	b = binary.BigEndian.AppendUint32(b, code)
	return append(b, body...)
}

// fatal encodes an ErrorResponse after which the connection is closed.
func fatal(sqlstate, message, hint string) []byte {
	b := []byte{'E', 0, 0, 0, 0}
	for _, f := range [][2]string{{"S", "FATAL"}, {"V", "FATAL"}, {"C", sqlstate}, {"M", message}, {"H", hint}} {
		if f[1] == "" {
			continue
		}
		b = append(b, f[0]...)
		b = append(b, strings.ReplaceAll(f[1], "\x00", "")...)
		b = append(b, 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

// fatalError says an error in PostgreSQL's words.
func fatalError(e *api.Error) []byte { return fatal(sqlstate(e.Code), e.Message, e.Hint) }

// sqlstate chooses what drivers know: class 08 and 57P03 are tried again by pools, class 28 is not.
func sqlstate(code string) string {
	switch code {
	case api.CodeUnreachable:
		return "08006" // connection_failure
	case api.CodeTargetDown, api.CodeUnavailable:
		return "57P03" // cannot_connect_now
	case api.CodeTooMany:
		return "53300" // too_many_connections
	case api.CodeNoSuchConnection:
		return "3D000" // invalid_catalog_name
	case api.CodeDenied, api.CodeLocked, api.CodeGrantEnded, api.CodeSignInNeeded, api.CodeRejected, api.CodeApprovalPending:
		return "28000" // invalid_authorization_specification
	}
	return "XX000" // internal_error
}
