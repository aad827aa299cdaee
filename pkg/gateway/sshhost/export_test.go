package sshhost

import (
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// LookForStrict is lookForStrict for peers that are not spared.
func LookForStrict(head []byte, word string) (bool, error) { return lookForStrict(head, word, nil) }

// LookAtClient is lookForStrict as clients meet it.
func LookAtClient(head []byte) (bool, error) {
	return lookForStrict(head, strictClient, withoutCutting(clientAlgorithms()))
}

// StrictClient is what a client that speaks strict key exchange lists.
const StrictClient = strictClient

// DecodeAll runs every decoder of requests over a payload, and answers what env and exec made of it.
func DecodeAll(payload []byte) (name, value string, allowed bool, command string, commandErr error) {
	_, _ = decodePty(payload)
	e, allowed, _ := decodeEnv(payload, variables(DefaultEnv()))
	command, commandErr = decodeExec(payload)
	return e.Name, e.Value, allowed, command, commandErr
}

// CanonicalHost is canonicalHost.
var CanonicalHost = canonicalHost

// CanonicalSocket is canonicalSocket.
var CanonicalSocket = canonicalSocket

// VariableAllowed says whether a list lets a variable through.
func VariableAllowed(list []string, name string) bool { return variables(list).allow(name) }

// Understand are the facts that a policy judges a command line by; ok is false where the line is refused before that.
func Understand(text string, terminal bool, own policy.Programs) (facts policy.Command, ok bool) {
	u, refusal := understand(text, "exec", terminal, own)
	return u.facts, refusal == nil
}

// TransferOf says what transfer a line is, and what rules see of it.
func TransferOf(text string) string {
	line, err := argv.Parse(text, argv.Limits{})
	if err != nil {
		return err.Error()
	}
	t := transferOf(line)
	if t == nil {
		return ""
	}
	c := t.facts(true)
	var pairs []string
	for _, a := range c.Accesses {
		pairs = append(pairs, string(a.Effect)+" "+a.Object)
	}
	return fmt.Sprint(c.SSH.Channel, " ", c.Files.Operation, " ", c.Files.Paths, " ", pairs)
}
