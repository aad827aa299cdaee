package body

// digits is where in a number it is.
type digits uint8

const (
	sign     digits = iota // nothing, or behind -
	zero                   // behind a leading 0
	whole                  // in the whole part
	point                  // behind .
	fraction               // in the fraction
	power                  // behind e
	signed                 // behind the sign of the exponent
	exponent               // in the exponent
)

func (j *jsonStage) openNumber(i int) {
	j.place, j.digits, j.isKey = inNumber, sign, false
	j.open(i, j.looked() && j.look.detectors != nil || j.tailed())
	j.minus = false
}

// number reads on in a number.
func (j *jsonStage) number(p []byte, i int) (int, string) {
	for ; i < len(p); i++ {
		c := p[i]
		digit := c-'0' < 10
		switch {
		case digit && (j.digits == whole || j.digits == fraction || j.digits == exponent):
		case digit && j.digits == sign:
			if j.digits = whole; c == '0' {
				j.digits = zero
			}
		case digit && j.digits == point:
			j.digits = fraction
		case digit && (j.digits == power || j.digits == signed):
			j.digits = exponent
		case c == '-' && j.digits == sign && !j.minus:
			j.minus = true
		case c == '.' && (j.digits == zero || j.digits == whole):
			j.digits = point
		case c|0x20 == 'e' && (j.digits == zero || j.digits == whole || j.digits == fraction):
			j.digits = power
		case (c == '+' || c == '-') && j.digits == power:
			j.digits = signed
		default:
			if why := j.endNumber(p, i); why != "" {
				return j.wrong(p, i, why)
			}
			return i, ""
		}
	}
	return i, ""
}

// endNumber ends a number in front of i.
func (j *jsonStage) endNumber(p []byte, i int) (why string) {
	switch j.digits {
	case zero, whole, fraction, exponent:
	default:
		return "a number that is not at its end"
	}
	if j.capture {
		raw, ok, _ := j.whole(p, i)
		switch {
		case ok && j.mute:
			j.last = append(j.last[:0], lastFour(raw)...)
		case ok && j.look.number(raw):
			j.replace(p, i, []byte("null"))
		case ok && len(j.held) > 0:
			j.replace(p, i, raw)
		}
		j.capture = false
	}
	j.over(i)
	return ""
}
