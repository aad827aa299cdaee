package postgres_test

import (
	"slices"
	"strings"
	"testing"
)

// exception is where the gateway must not answer as the server does.
type exception struct {
	why string
	of  func(in state, m move) bool
	// instead is the message to which the server answers what the gateway answers to this one, but for codes: pairs of what
	// the server and the gateway say. Without such a message the answer is the server's, as far as it had come, and ends like
	// this: who breaks the protocol or leaves does not get the last of the answers on their way.
	instead encoder
	codes   []string
	ends    string
}

func exceptions() []exception {
	is := func(names ...string) func(state, move) bool {
		return func(_ state, m move) bool { return slices.Contains(names, m.name) }
	}
	return []exception{
		{why: "functions are not called by number", of: is("FunctionCall", "FunctionCall of NULL"), instead: &query{String: "hoop_refused"},
			codes: []string{`E42601[syntax error at or near "hoop_refused"]`, "E42501[Calling functions by number is not served]"}},
		{why: "a cursor of SQL is not what a Bind admitted", of: func(in state, m move) bool {
			return in.name == "with a cursor" && strings.HasPrefix(m.name, `Execute "p"`)
		}, instead: &execute{Portal: "nosuch"}, codes: []string{`portal "nosuch"`, `portal "p"`}},
		{why: "what is not UTF-8 is refused by the gateway, which does not say where", of: is("Query that is not UTF-8"),
			instead: &query{String: "SELECT '\xff'"}, codes: []string{`invalid byte sequence for encoding "UTF8": 0xff`, "the text is not valid UTF-8"}},
		{why: "what does not add up ends the session", of: func(_ state, m move) bool {
			return slices.ContainsFunc(broken(), func(b move) bool { return b.name == m.name })
		}, ends: "E08P01 END"},
		{why: "who leaves takes back what runs", of: is("Terminate"), ends: "END"},
	}
}

// same are words that say the same.
var same = strings.NewReplacer("[hoop: ", "[", ". The transaction in progress is rolled back.]", "]", ".]", "]")

// contest is of the server itself with gateways in front of it.
type contest struct {
	plain *side
	gates map[string]*side
	used  []bool // exceptions
	cells int
}

// compared prepares the table that the messages speak of. At the end, exceptions that nothing needed are reported.
func compared(t *testing.T, policies map[string]string) *contest {
	admin(t, "CREATE TABLE cells(i int); GRANT ALL ON cells TO agent")
	x := &contest{plain: direct(t), gates: map[string]*side{}, used: make([]bool, len(exceptions()))}
	for name, text := range policies {
		x.gates[name] = through(t, listen(t, text))
	}
	t.Cleanup(func() {
		admin(t, "DROP TABLE cells")
		t.Logf("%d cells", x.cells)
	})
	return x
}

// cell runs one on all sides.
func (x *contest) cell(t *testing.T, in state, m move, wait bool) {
	t.Helper()
	x.cells++
	way, want := x.plain.must(t, cell{in: in, say: []encoder{m.say}, wait: wait})
	for name, gate := range x.gates {
		gone, got := gate.must(t, cell{in: in, say: []encoder{m.say}, wait: wait})
		if gone == way && (got == want || cutShort(got, want) || x.excepted(t, in, m, wait, got, want)) {
			continue
		}
		t.Errorf("%s: %s, %s, wait %v:\n got  %s | %s\n want %s | %s", name, in.name, m.name, wait, gone, got, way, want)
	}
}

// cutShort says that a connection ended for the same reason, and that of the answers on the way before that the last ones
// did not come: who breaks the protocol does not get them all.
func cutShort(got, want string) bool {
	const end = "E08P01 END"
	return strings.HasSuffix(want, end) && asFar(got, want, end)
}

// asFar says that one answer is the other as far as that had come, and then an end of its own.
func asFar(got, want, end string) bool {
	before, ended := strings.CutSuffix(got, end)
	before = strings.TrimSpace(before)
	return ended && (before == "" || strings.HasPrefix(want+" ", before+" ") && strings.HasSuffix(want, "END"))
}

// excepted says that the gateway answers what it must where that is not what the server does.
func (x *contest) excepted(t *testing.T, in state, m move, wait bool, got, want string) bool {
	t.Helper()
	for i, e := range exceptions() {
		if !e.of(in, m) {
			continue
		}
		x.used[i] = true
		if e.instead == nil {
			return asFar(got, want, e.ends)
		}
		_, want := x.plain.must(t, cell{in: in, say: []encoder{e.instead}, wait: wait})
		return got == strings.NewReplacer(e.codes...).Replace(want)
	}
	return false
}

func (s *side) must(t *testing.T, c cell) (way, then string) {
	t.Helper()
	way, then, err := s.run(c)
	if err != nil {
		t.Fatalf("%s: %v; so far %s | %s", c.in.name, err, way, then)
	}
	return same.Replace(way), same.Replace(then)
}

// The server itself says what every message means in every state: the same bytes go to it, and to it through the gateway.
func TestEveryMessageInEveryStateIsAnsweredAsByTheServer(t *testing.T) {
	x := compared(t, map[string]string{"plain": allowAll})
	for _, in := range states() {
		for _, m := range moves(in) {
			x.cell(t, in, m, true)
		}
	}
	for i, e := range exceptions() {
		if !x.used[i] {
			t.Errorf("the exception is not needed any more: %s", e.why)
		}
	}
}

// What is sent before the state is reached must not mean anything else: the gateway judges it before it knows of the state.
// Detectors look at the answers meanwhile, and ask the server for the shapes of portals.
func TestMessagesThatDoNotWaitAreAnsweredAsByTheServer(t *testing.T) {
	x := compared(t, map[string]string{"detectors": looking("redact")})
	for i, in := range states() {
		copies := strings.HasPrefix(in.reached, "G") || strings.HasSuffix(in.reached, "G")
		for _, m := range sound() {
			// What was not answered when a client leaves need not be. And what may not be sent during COPY ends the session.
			if m.name != "Terminate" && (!copies || i%2 == 0 || strings.IndexByte("dcfHS", join(m.say)[0]) >= 0) {
				x.cell(t, in, m, false)
			}
		}
	}
}

// Two messages in one write: the second is judged before the first is answered, from nothing and in a transaction. Limits
// make the gateway send some of them in other words, and wait for answers by itself.
func TestPairsOfMessagesAreAnsweredAsByTheServer(t *testing.T) {
	x := compared(t, map[string]string{"plain": allowAll, "limits": limited("{name: many, rows: 1000000}")})
	for _, in := range states()[:2] {
		for _, one := range after() {
			behind := state{name: in.name + ", " + one.name, into: append(in.into[:len(in.into):len(in.into)], one.say)}
			for _, two := range after() {
				x.cell(t, behind, two, false)
			}
		}
	}
}
