package sshhost

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

// Payloads of channel requests (RFC 4254, section 6).
type (
	execRequest      struct{ Command string }
	subsystemRequest struct{ Name string }
	envRequest       struct{ Name, Value string }
	signalRequest    struct{ Signal string }
	windowRequest    struct{ Columns, Rows, Width, Height uint32 }
	exitStatus       struct{ Status uint32 }
	exitSignal       struct {
		Signal   string
		Core     bool
		Message  string
		Language string
	}
	ptyRequest struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
)

// Bounds of what a client may name.
const (
	maxTerm  = 64
	maxModes = 1024
	maxEnv   = 256
	maxExec  = 64 << 10
)

var errRequest = errors.New("malformed request")

// decode reads a payload that must have nothing behind it.
func decode[T any](payload []byte) (v T, err error) {
	if err := ssh.Unmarshal(payload, &v); err != nil {
		return v, errRequest
	}
	return v, nil
}

func decodePty(payload []byte) (ptyRequest, error) {
	p, err := decode[ptyRequest](payload)
	if err != nil || len(p.Term) > maxTerm || len(p.Modes) > maxModes || strings.ContainsFunc(p.Term, notPlain) {
		return ptyRequest{}, errRequest
	}
	return p, nil
}

// decodeEnv reads a variable and says whether it may go to the host: one of those that the connection allows, with a value in
// characters that are no path.
func decodeEnv(payload []byte, allow variables) (e envRequest, allowed bool, err error) {
	e, err = decode[envRequest](payload)
	if err != nil {
		return envRequest{}, false, err
	}
	return e, allow.allow(e.Name) && len(e.Value) <= maxEnv && !strings.ContainsFunc(e.Value, notPlain), nil
}

// notPlain is true for all but what names of languages and terminals are made of.
func notPlain(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+:=@", r))
}

// decodeExec reads a command line that can be shown and recorded as it is.
func decodeExec(payload []byte) (string, error) {
	e, err := decode[execRequest](payload)
	if err != nil || len(e.Command) > maxExec || !utf8.ValidString(e.Command) || strings.ContainsRune(e.Command, 0) {
		return "", errRequest
	}
	return e.Command, nil
}

// known signals (RFC 4254, section 6.10) may be sent to a running command.
func knownSignal(name string) bool {
	switch name {
	case "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2":
		return true
	}
	return false
}
