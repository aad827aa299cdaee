package kube

import (
	"regexp"
	"slices"
	"strings"
)

// valid is what API servers ask of a field, in words that quote nothing: neither what stands in it nor what stands elsewhere.
var valid = strings.Join([]string{
	`must be greater than(?: or equal to)? (?:0|1|zero)`,
	`must be between [0-9]{1,6} and [0-9]{1,6}, inclusive`,
	`(?:must be no more than|may not be more than|may not be longer than|must have at most) [0-9]{1,7}(?: bytes| characters| items)?`,
	"field is immutable(?: when `immutable` is set)?",
	"`selector` does not match template `labels`",
	`name or generateName is required`,
	`must specify a volume type`,
	`must be unique`,
	`must be an absolute path`,
	`must be a relative path`,
	`must not contain '\.\.'`,
	`provided (?:port|IP) is already allocated`,
	`must be a valid IP address, \(e\.g\. 10\.9\.8\.7 or 2001:db8::ffff\)`,
	regexp.QuoteMeta(`a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`),
	regexp.QuoteMeta(`a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`),
	regexp.QuoteMeta(`a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`),
	regexp.QuoteMeta(`a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`),
	regexp.QuoteMeta(`name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`),
	regexp.QuoteMeta(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`),
	`updates to statefulset spec for fields other than '[A-Za-z]+'(?:(?:,| and) '[A-Za-z]+')* are forbidden`,
}, "|")

// faults are what API servers say of a field that is not valid: of which kind that is, the value, and what is asked of it. What is asked is the
// last of it, whatever the value is like: no text and no object ends as these do, since the one is in quotes and the other in brackets.
var faults = []struct {
	said  *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`^(Required value|Forbidden|Too long)(: (?:` + valid + `))?$`), "${1}${2}"},
	{regexp.MustCompile(`(?s)^(Invalid value|Too many): .*(: (?:` + valid + `))$`), "${1}: " + stars + "${2}"},
	{regexp.MustCompile(`(?s)^(Unsupported value): .*(: supported values: "[A-Za-z0-9/.-]{1,63}"(?:, "[A-Za-z0-9/.-]{1,63}")*)$`), "${1}: " + stars + "${2}"},
	{regexp.MustCompile(`(?s)^(Duplicate value|Not found): .*$`), "${1}: " + stars},
	{regexp.MustCompile("(?s)^(Forbidden: pod updates may not change fields other than " + fieldList + ")(?:\n.*)?$"), "${1}"},
}

const fieldList = "`[A-Za-z.*\\[\\]]+`(?: \\([a-z0-9 ]+\\))?(?:,`[A-Za-z.*\\[\\]]+`(?: \\([a-z0-9 ]+\\))?)*"

// fault is what of a cause's words may be seen, without the value that they quote; "" where that can't be told.
func fault(words string) string {
	for _, f := range faults {
		if f.said.MatchString(words) {
			return f.said.ReplaceAllString(words, f.shown)
		}
	}
	return ""
}

// aboutOf is the object that a Status is about.
var aboutOf = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.-]* "[^"\\]*" is invalid: `)

// saysInvalid leaves of a Status what may be seen of it that says which fields of an object are not valid: of those that no mask hides, what is
// asked of them. An API server repeats the causes in the message; who judges changes for it says something else there, and ok is false.
func saysInvalid(o object, causes []any, masked []field) (ok bool) {
	message := o.text("message")
	about := aboutOf.FindString(message)
	all, err := paths(masked)
	if err != nil || o.text("reason") != "Invalid" || about == "" {
		return false
	}
	var said, shown, words []string
	hidden := unspoken // said once
	for _, c := range causes {
		c, _ := c.(object)
		place, of := c.text("field"), c.text("message")
		if place == "" || of == "" {
			return false
		}
		told := fault(of)
		if told == "" || hides(all, place) {
			told, hidden = hidden, stars
		}
		said, shown, words = append(said, place+": "+of), append(shown, place+": "+told), append(words, told)
	}
	if message != about+listed(said) {
		return false
	}
	for i, c := range causes {
		put(c.(object), "message", words[i])
	}
	put(o, "message", about+listed(shown))
	return true
}

// listed are several faults in one text, as API servers write them, each once.
func listed(all []string) string {
	known := map[string]bool{}
	once := slices.DeleteFunc(slices.Clone(all), func(text string) bool {
		again := known[text]
		known[text] = true
		return again
	})
	if len(once) == 1 {
		return once[0]
	}
	return "[" + strings.Join(once, ", ") + "]"
}

// put changes the value of a key that there is.
func put(o object, key string, value any) {
	for i := range o {
		if o[i].Key == key {
			o[i].Value = value
		}
	}
}
