package policy

import "strings"

// SameParameter says whether some server takes two names of parameters for one: in another case (ASP.NET), with "." and " " for "_", with
// brackets for a list, behind spaces, or with more behind a NUL (PHP, Rails).
func SameParameter(a, b string) bool { return loosely(a) == loosely(b) }

// loosely is a name as the most generous server reads it.
func loosely(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	name = folded(strings.TrimSpace(name))
	if open := strings.IndexByte(name, '['); open > 0 {
		name = name[:open]
	}
	return strings.TrimRight(underscored.Replace(name), "_")
}

var underscored = strings.NewReplacer(" ", "_", ".", "_", "-", "_", "[", "_", "+", "_")

// folded is a text without what letters' case tells, of all letters that have any.
func folded(text string) string { return strings.ToLower(strings.ToUpper(text)) }
