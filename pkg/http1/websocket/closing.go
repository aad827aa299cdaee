package websocket

import "unicode/utf8"

// ParseClose reads the payload of a Close frame: the code, 1005 where none is given, and the reason (sections 5.5.1 and 7.4).
func ParseClose(payload []byte) (code int, reason string, err error) {
	code, reason, wrong := parseClose(payload)
	if wrong != nil {
		return 0, "", wrong
	}
	return code, reason, nil
}

func parseClose(payload []byte) (code int, reason string, err *Error) {
	if len(payload) == 0 {
		return 1005, "", nil
	}
	if len(payload) == 1 {
		return 0, "", wrong("a Close frame has half a code")
	}
	code = int(payload[0])<<8 | int(payload[1])
	switch {
	case !sendable(code):
		return 0, "", wrong("the code of a Close frame is none that may be sent")
	case !utf8.Valid(payload[2:]):
		return 0, "", &Error{Code: InvalidText, Reason: "the reason of a Close frame is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}

// AppendClose writes the payload of a Close frame. A code that may not be sent becomes 1011 (internal error), but 1005 (no code) is an
// empty payload; a reason that is too long is cut between two characters, and one that is not UTF-8 is left out.
func AppendClose(dst []byte, code int, reason string) []byte {
	if code == 1005 {
		return dst
	}
	if !sendable(code) {
		code = 1011
	}
	if !utf8.ValidString(reason) {
		reason = ""
	}
	for len(reason) > maxControl-2 {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return append(append(dst, byte(code>>8), byte(code)), reason...)
}

// sendable tells whether a code may stand in a frame: those that RFC 6455 and IANA's register define for it, and those of
// applications.
func sendable(code int) bool {
	return 1000 <= code && code <= 1003 || 1007 <= code && code <= 1014 || 3000 <= code && code <= 4999
}
