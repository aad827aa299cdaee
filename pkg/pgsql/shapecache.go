package pgsql

import "sync"

// maxShaped keeps long texts out of the cache of shapes, and maxVariants bounds how many texts of one shape it knows that
// differ in constants which count.
const (
	maxShaped   = 4 << 10
	maxVariants = 8
)

// shapeKey is all that an analysis of a shape depends on, but for the constants that count.
type shapeKey struct {
	shape string
	circumstances
}

// shaped is what was found out about one text, in a form that holds for every text of its shape and with its constants
// that count.
type shaped struct {
	analysis Analysis       // without its texts
	counts   map[int]string // constants that count, by token
	edits    []tokenEdit
	blanks   map[int]struct{}
}

// tokenEdit is an edit whose ends are ends of tokens: twice a token's number for where it starts, one more for where it ends.
type tokenEdit struct {
	from, to int
	text     string
}

// shapeCache keeps what was found out about shapes. A nil one keeps nothing.
type shapeCache struct {
	mu sync.Mutex
	generations[shapeKey, []*shaped]
}

func newShapeCache(entries int) *shapeCache {
	return &shapeCache{generations: generations[shapeKey, []*shaped]{max: entries}}
}

// get answers the analysis of a text that was never seen before, where one of its shape was.
func (c *shapeCache) get(k shapeKey, s *scanned) (Analysis, bool) {
	if c == nil {
		return Analysis{}, false
	}
	c.mu.Lock()
	known, _ := c.generations.get(k)
	c.mu.Unlock()
	for _, x := range known {
		if x.fits(s) {
			return x.of(s), true
		}
	}
	return Analysis{}, false
}

func (c *shapeCache) put(k shapeKey, x *shaped) {
	if c == nil || x == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.young[k]
	if len(known) < maxVariants {
		c.generations.put(k, append(known[:len(known):len(known)], x)) // who reads the old list reads on
	}
}

// fits says whether the constants that count are the same.
func (x *shaped) fits(s *scanned) bool {
	for i, text := range x.counts {
		if s.word(i) != text {
			return false
		}
	}
	return true
}

// of is the analysis of another text.
func (x *shaped) of(s *scanned) Analysis {
	a := x.analysis
	a.Text, a.Normal, a.Recorded, a.Rewritten = s.text, s.normal(), s.text, s.text
	if len(x.blanks) > 0 {
		a.Recorded = applyEdits(s.text, s.blanked(x.blanks))
	}
	if len(x.edits) > 0 {
		edits := make([]edit, 0, len(x.edits))
		for _, e := range x.edits {
			edits = append(edits, edit{start: s.place(e.from), end: s.place(e.to), text: e.text})
		}
		a.Rewritten = applyEdits(s.text, edits)
	}
	return a
}

// place is the byte that a tokenEdit's end stands for.
func (s *scanned) place(end int) int {
	if end%2 == 0 {
		return s.tokens[end/2].start
	}
	return s.tokens[end/2].end
}

// byTokens is an edit by tokens. ok is false where it begins or ends within one, or between two.
func (s *scanned) byTokens(e edit) (out tokenEdit, ok bool) {
	out = tokenEdit{from: -1, to: -1, text: e.text}
	i, k := s.find(e.start), s.find(e.end)
	switch {
	case i < len(s.tokens) && s.tokens[i].start == e.start:
		out.from = 2 * i
	case i > 0 && s.tokens[i-1].end == e.start:
		out.from = 2*i - 1
	}
	switch {
	case e.start == e.end:
		out.to = out.from
	case k > 0 && s.tokens[k-1].end == e.end:
		out.to = 2*k - 1
	}
	return out, out.from >= 0 && out.to >= 0
}

// shaped is what is known of this text in the form that holds for its shape, nil where it holds for this text alone: for
// other statements the grammar looks at more than the classes of constants.
func (a *analyzer) shaped() *shaped {
	if a.out.Problem != nil || a.personal || a.modern || len(a.quotes) > 0 || len(a.stmts) != 1 || len(a.text) > maxShaped {
		return nil
	}
	stmt, st := a.stmts[0].child("stmt"), a.out.Statements[0]
	switch tagOf(stmt) {
	case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt":
	default:
		return nil
	}
	if !st.Reviewed || st.Filter == filterConstant {
		return nil
	}
	x := &shaped{analysis: *a.out, counts: map[int]string{}, blanks: a.blanks}
	x.analysis.Text, x.analysis.Normal, x.analysis.Recorded, x.analysis.Rewritten = "", "", "", ""
	for i := range a.tokens {
		if a.is(i, "tablesample") {
			return nil // it is moved as it was written, spaces and all
		}
	}
	for _, e := range a.edits {
		by, ok := a.byTokens(e)
		if !ok {
			return nil
		}
		x.edits = append(x.edits, by)
	}
	free := a.freeConstants(stmt)
	for i := range a.tokens {
		if _, isFree := free[i]; !isFree && a.literalOf(i) != notLiteral {
			x.counts[i] = a.word(i)
		}
	}
	return x
}
