package postgres

import (
	"context"
	"reflect"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// What was sent can't be taken back, and the target understands it only when it comes to it: behind other statements of its text, batch or
// pipeline, or behind somebody's lock, that may be long after it was judged. So each session looks now and then whether something is
// under way that was judged by definitions which somebody has changed meanwhile. It is judged anew then, and where it would be judged
// otherwise the session ends.

const (
	// soonAnswered is how long what is under way may be so after a change was noticed: fast pipelines are answered within it.
	soonAnswered = time.Second
	// judgeWithin bounds how long it may take to judge anew all that is under way in a session.
	judgeWithin = 2 * time.Second
)

// codeOutdated is the code with which a session ends whose commands waited while definitions changed.
const codeOutdated = "definitions_changed"

// noticed is a change of definitions that a session's clock has noticed while something was under way.
type noticed struct {
	by    uint64 // what was judged by an older generation of definitions had better be answered soon
	since time.Time
}

// basis is what a text that is sent to the target was judged in.
type basis struct {
	in   *surroundings
	text *pgsql.Analysis
	uses []nameUse
	by   uint64 // the latest generation of definitions by which it is known to be judged so
}

// judgedIn is what a statement was judged in just now. It is nil where definitions don't matter: it names nothing, or may do everything.
func (s *session) judgedIn(st *statement) *basis {
	in := s.around
	if in.Unrestricted || ofTransaction(st.analysis) {
		return nil
	}
	if b := st.basis; b == nil || b.in != in || b.text != st.analysis {
		st.basis = &basis{in, st.analysis, st.uses, in.beside.generation}
	}
	return st.basis
}

// outdated answers why the session must end, if it must: something is under way that would be judged otherwise by now, or can't be. The
// clock's mu is held.
func (s *session) outdated(ctx context.Context, now time.Time, unrestricted bool) (why string) {
	was := &s.clock.noticed
	s.mu.Lock()
	oldest, behind := s.queue.oldest()
	s.mu.Unlock()
	if oldest == 0 || unrestricted {
		*was = noticed{}
		return ""
	}
	current, err := s.catalog.seen()
	switch {
	case err != nil && behind:
		return "The target's definitions could not be read for too long while commands were waiting, so what their names mean is not known any more."
	case err != nil:
		return ""
	case oldest >= current.generation:
		*was = noticed{}
		return ""
	case oldest >= was.by:
		*was = noticed{current.generation, now}
		return ""
	case now.Sub(was.since) < soonAnswered, s.stillMeant(ctx, current), ctx.Err() != nil:
		return ""
	}
	return "Definitions changed while commands were waiting, so what their names mean is not known any more."
}

// endOutdated ends the session, since nothing else keeps the target from what it was sent. The clock's mu is held.
func (s *session) endOutdated(why string) {
	s.gate.Note("40001", why)
	s.clock.end(&api.Error{Code: codeOutdated, Message: why, Hint: "Connect again, look what has run, and send the rest anew.", Retryable: true})
}

// stillMeant says whether all that is under way would be judged now as it was, and notes of what waits that it would. What the target has
// begun has the locks of all that it names, and minds no change, unless it waits for one of them.
func (s *session) stillMeant(ctx context.Context, now seen) bool {
	within, cancel := context.WithTimeout(ctx, judgeWithin)
	defer cancel()
	s.mu.Lock()
	texts, waits := s.queue.judgedBefore(now.generation)
	s.mu.Unlock()
	anew, held := map[*surroundings]*surroundings{}, map[*basis]*basis{}
	for _, b := range texts {
		in, known := anew[b.in]
		if !known {
			in = b.in.since(now)
			anew[b.in] = in
		}
		if in != nil && s.means(within, b, in) {
			held[b] = &basis{b.in, b.text, b.uses, now.generation}
		} else if waits[b] || s.catalog.blocked(ctx, s.target.process) {
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.queue.items {
		if b := held[x.judged]; b != nil {
			x.judged = b
		}
	}
	return true
}

// since are the same surroundings with what everybody sees now; nil where that can't be told.
func (x *surroundings) since(now seen) *surroundings {
	catalog := now.catalog
	if x.Catalog != x.beside.catalog {
		if x.beside.catalog == nil {
			return nil
		}
		var ok bool
		if catalog, ok = x.Catalog.Since(x.beside.catalog, now.catalog); !ok {
			return nil
		}
	}
	var anew *surroundings
	return anew.look(catalog, now, x.standing, x.SearchPath)
}

// means says whether a text means in other surroundings what it did in its own. So must what it goes on with under a name; a cursor goes
// on as it was understood when it was opened.
func (s *session) means(ctx context.Context, b *basis, in *surroundings) bool {
	meant := map[nameKey][]pgsql.Access{}
	for _, u := range b.uses {
		if u.meant == nil {
			continue
		}
		s.mu.Lock()
		inner := &basis{in: b.in, text: u.meant.analysis, uses: u.meant.uses}
		s.mu.Unlock()
		if u.kind == statementName && !s.means(ctx, inner, in) {
			return false
		}
		for _, st := range inner.text.Statements {
			meant[u.nameKey] = append(meant[u.nameKey], st.Accesses...)
		}
	}
	known := func(kind nameKind) func(string) ([]pgsql.Access, bool) {
		return func(name string) ([]pgsql.Access, bool) {
			list, ok := meant[nameKey{kind, name}]
			return list, ok
		}
	}
	env := in.Env
	env.Prepared, env.Cursor = known(statementName), known(portalName)
	now := pgsql.Analyze(ctx, s.grammar, b.text.Text, env)
	return now.Problem == nil && now.Rewritten == b.text.Rewritten && sameMeaning(now, b.text.Statements)
}

// sameMeaning says whether a text's statements are these, or what it gave a name to is.
func sameMeaning(a pgsql.Analysis, statements []pgsql.Statement) bool {
	if n := len(a.Statements); n > 0 && a.Statements[n-1].Inner != nil && reflect.DeepEqual(continuation(&a, a.Statements[n-1]).Statements, statements) {
		return true
	}
	return reflect.DeepEqual(a.Statements, statements)
}

// oldest is the oldest generation of definitions that something was judged by which is under way, 0 where nothing is; and whether
// anything waits behind others.
func (q *queue) oldest() (oldest uint64, behind bool) {
	q.underWay(func(b *basis, waits bool) {
		if behind = behind || waits; oldest == 0 || b.by < oldest {
			oldest = b.by
		}
	})
	return oldest, behind
}

// judgedBefore are the texts that are under way and were judged by an older generation, in order, and which of them wait.
func (q *queue) judgedBefore(generation uint64) (texts []*basis, waits map[*basis]bool) {
	waits = map[*basis]bool{}
	q.underWay(func(b *basis, behind bool) {
		if b.by >= generation {
			return
		}
		if _, seen := waits[b]; !seen {
			texts = append(texts, b)
		}
		waits[b] = waits[b] || behind
	})
	return texts, waits
}

// underWay visits what definitions matter to, and says of each whether it waits: that does all but what the target runs first. Of a batch
// the target keeps its answers until they are many, so that the first text there may run long before it is known to be parsed; and of a
// text of several, which one runs is not known.
func (q *queue) underWay(visit func(b *basis, waits bool)) {
	var running *pgsql.Analysis // the first text, of which several messages may stand at the head
	first := true
	for _, x := range q.items {
		if b := x.judged; b != nil {
			if running == nil {
				running = b.text
			}
			first = first && b.text == running
			visit(b, !first || x.kind == 'Q' && len(b.text.Statements)-x.ended > 1)
		}
		first = first && x.kind != 'E' && x.kind != 'Q' && x.kind != 'S'
	}
}
