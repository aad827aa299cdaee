package pgsql

import (
	"sort"
	"strings"
)

// blankText stands in a record for a literal that must not be kept.
const blankText = "'***'"

// edit replaces a part of the text, by bytes.
type edit struct {
	start, end int
	text       string
}

// applyEdits makes the edited text. Edits neither overlap nor start at the same byte.
func applyEdits(text string, edits []edit) string {
	sort.Slice(edits, func(i, k int) bool { return edits[i].start < edits[k].start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue // inside one that was made: the outer one stands
		}
		b.WriteString(text[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// record is the text as it may be kept.
func (a *analyzer) record() string {
	for _, raw := range a.stmts {
		a.blankSecrets(raw)
	}
	if len(a.blanks) == 0 {
		return a.out.Text
	}
	return applyEdits(a.text, a.blanked(a.blanks))
}

// blanked are the edits that blank tokens.
func (s *scanned) blanked(tokens map[int]struct{}) []edit {
	edits := make([]edit, 0, len(tokens))
	for i := range tokens {
		edits = append(edits, edit{start: s.tokens[i].start, end: s.tokens[i].end, text: blankText})
	}
	return edits
}

// recordUnparsed blanks all strings of a text that could not be read, and what is no token: any of it may be a password.
func (a *analyzer) recordUnparsed() string {
	var edits []edit
	end := 0
	for _, t := range a.tokens {
		if t.kind == tokString {
			edits = append(edits, edit{start: t.start, end: t.end, text: blankText})
		}
		end = t.end
	}
	if a.broken {
		edits = append(edits, edit{start: end, end: len(a.text), text: " /* not kept */"})
	}
	return strings.ToValidUTF8(applyEdits(a.text, edits), "\uFFFD")
}

// blankSecrets finds passwords: of roles, user mappings, servers and subscriptions.
func (a *analyzer) blankSecrets(n *node) {
	n.walk(func(k *node) bool {
		switch k.tag {
		case "DefElem":
			name := strings.ToLower(k.text("defname"))
			if strings.Contains(name, "password") || strings.Contains(name, "secret") || strings.Contains(name, "token") || strings.Contains(name, "key") {
				a.blankStringAfter(k.loc)
			}
		case "CreateSubscriptionStmt", "AlterSubscriptionStmt":
			a.blankAllStrings(n)
		case "FuncCall":
			if parts, _ := stringsOf(k.list("funcname")); len(parts) > 0 && strings.HasPrefix(parts[len(parts)-1], "dblink") {
				k.walk(func(arg *node) bool { a.blankConstant(arg); return true })
			}
		}
		return true
	})
}

// blankStringAfter blanks the first string at or after a byte, where it comes before the clause ends.
func (a *analyzer) blankStringAfter(at int) {
	for i := a.find(at); i >= 0 && i < len(a.tokens); i++ {
		if a.tokens[i].kind == tokString {
			a.blanks[i] = struct{}{}
			return
		}
		if a.is(i, ",") || a.is(i, ";") || a.is(i, ")") {
			return
		}
	}
}

// blankAllStrings blanks each string of a statement.
func (a *analyzer) blankAllStrings(raw *node) {
	start := int(raw.number("stmt_location"))
	end := start + int(raw.number("stmt_len"))
	for i := a.find(start); i < len(a.tokens) && (end == start || a.tokens[i].start < end); i++ {
		if a.tokens[i].kind == tokString {
			a.blanks[i] = struct{}{}
		}
	}
}

// blankConstant blanks a constant, or notes a parameter.
func (a *analyzer) blankConstant(n *node) {
	switch tagOf(n) {
	case "ParamRef":
		a.params[int(n.number("number"))] = struct{}{}
	case "A_Const":
		i := a.find(n.loc)
		if a.is(i, "-") || a.is(i, "+") {
			i++
		}
		if n.loc >= 0 && i < len(a.tokens) && (a.tokens[i].kind == tokString || a.tokens[i].kind == tokNumber) {
			a.blanks[i] = struct{}{}
		}
	}
}
