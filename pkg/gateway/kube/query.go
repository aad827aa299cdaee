package kube

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Query is what a request asks behind its path, decoded, in canonical form and order.
type Query []Param

// Param is one key with its value.
type Param struct{ Key, Value string }

// Get answers a key's first value.
func (q Query) Get(key string) (string, bool) {
	for _, p := range q {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// Values answers all values of a key that may stand there more than once.
func (q Query) Values(key string) (all []string) {
	for _, p := range q {
		if p.Key == key {
			all = append(all, p.Value)
		}
	}
	return all
}

// is says that a key of yes or no says yes.
func (q Query) is(key string) bool {
	v, _ := q.Get(key)
	return v == "true"
}

// limits of queries.
const (
	maxQuery  = 32 << 10
	maxParams = 1024
)

// parseQuery reads a query by the keys that the request's kind has. Those of a service behind proxy are its own.
func (t *Tuple) parseQuery(raw string) (Query, *api.Refusal) {
	if raw == "" {
		return nil, nil
	}
	if len(raw) > maxQuery || strings.Count(raw, "&") >= maxParams {
		return nil, badRequest("The query is too long.")
	}
	keys, free := t.keys(), t.Subresource == "proxy"
	var q Query
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		p := Param{}
		var why string
		if p.Key, why = unescaped(key); why == "" {
			p.Value, why = unescaped(value)
		}
		if why == "" && p.Key == "" {
			why = "it has a part without a key"
		}
		if why != "" {
			return nil, badRequest("The query can't be read in one way alone: " + why + ".")
		}
		if free {
			if credentialKey(p.Key) {
				return nil, badRequest("The query has " + clipped(p.Key) + ", and hoop passes no credential that comes from a client.")
			}
			q = append(q, p)
			continue
		}
		if r := q.add(p, keys); r != nil {
			return nil, r
		}
	}
	if !free {
		slices.SortStableFunc(q, func(a, b Param) int { return strings.Compare(a.Key, b.Key) })
	}
	return q, nil
}

// credentialKey are the keys that servers take a credential from.
func credentialKey(key string) bool {
	switch strings.ToLower(key) {
	case "access_token", "token", "bearer_token", "id_token", "_method":
		return true
	}
	return false
}

func (q *Query) add(p Param, keys map[string]form) *api.Refusal {
	f, known := keys[p.Key]
	if !known {
		return badRequest("The query asks for " + clipped(p.Key) + ", which hoop does not know for this request.")
	}
	if _, twice := q.Get(p.Key); twice && f != texts && f != numbers {
		return badRequest("The query has " + p.Key + " twice, and readers differ in which of both counts.")
	}
	value, r := f.canonical(p)
	if r != nil {
		return r
	}
	*q = append(*q, Param{p.Key, value})
	return nil
}

// form says how an API server reads a key's value.
type form uint8

const (
	text     form = iota + 1
	texts         // texts, of which there may be many
	yesNo         // anything but "0" and "false" is yes
	number        // a whole number
	numbers       // many of them
	duration      // "32s"
	dryRun        // "All"
	never         // "no" alone is served
)

// canonical is a value in the form that every reader reads the same.
func (f form) canonical(p Param) (string, *api.Refusal) {
	switch f {
	case yesNo, never:
		yes := p.Value != "0" && !strings.EqualFold(p.Value, "false")
		if f == never && yes {
			return "", badRequest("The query asks for " + p.Key + ", which hoop does not pass on.")
		}
		return strconv.FormatBool(yes), nil
	case number, numbers:
		n, err := strconv.ParseInt(p.Value, 10, 64)
		if err != nil {
			return "", badRequest("The query's " + p.Key + " is no whole number.")
		}
		return strconv.FormatInt(n, 10), nil
	case duration:
		if _, err := time.ParseDuration(p.Value); err != nil {
			return "", badRequest("The query's " + p.Key + " is no duration.")
		}
	case dryRun:
		if p.Value != "All" {
			return "", badRequest("The query's " + p.Key + " is not All, and there is nothing else that it can be.")
		}
	}
	return p.Value, nil
}

// unescaped decodes a part of a query, or says what is wrong with it.
func unescaped(s string) (text, why string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%':
			if i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2]) {
				return "", "a percent sign has no two digits behind it"
			}
			c = unhex(upper(s[i+1]))<<4 | unhex(upper(s[i+2]))
			i += 2
		case c == ';':
			return "", "it has a semicolon, at which some readers cut"
		case c <= 0x20 || c == 0x7F || c == '#':
			return "", "it has a character that must not stand there"
		}
		b.WriteByte(c)
	}
	if text = b.String(); !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return "", "it is not UTF-8 text"
	}
	return text, ""
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'f' {
		return c - 'a' + 'A'
	}
	return c
}

func hex(c byte) bool { return upperHex(upper(c)) }
