package postgres_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// asksForUpdates lets everything pass that the states need, asks somebody for what updates, and denies what defines.
const asksForUpdates = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, write, delete, session], verdict: allow}
  - {name: updates, sql: {commands: [update]}, verdict: approve, approval: {by: {groups: [dba]}, quorum: 1, hold: 20s, ttl: 10m}}
`

const (
	denied = "DROP TABLE cell_that_is_refused"
	held   = "UPDATE cells SET i = 6 WHERE 'cell_that_is_held' <> ''"
)

// refusal is a row of messages that is refused, and those to which the server answers the same. Which of them it is depends
// on what of the batch was sent before.
type refusalCell struct {
	name    string
	say     []encoder
	instead [][]encoder
}

func refusals() []refusalCell {
	text, named := &query{String: "hoop_refused"}, &execute{Portal: "hoop_refused"}
	run := func(name, text string) []encoder {
		return []encoder{&parse{Name: name, Query: text}, &bind{PreparedStatement: name}, &execute{}}
	}
	return []refusalCell{
		{"Query", []encoder{&query{String: denied}}, [][]encoder{{text}}},
		{"Query of two", []encoder{&query{String: inserts + "; " + denied}}, [][]encoder{{text}}},
		{"Parse", run("", denied), [][]encoder{run("", "hoop_refused")}},
		{"Parse of a name", run("s", denied), [][]encoder{run("s", "hoop_refused")}},
		{"Query that waits in vain", []encoder{&query{String: held}}, [][]encoder{{text}}},
		{"Bind", run("", held), [][]encoder{run("", "hoop_refused"), {&parse{Query: held}, named, &execute{}}}},
	}
}

// after are messages behind a refused one.
func after() []move {
	var moves []move
	for _, m := range sound() {
		switch m.name {
		case "Sync", "Flush", "CopyData", "CopyDone", "CopyFail", "Query SELECT 1 AS one", "Query " + inserts, "Query COMMIT", "Query ROLLBACK", "Query " + takesCopy,
			`Parse "" ` + inserts, `Parse "s" ` + inserts, `Bind "" to ""`, `Bind "" to "s"`, `Execute "" 0`, `Execute "p" 1`, `Describe S "s"`, `Close S "s"`:
			moves = append(moves, m)
		}
	}
	return moves
}

// refusedWords are a refusal of the gateway, and the errors of the server that stand for it.
var refusedWords = regexp.MustCompile(`E42501\[[^\]]*\]|E42601\[syntax error at or near "hoop_refused"\]|E34000\[portal "hoop_refused" does not exist\]|E42601\[syntax error at or near "DROP"\]`)

func refusedAlike(way, then string) string {
	return way + "|" + refusedWords.ReplaceAllString(then, "REFUSED")
}

// In every state a refused message is answered as the server answers one that it rejects itself, and so is what follows. Of
// what was refused nothing reaches the server.
func TestARefusalInEveryStateIsAnErrorLikeAnyOther(t *testing.T) {
	from := len(server.Log())
	s := listen(t, asksForUpdates)
	s.approve = func(api.Approval) string { return api.ApprovalRejected }
	x := compared(t, nil)
	gate := through(t, s)
	for i, in := range states() {
		for _, r := range refusals() {
			for j, m := range append(after(), move{"the same again", &query{String: denied}}) {
				if in.name == "with a cursor" && strings.HasPrefix(m.name, "Execute") {
					continue // see exceptions
				}
				wait := (i+j)%2 == 0
				x.cells++
				got := refusedAlike(gate.must(t, cell{in: in, say: append(r.say[:len(r.say):len(r.say)], m.say), wait: wait}))
				var wants []string
				for _, instead := range r.instead {
					behind := m.say
					if m.name == "the same again" {
						behind = &query{String: "hoop_refused"}
					}
					want := refusedAlike(x.plain.must(t, cell{in: in, say: append(instead[:len(instead):len(instead)], behind), wait: wait}))
					if wants = append(wants, want); got == want || cutShort(got, want) {
						wants = nil
						break
					}
				}
				if wants != nil {
					t.Errorf("%s, %s, %s, wait %v:\n got  %s\n want %s", in.name, r.name, m.name, wait, got, strings.Join(wants, "\n or   "))
				}
			}
		}
	}
	for line := range strings.SplitSeq(server.Log()[from:], "\n") {
		if strings.Contains(line, "cell_that_is_refused") || strings.Contains(line, "cell_that_is_held") && !strings.Contains(line, "parse <unnamed>") {
			t.Errorf("it reached the server: %s", line)
		}
	}
}

// refusedToo says that a message is refused by itself, or asks for a name of SQL that means nothing: that error of the
// gateway's own is first where a transaction has failed.
func refusedToo(m move) bool {
	return strings.HasPrefix(m.name, "FunctionCall") || m.name == "Query that is not UTF-8" || strings.Contains(m.name, "DROP TABLE") ||
		strings.HasPrefix(m.name, "Query EXECUTE") || strings.HasPrefix(m.name, "Query FETCH")
}

// waitingNotice is what a client is told while its command waits.
var waitingNotice = regexp.MustCompile(`N00000\[(hoop: )?waiting[^\]]*\] ?`)

// What comes while a command waits is handled behind it, whatever becomes of it.
func TestMessagesBehindACommandThatWaitsAreAnsweredAsByTheServer(t *testing.T) {
	outcome := make(chan string, 1)
	s := listen(t, asksForUpdates)
	s.decide = func(ctx context.Context) string {
		select {
		case state := <-outcome:
			return state
		case <-ctx.Done():
			return api.ApprovalPending
		}
	}
	x := compared(t, nil)
	gate := through(t, s)
	forms := map[string][2][]encoder{
		"Query": {{&query{String: held}}, {&query{String: "hoop_refused"}}},
		"batch": {{&parse{Query: held}, &bind{}, &execute{}}, {&parse{Query: "hoop_refused"}, &bind{}, &execute{}}},
	}
	for _, in := range states()[:2] {
		for form, messages := range forms {
			for _, m := range sound() {
				if m.name == "Terminate" || refusedToo(m) || form == "batch" && strings.Contains(m.name, `to ""`) || m.name == "Bind with values unasked" {
					continue // what was approved may run once, and not be bound again
				}
				for i, state := range []string{api.ApprovalApproved, api.ApprovalRejected} {
					x.cells++
					waits := in
					waits.into, waits.reached = append(in.into[:len(in.into):len(in.into)], messages[0]...), in.reached+"N"
					way, then := gate.must(t, cell{in: waits, say: []encoder{m.say}, wait: true, sent: func() { outcome <- state }})
					got := strings.TrimSpace(waitingNotice.ReplaceAllString(way, ""))
					got = refusedAlike(got, then)
					want := refusedAlike(x.plain.must(t, cell{in: in, say: append(messages[i][:len(messages[i]):len(messages[i])], m.say), wait: true}))
					if got != want {
						t.Errorf("%s, %s %s, %s, wait true:\n got  %s\n want %s", in.name, form, state, m.name, got, want)
					}
				}
			}
		}
	}
}
