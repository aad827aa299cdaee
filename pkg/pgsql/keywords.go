package pgsql

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// The grammar is PostgreSQL 17's. Words that it takes as keywords and older servers as names are listed with the version
// that made them keywords, and with pg_get_keywords' category since then. Words that came before 15 only begin clauses that
// older servers can't read at all. A word that is listed twice became less of a name in two steps.
//
//go:embed keywords.txt
var keywordsText string

// laterKeyword is a word that servers before since take as a name.
type laterKeyword struct {
	since int
	// special: it is more than unreserved, so that it makes a difference by itself.
	special bool
}

var laterKeywords = sync.OnceValue(func() map[string][]laterKeyword {
	set := map[string][]laterKeyword{}
	for line := range strings.Lines(keywordsText) {
		if words := strings.Fields(line); len(words) == 3 {
			since, err := strconv.Atoi(words[1])
			if err != nil {
				since = 1 << 30 // later than any server: in doubt it is a name
			}
			set[words[0]] = append(set[words[0]], laterKeyword{since, words[2] != "U"})
		}
	}
	return set
})

// isName says whether a server takes token i, which the grammar takes as a keyword, as a name. special says that the
// statement may mean something else by it.
func (s *scanned) isName(i, server int) (name, special bool) {
	if s.tokens[i].kind != tokIdent {
		return false, false
	}
	known := laterKeywords()[strings.ToLower(s.word(i))]
	for _, k := range known {
		switch {
		case server >= k.since:
			name = false
		case k != known[0] && server >= known[0].since:
			name, special = s.is(i+1, "("), k.special // a keyword there too, but not before its arguments
		default:
			name, special = true, special || k.special
		}
	}
	return name, name && special
}

// asNames is the text as a server reads it: with quotes around what are names to it and keywords to the grammar. quotes are
// the places of those that were added. ok is false where there is no difference.
func (s *scanned) asNames(server int) (text string, quotes []int, ok bool) {
	var b strings.Builder
	at := 0
	for i, t := range s.tokens {
		name, special := s.isName(i, server)
		ok = ok || special
		if !name {
			continue
		}
		b.WriteString(s.text[at:t.start])
		quotes = append(quotes, b.Len(), b.Len()+1+t.end-t.start)
		b.WriteString(`"` + strings.ToLower(s.word(i)) + `"`)
		at = t.end
	}
	b.WriteString(s.text[at:])
	return b.String(), quotes, ok
}

// grammarMajor is the version whose grammar reads texts.
const grammarMajor = 17

// notOfGrammar explains why a text can't be read that a later server than the grammar's might read.
func (a *analyzer) notOfGrammar(p *Problem) *Problem {
	if a.env.Catalog == nil || a.env.Catalog.Server/10000 <= grammarMajor || p.Rule != "unparsable" || p.SQLState != "42601" || p.Hint != "" {
		return p
	}
	out := *p
	out.Hint = fmt.Sprintf("The gateway reads the SQL of PostgreSQL %d; what the target's version %d added to it is refused, so write it without.", grammarMajor, a.env.Catalog.Server/10000)
	return &out
}

// readAs takes the text as the target's server reads it, where that is not what the grammar reads.
func (a *analyzer) readAs() {
	if a.env.Catalog == nil || a.broken || a.problem != nil && a.problem.Rule == "limits" {
		return
	}
	text, quotes, differs := a.asNames(a.env.Catalog.Server)
	if !differs {
		return
	}
	again := a.pool.parse(a.ctx, text)
	if again.problem != nil {
		a.personal = true // it may be a worker's that was ended
		a.refuse(&Problem{SQLState: "42601", Rule: "unparsable", Message: "the target's server can't read this: " + again.problem.Message,
			Hint: "The syntax is of a later version than the target's."})
		return
	}
	a.parsed, a.quotes = again, quotes
}

// character is the place in the person's own text of a byte of the text that was read.
func (a *analyzer) character(at int) int {
	added := 0
	for _, q := range a.quotes {
		if q < at {
			added++
		}
	}
	return characters(a.out.Text, at-added)
}
