package tunnel

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrFrame says that a peer's Hello or Answer is not one.
var ErrFrame = errors.New("malformed tunnel frame")

const (
	maxName   = 253
	maxClient = 200
)

// AppendHello appends the frame of h, and h.First behind it.
func AppendHello(b []byte, h Hello) ([]byte, error) {
	h.V = Version
	if err := h.check(); err != nil {
		return nil, err
	}
	b, err := appendFrame(b, h)
	return append(b, h.First...), err
}

// ReadHello reads one Hello and not a byte more.
func ReadHello(r io.Reader) (Hello, error) {
	var h Hello
	if err := readFrame(r, &h); err != nil {
		return Hello{}, err
	}
	if err := h.check(); err != nil {
		return Hello{}, err
	}
	return h, nil
}

func (h Hello) check() error {
	switch {
	case h.V != Version:
		return fmt.Errorf("%w: version %d, this side speaks %d", ErrFrame, h.V, Version)
	case h.Connection == "" || len(h.Connection) > maxName || !printable(h.Connection):
		return fmt.Errorf("%w: connection name", ErrFrame)
	case len(h.Client) > maxClient || !printable(h.Client):
		return fmt.Errorf("%w: client name", ErrFrame)
	case h.SSH != nil && (len(h.SSH.Client) != ed25519.PublicKeySize || len(h.SSH.Host) != ed25519.SeedSize):
		return fmt.Errorf("%w: keys of an SSH connection", ErrFrame)
	}
	return nil
}

// AppendAnswer appends the frame of a.
func AppendAnswer(b []byte, a Answer) ([]byte, error) {
	a.V = Version
	return appendFrame(b, a)
}

// ReadAnswer reads one Answer and not a byte more. An answer that neither opens a session nor says why not is an error.
func ReadAnswer(r io.Reader) (Answer, error) {
	var a Answer
	if err := readFrame(r, &a); err != nil {
		return Answer{}, err
	}
	switch {
	case a.V != Version:
		return Answer{}, fmt.Errorf("%w: version %d, this side speaks %d", ErrFrame, a.V, Version)
	case (a.Session == "") == (a.Error == nil):
		return Answer{}, fmt.Errorf("%w: an answer has either a session or an error", ErrFrame)
	case a.Error != nil && a.Error.Code == "":
		return Answer{}, fmt.Errorf("%w: an error has a code", ErrFrame)
	}
	return a, nil
}

func appendFrame(b []byte, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode tunnel frame: %w", err)
	}
	if len(body) > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, len(body), MaxFrame)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...), nil
}

func readFrame(r io.Reader, v any) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n == 0 || n > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, n, MaxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return fmt.Errorf("%w: not UTF-8", ErrFrame)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: not the JSON that belongs here", ErrFrame)
	}
	return nil
}

// printable keeps control and formatting characters out of names that end up in logs and on screens.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
