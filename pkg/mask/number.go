package mask

// maxRun is the longest run of digits, in bytes, whose end is waited for: no number that is looked for is longer.
const maxRun = 40

// digits looks at a run of ASCII digits, which begins at i, and answers where to go on.
func (s *Set) digits(v view, i int) (finding, int, outcome) {
	b := v.b
	if i > v.floor && isDigit(b[i-1]) { // the rest of a run that was too long
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		return finding{}, i, nothing
	}
	j := i + 1
	for j < len(b) && isDigit(b[j]) {
		j++
	}
	n := j - i
	if n > maxRun {
		return finding{}, j, nothing
	}
	behind := byte(' ')
	if j < len(b) {
		behind = b[j]
	} else if v.more {
		return finding{}, i, unsure
	}
	if s.on(IBAN) && i-2 >= v.floor && (isLetter(b[i-1]) || b[i-1] >= 0x80) {
		if f, out := iban(v, i); out != nothing {
			return f, j, out
		}
	}
	if !worth(b[i:j], behind, b[min(j+1, len(b)):]) || !v.free(i) {
		return finding{}, j, nothing
	}
	f, _, out := s.spelled(v, i)
	return f, j, out
}

// worth says whether a run of digits can begin a card, an SSN or a phone, by its length, the sign behind it and the bytes behind
// that. It is what keeps ids, dates and times cheap.
func worth(run []byte, behind byte, rest []byte) bool {
	if behind >= 0x80 {
		return len(run) <= maxCard
	}
	switch n := len(run); {
	case n >= minCard && n <= maxCard:
		return issued(run)
	case n == 4:
		return (behind == ' ' || behind == '-') && issued(run)
	case n == 3:
		return behind == '-' || behind == '.'
	case n == 1:
		area := len(rest) == 0 || rest[0] == '(' || rest[0] >= '2' && rest[0] <= '9' || rest[0] >= 0x80
		return run[0] == '1' && (behind == '-' || behind == '.' || behind == ' ') && area
	}
	return false
}

// spelled looks at digits with signs between them. Where nothing is found it goes on behind the first digit.
func (s *Set) spelled(v view, i int) (finding, int, outcome) {
	_, first := glyph(v.b, i)
	n := readNumber(v, i)
	if s.on(CreditCard) {
		if f, out := n.card(v); out != nothing {
			return f, i + first, out
		}
	}
	if s.on(USSSN) {
		if f, out := n.ssn(v); out != nothing {
			return f, i + first, out
		}
	}
	if s.on(Phone) {
		if f, out := n.national(v, 0, i); out != nothing {
			return f, i + first, out
		}
	}
	return finding{}, i + first, nothing
}

// Bounds of what is read of one number: its signs, and its bytes, of which many may be invisible.
const (
	maxSigns = 40
	maxSpan  = 200
)

// number is a row of digits and the signs that stand between groups of them, in their plain form.
type number struct {
	start int
	n     int
	sign  [maxSigns]byte
	end   [maxSigns]uint8 // where each sign ends, from start
	cut   bool            // it may go on in bytes that have not come yet
}

func readNumber(v view, i int) number {
	n := number{start: i}
	for at := i; n.n < maxSigns && at-i < maxSpan; {
		if at >= len(v.b) {
			n.cut = v.more
			break
		}
		c, size := glyph(v.b, at)
		if size == 0 {
			n.cut = v.more
			break
		}
		at += size
		switch {
		case isDigit(c), c == ' ', c == '-', c == '.', c == '(', c == ')':
			n.sign[n.n], n.end[n.n] = c, uint8(at-i)
			n.n++
		case c != 0:
			return n
		}
	}
	return n
}

// run is how many digits stand at sign k, without a sign between them.
func (n *number) run(k int) int {
	from := k
	for k < n.n && isDigit(n.sign[k]) {
		k++
	}
	return k - from
}

// groups says whether at sign k stand groups of exactly these many digits with the sign sep between them, and the sign
// behind them. Where the bytes end too early, it may still be so.
func (n *number) groups(k int, sep byte, sizes ...int) (int, outcome) {
	for g, size := range sizes {
		if g > 0 {
			if k >= n.n {
				return k, n.ended()
			}
			if n.sign[k] != sep {
				return k, nothing
			}
			k++
		}
		run := n.run(k)
		if run < size && k+run >= n.n {
			return k, n.ended()
		}
		if run != size {
			return k, nothing
		}
		k += size
	}
	return k, found
}

func (n *number) ended() outcome {
	if n.cut {
		return unsure
	}
	return nothing
}

// signAt is the sign k, ' ' where there is none.
func (n *number) signAt(k int) byte {
	if k < n.n {
		return n.sign[k]
	}
	return ' '
}

// upTo is the finding from start through sign k-1, where the number is over there.
func (n *number) upTo(v view, start, k int, what Detector, dash bool) (finding, outcome) {
	f := finding{start: start, end: n.start + int(n.end[k-1]), what: what}
	return f, v.over(f.end, dash)
}
