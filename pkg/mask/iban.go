package mask

// ibanLength answers how many characters an IBAN of a country has, 0 for countries without (SWIFT's IBAN registry).
func ibanLength(a, b byte) int {
	switch string([]byte{a, b}) {
	case "NO":
		return 15
	case "BE", "BI":
		return 16
	case "DK", "FO", "FI", "GL", "NL", "FK", "SD":
		return 18
	case "MK", "SI":
		return 19
	case "AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK":
		return 20
	case "CH", "HR", "LI", "LV":
		return 21
	case "BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA":
		return 22
	case "AE", "GI", "IL", "IQ", "OM", "SO", "TL":
		return 23
	case "AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG":
		return 24
	case "LY", "PT", "ST":
		return 25
	case "IS", "TR":
		return 26
	case "DJ", "FR", "GR", "IT", "MC", "MR", "SM":
		return 27
	case "AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV":
		return 28
	case "BR", "EG", "PS", "QA", "UA":
		return 29
	case "JO", "KW", "MU", "YE":
		return 30
	case "MT", "SC":
		return 31
	case "LC":
		return 32
	case "RU":
		return 33
	}
	return 0
}

// iban finds an international bank account number whose check digits begin at i: of the length that its country has, in one
// piece or in groups of four, with the right check digits (ISO 13616: mod 97 is 1).
func iban(v view, i int) (finding, outcome) {
	start, a, b := v.country(i)
	want := 0
	if start >= v.floor {
		want = ibanLength(a, b)
	}
	if want == 0 || !v.free(start) {
		return finding{}, nothing
	}
	var check [2]byte
	sum, count, at, sep := 0, 2, i, false
	for count < want {
		if at >= len(v.b) || at-i > maxSpan {
			return finding{}, v.short(at)
		}
		c, size := glyph(v.b, at)
		if size == 0 {
			return finding{}, v.short(at)
		}
		at += size
		switch {
		case c == 0:
			continue
		case (c == ' ' || c == '-') && count%4 == 0 && !sep:
			sep = true
			continue
		case isDigit(c) && count < 4:
			check[count-2] = c
		case count < 4 || !isDigit(c) && !isLetter(c):
			return finding{}, nothing
		default:
			sum = append97(sum, c)
		}
		sep = false
		count++
	}
	for _, c := range [...]byte{a, b, check[0], check[1]} { // they count last
		sum = append97(sum, c)
	}
	if sum != 1 {
		return finding{}, nothing
	}
	return finding{start: start, end: at, what: IBAN}, v.over(at, false)
}

// append97 is the rest modulo 97 of a number with c at its end; letters stand for 10 to 35.
func append97(sum int, c byte) int {
	if isDigit(c) {
		return (sum*10 + int(c-'0')) % 97
	}
	return (sum*100 + int(c&^0x20-'A') + 10) % 97
}

// country reads the two letters in front of i, upper case, and where they begin; below the floor where there are none.
func (v view) country(i int) (start int, a, b byte) {
	var letters [2]byte
	for k := 1; k >= 0; k-- {
		size := 1
		c := v.before(i)
		if i > v.floor && v.b[i-1] >= 0x80 {
			size = 3
		}
		if !isLetter(c) {
			return -1, 0, 0
		}
		letters[k] = c &^ 0x20
		i -= size
	}
	return i, letters[0], letters[1]
}

// short is what it means that the bytes end, or enough of them was read, at at.
func (v view) short(at int) outcome {
	if v.more && at+3 > len(v.b) {
		return unsure
	}
	return nothing
}
