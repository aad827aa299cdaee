package mask

// ssn finds a US social security number: 3-2-4 digits with dashes, of an area, group and serial that can be given out.
func (n *number) ssn(v view) (finding, outcome) {
	k, out := n.groups(0, '-', 3, 2, 4)
	if out != found {
		return finding{}, out
	}
	area := string(n.sign[:3])
	if area == "000" || area == "666" || area[0] == '9' || string(n.sign[4:6]) == "00" || string(n.sign[7:11]) == "0000" {
		return finding{}, nothing
	}
	if v.continues(n.start) {
		return finding{}, nothing
	}
	return n.upTo(v, n.start, k, USSSN, true)
}

// continues says that a digit and a dash or a point stand in front of i: a longer number goes on there.
func (v view) continues(i int) bool {
	c := v.before(i)
	return (c == '-' || c == '.') && isWord(v.before(i-1))
}

// national finds a phone number of North America at sign k: 202-555-0101, 202.555.0101, (202) 555-0101, with or without 1 in
// front. Numbers with spaces alone are not told from other numbers.
func (n *number) national(v view, k, start int) (finding, outcome) {
	if n.run(k) == 1 && n.signAt(k) == '1' {
		if k++; k >= n.n {
			return finding{}, n.ended()
		}
		if c := n.sign[k]; c == '-' || c == '.' || c == ' ' {
			k++
		}
	}
	open := n.signAt(k) == '('
	if open {
		k++
	}
	area := k
	if run := n.run(k); run != 3 {
		if k+run >= n.n && run < 3 {
			return finding{}, n.ended()
		}
		return finding{}, nothing
	}
	k += 3
	sep := n.signAt(k)
	if open {
		if sep != ')' {
			return finding{}, n.only(k < n.n)
		}
		if k++; n.signAt(k) == ' ' || n.signAt(k) == '-' {
			k++
		}
		sep = n.signAt(k + 3)
	} else if k++; sep != '-' && sep != '.' {
		return finding{}, n.only(k <= n.n)
	}
	exchange := k
	if sep != '-' && sep != '.' && !(open && sep == ' ') {
		return finding{}, n.only(k+3 < n.n)
	}
	k, out := n.groups(k, sep, 3, 4)
	if out != found {
		return finding{}, out
	}
	if n.sign[area] < '2' || n.sign[exchange] < '2' || !v.free(start) || v.continues(start) {
		return finding{}, nothing
	}
	return n.upTo(v, start, k, Phone, true)
}

// areaPhone finds a national number that begins with the parenthesis at i.
func areaPhone(v view, i int) (finding, outcome) {
	if i+1 < len(v.b) && !isDigit(v.b[i+1]) && v.b[i+1] < 0x80 {
		return finding{}, nothing
	}
	n := readNumber(v, i)
	return n.national(v, 0, i)
}

// plusPhone finds an international number: a plus, and 8 to 15 digits (E.164) in groups between which stand one or two signs.
func plusPhone(v view, i, from int) (finding, outcome) {
	if v.before(i) == ')' || !v.free(i) {
		return finding{}, nothing
	}
	if from < len(v.b) && v.b[from] < 0x80 && !isDigit(v.b[from]) && v.b[from] != '(' {
		return finding{}, nothing
	}
	n := readNumber(v, from)
	k := 0
	if n.signAt(0) == '(' {
		k++
	}
	if k >= n.n {
		return finding{}, n.ended()
	}
	if c := n.sign[k]; c < '1' || c > '9' {
		return finding{}, nothing
	}
	end, total := 0, 0
	for k < n.n {
		run := n.run(k)
		if k+run >= n.n && n.cut {
			return finding{}, unsure
		}
		if run == 0 || total+run > 15 || run == 1 && total >= 8 {
			break
		}
		k += run
		if total += run; total >= 8 {
			end = k
		}
		for signs := 0; k < n.n && !isDigit(n.sign[k]) && signs < 2; signs++ {
			k++
		}
	}
	switch {
	case k >= n.n && n.cut:
		return finding{}, unsure
	case end == 0:
		return finding{}, nothing
	}
	return n.upTo(v, i, end, Phone, false)
}
