package freetext

// Layout says how a value of a type that is not known is understood.
func Layout(v []byte) string {
	switch {
	case isArray(v):
		return "array"
	case isRecord(v):
		return "record"
	case isPairs(v):
		return "pairs"
	}
	return ""
}

// Fits says whether a value is laid out so.
func Fits(layout string, v []byte) bool {
	return layout == "" || layout == "array" && isArray(v) || layout == "record" && isRecord(v) || layout == "pairs" && isPairs(v)
}
