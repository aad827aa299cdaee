package body

// Live looks for secrets in what somebody watches as it comes: the output of a command, a terminal. Of what may be the beginning of a
// secret the first bytes are shown at once, at most eight and at most a quarter of the shortest form, so that no sign waits for the next
// one; behind them stars take a secret's place. It is for one goroutine.
type Live struct {
	all  *Secrets
	held []byte // what may be the beginning of a secret
	seen int    // how much of it was shown
	lead int    // how much of it may be
}

// mostLead is how much of the beginning of a secret is shown at most, in bytes.
const mostLead = 8

// Live begins to look; of the nil Secrets it is nil, which shows everything.
func (n *Secrets) Live() *Live {
	if n == nil {
		return nil
	}
	return &Live{all: n, lead: min(mostLead, n.least/4)}
}

// Write appends to dst what of p, and of what was held, may be shown by now; with last, all the rest.
func (l *Live) Write(dst, p []byte, last bool) []byte {
	if l == nil {
		return append(dst, p...)
	}
	l.held = append(l.held, p...)
	at, size := l.all.find(l.held, 0)
	begin := len(dst)
	dst, rest := l.all.replace(dst, l.held, last)
	shown := min(l.seen, rest)
	if size > 0 && at < shown { // its first bytes were shown, and stars follow them
		shown = at
	}
	dst = append(dst[:begin], dst[begin+shown:]...)
	l.seen = max(l.seen-rest, 0)
	l.held = append(l.held[:0], l.held[rest:]...)
	if lead := min(l.lead, len(l.held)); l.seen < lead {
		dst = append(dst, l.held[l.seen:lead]...)
		l.seen = lead
	}
	return dst
}
