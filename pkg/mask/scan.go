package mask

// class is what a byte may be the sign of. Most bytes are the sign of nothing, and are passed over.
type class uint8

const (
	plain   class = iota
	digit         // of a card, an SSN, an IBAN or a phone
	at            // @: an email
	plus          // of an international phone number
	paren         // ( before an area code
	letterJ       // eyJ: a JWT
	letterA       // AKIA…, AIza
	letterB       // -----BEGIN
	mark          // the last sign of an API token's prefix
	wide          // full-width digits and signs begin with 0xEF
)

func (s *Set) classes() (c [256]class) {
	if s.on(CreditCard) || s.on(USSSN) || s.on(IBAN) || s.on(Phone) {
		for d := '0'; d <= '9'; d++ {
			c[d] = digit
		}
		c[0xEF] = wide
	}
	if s.on(Email) {
		c['@'], c[0xEF] = at, wide
	}
	if s.on(Phone) {
		c['+'], c['('] = plus, paren
	}
	if s.on(JWT) {
		c['J'] = letterJ
	}
	if s.on(AWSKey) || s.on(APIToken) {
		c['A'] = letterA
	}
	if s.on(PrivateKey) {
		c['B'] = letterB
	}
	if s.on(APIToken) {
		c['_'], c['-'], c['.'] = mark, mark, mark
	}
	return c
}

// view is what is looked at: all of it, or what has come so far of a stream.
type view struct {
	b     []byte
	floor int  // where the latest finding ended: none begins before it
	more  bool // other bytes may follow
}

// finding is a piece of a text.
type finding struct {
	start, end int
	what       Detector
	// tail: it may go on in bytes that have not come yet, however many.
	tail tail
}

// outcome is what is known of a place in a text.
type outcome uint8

const (
	nothing outcome = iota
	found
	unsure // it depends on bytes that have not come yet
)

// next is the first finding at or behind i: the one pass over the bytes. It answers the place that it came to: of a finding
// its end, where it is unsure the sign that it is unsure of, else the end of the bytes.
func (s *Set) next(v view, i int) (finding, int, outcome) {
	b := v.b
	for {
		for i < len(b) && s.class[b[i]] == plain {
			i++
		}
		if i >= len(b) {
			return finding{}, len(b), nothing
		}
		var f finding
		var out outcome
		to := i + 1 // where to go on after nothing
		switch s.class[b[i]] {
		case digit:
			f, to, out = s.digits(v, i)
		case at:
			f, out = email(v, i, i+1)
		case plus:
			f, out = plusPhone(v, i, i+1)
		case paren:
			f, out = areaPhone(v, i)
		case letterJ:
			f, out = jwt(v, i)
		case letterA:
			f, out = s.letterA(v, i)
		case letterB:
			f, out = privateKey(v, i)
		case mark:
			f, out = apiToken(v, i)
		case wide:
			f, to, out = s.wide(v, i)
		}
		switch {
		case out == unsure:
			return finding{}, i, unsure
		case out == found && f.start >= v.floor:
			return f, f.end, found
		}
		i = to
	}
}

// wide looks at a full-width sign.
func (s *Set) wide(v view, i int) (finding, int, outcome) {
	c, n := glyph(v.b, i)
	if n == 0 {
		if v.more {
			return finding{}, i, unsure
		}
		return finding{}, i + 1, nothing
	}
	switch {
	case isDigit(c) && s.class['0'] == digit && v.free(i):
		return s.spelled(v, i)
	case c == '@' && s.on(Email):
		f, out := email(v, i, i+n)
		return f, i + n, out
	case c == '+' && s.on(Phone):
		f, out := plusPhone(v, i, i+n)
		return f, i + n, out
	}
	return finding{}, i + n, nothing
}

func (s *Set) letterA(v view, i int) (finding, outcome) {
	if s.on(AWSKey) {
		if f, out := awsKey(v, i); out != nothing {
			return f, out
		}
	}
	if s.on(APIToken) {
		return googleKey(v, i)
	}
	return finding{}, nothing
}
