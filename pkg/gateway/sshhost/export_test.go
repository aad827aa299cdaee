package sshhost

// LookForStrict is lookForStrict.
var LookForStrict = lookForStrict

// StrictClient is what a client that speaks strict key exchange lists.
const StrictClient = strictClient

// DecodeAll runs every decoder of requests over a payload, and answers what env and exec made of it.
func DecodeAll(payload []byte) (name, value string, allowed bool, command string, commandErr error) {
	_, _ = decodePty(payload)
	e, allowed, _ := decodeEnv(payload)
	command, commandErr = decodeExec(payload)
	return e.Name, e.Value, allowed, command, commandErr
}
