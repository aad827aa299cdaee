package mask

// Lengths of card numbers, in digits. The thirteen that old ones had are left out: every barcode has as many.
const (
	minCard = 14
	maxCard = 19
)

// card finds a payment card: 14 to 19 digits in one piece or in the groups that cards are printed in, with an issuer's
// prefix of that length and the right check digit (Luhn, ISO/IEC 7812-1).
func (n *number) card(v view) (finding, outcome) {
	before := v.before(n.start)
	if before == '.' && isDigit(v.before(n.start-1)) { // decimals
		return finding{}, nothing
	}
	run := n.run(0)
	if run >= minCard {
		if run > maxCard || run == n.n && n.cut && run <= maxCard {
			return finding{}, n.only(run > maxCard)
		}
		if n.issuedAs(run) {
			return n.upTo(v, n.start, run, CreditCard, false)
		}
		return finding{}, nothing
	}
	if run == n.n {
		return finding{}, n.ended()
	}
	sep := n.signAt(run)
	if run != 4 || sep != ' ' && sep != '-' || before == '-' && sep == '-' && isDigit(v.before(n.start-1)) {
		return finding{}, nothing
	}
	for _, sizes := range [...][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}} {
		k, out := n.groups(0, sep, sizes...)
		if out == unsure {
			return finding{}, unsure
		}
		if out == found && n.issuedAs(k) {
			return n.upTo(v, n.start, k, CreditCard, true)
		}
	}
	return finding{}, nothing
}

// only is nothing where it is settled, else what the end of the bytes makes of it.
func (n *number) only(settled bool) outcome {
	if settled {
		return nothing
	}
	return n.ended()
}

// issuedAs says whether the digits among the first k signs are a card's.
func (n *number) issuedAs(k int) bool {
	var d [maxCard]byte
	count := 0
	for _, c := range n.sign[:k] {
		if isDigit(c) && count < maxCard {
			d[count] = c
			count++
		}
	}
	return issued(d[:count]) && lengthFits(d[:count]) && luhn(d[:count])
}

// issued says whether an issuer has the prefix: four digits at least.
func issued(d []byte) bool { return issuer(d) != 0 }

// issuer answers the lengths that cards with the prefix have, as bits; 0 is no issuer.
func issuer(d []byte) uint32 {
	const to19 = 1<<16 | 1<<17 | 1<<18 | 1<<19
	p := int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	switch {
	case p/1000 == 4:
		return 1<<16 | 1<<19
	case p >= 5100 && p < 5600, p >= 2221 && p <= 2720, p >= 2200 && p <= 2204:
		return 1 << 16
	case p/100 == 34, p/100 == 37:
		return 1 << 15
	case p == 6011, p >= 6440 && p < 6600, p/100 == 62, p >= 3528 && p <= 3589:
		return to19
	case p == 6304, p == 6759, p >= 6761 && p <= 6763:
		return to19
	case p >= 3000 && p < 3060, p/100 == 36, p/100 == 38, p/100 == 39:
		return 1 << 14
	}
	return 0
}

func lengthFits(d []byte) bool { return issuer(d)>>len(d)&1 != 0 }

// luhn checks the last digit: from the right, every second one counts double.
func luhn(d []byte) bool {
	sum, double := 0, false
	for i := len(d) - 1; i >= 0; i-- {
		x := int(d[i] - '0')
		if double {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
		double = !double
	}
	return sum%10 == 0
}
