package localproxy

import (
	"errors"
	"io"
	"sync/atomic"
)

// Iterations slow down who guesses a password. This secret has 190 random bits, so they protect nothing here, and their
// cost falls on every new connection: 4096 of them take some clients longer than everything else in it. But clients
// exist that take no fewer than RFC 7677 asks for.
const (
	manyIterations = 4096
	fewIterations  = 1
)

// prover has local programs prove that they know the secret.
type prover struct {
	few, many *verifier
	cautious  atomic.Bool // a program went away when it was asked for few
}

func newProver(s Secret) (*prover, error) {
	few, err := newVerifier(s, fewIterations)
	if err != nil {
		return nil, err
	}
	many, err := newVerifier(s, manyIterations)
	return &prover{few: few, many: many}, err
}

// verify is verifier.verify with the iterations that the program behind a startup message takes.
func (p *prover) verify(rw io.ReadWriter, start packet) error {
	if p.cautious.Load() || !takesFew(start) {
		return p.many.verify(rw)
	}
	err := p.few.verify(rw)
	if errors.Is(err, errGaveUp) {
		p.cautious.Store(true)
	}
	return err
}

// takesFew tells libpq, and what is made like it, from the JVM's drivers, which insist on 4096: these set a DateStyle, a
// time zone or the like when they connect. libpq sends no more than names and the encoding, where it isn't told to, and
// takes what a server asks for: PostgreSQL has been able to ask for a single iteration since version 16.
func takesFew(start packet) bool {
	plain := true
	err := start.parameters(func(name, _ string) {
		switch name {
		case "user", "database", "application_name", "client_encoding":
		default:
			plain = false
		}
	})
	return err == nil && plain
}
