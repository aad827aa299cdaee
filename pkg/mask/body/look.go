package body

import "github.com/hoop-gateway/hoop/pkg/mask"

// shown is what stands in the place of a value that is masked.
const stars = "***"

// look finds what must not be shown in one value: by detectors, and literal secrets that were hidden by how the value is written.
type look struct {
	detectors Detectors
	set       *mask.Set // the detectors, where they can say what they find without changing it
	secrets   *needles
	edit      []byte
}

func newLook(d Detectors, secrets *needles) *look {
	l := &look{detectors: d, secrets: secrets}
	l.set, _ = d.(*mask.Set)
	return l
}

// on says that there is anything to look for.
func (l *look) on() bool { return l.detectors != nil || l.secrets != nil }

// over looks at a value. It answers what is shown of it, which is good until the next call, or Clean. hidden says that the value
// is not written as it is, so that nobody else finds secrets in it.
func (l *look) over(value []byte, form mask.Form, hidden bool) ([]byte, mask.Result) {
	result := mask.Clean
	if hidden && l.secrets != nil && l.secrets.in(value) {
		l.edit, _ = l.secrets.replace(l.edit[:0], value, true) // what is held of the body is another text
		value, result = l.edit, mask.Masked
	}
	if l.detectors == nil || l.set != nil && !l.set.Find(value) {
		return value, result
	}
	if result == mask.Clean {
		l.edit = append(l.edit[:0], value...)
	}
	left, r := l.detectors.Apply(l.edit, form)
	return left, max(result, r)
}

// number looks at a number as a text: as it is written, and where it is a whole number written with a fraction or an exponent as
// that. found says that it must not be shown.
func (l *look) number(raw []byte) (found bool) {
	if l.detectors == nil {
		return false
	}
	if _, r := l.over(raw, mask.Text, false); r != mask.Clean {
		return true
	}
	var whole [2 * maxWhole]byte
	digits := wholeNumber(whole[:0], raw)
	if digits == nil {
		return false
	}
	_, r := l.over(digits, mask.Text, false)
	return r != mask.Clean
}

// maxWhole is how many digits a whole number has at most that numbers are read as: none that is looked for has more.
const maxWhole = 40

// wholeNumber appends the digits of a number in JSON that is written with a fraction or an exponent, or with a sign, though it is
// whole. It answers nil for all others.
func wholeNumber(dst, raw []byte) []byte {
	if len(raw) > 4*maxWhole {
		return nil
	}
	point, exponent, minus, plain := -1, 0, false, true
	for i, c := range raw {
		switch {
		case c == '-' && i == 0:
			plain = false
		case c == '.':
			point, plain = len(dst), false
		case c|0x20 == 'e':
			plain = false
			for _, c := range raw[i+1:] {
				if c == '-' {
					minus = true
				} else if c != '+' {
					exponent = min(exponent*10+int(c-'0'), 1000)
				}
			}
			if minus {
				exponent = -exponent
			}
			return shift(dst, point, exponent)
		default:
			dst = append(dst, c)
		}
	}
	if plain {
		return nil
	}
	return shift(dst, point, exponent)
}

// shift moves the point in digits, -1 for behind them, and answers them where nothing but zeros is behind it then.
func shift(digits []byte, point, by int) []byte {
	if point < 0 {
		point = len(digits)
	}
	if point += by; point <= 0 || point > maxWhole {
		return nil
	}
	for len(digits) < point {
		digits = append(digits, '0')
	}
	for _, c := range digits[point:] {
		if c != '0' {
			return nil
		}
	}
	digits = digits[:point]
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	return digits
}
