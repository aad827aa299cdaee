package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgproto3/v2"
)

type (
	query    = pgproto3.Query
	parse    = pgproto3.Parse
	bind     = pgproto3.Bind
	describe = pgproto3.Describe
	execute  = pgproto3.Execute
	closing  = pgproto3.Close
	syncing  = pgproto3.Sync
	flush    = pgproto3.Flush
)

// deletesNeedAnApproval lets everything pass but what deletes.
const deletesNeedAnApproval = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, write, schema, session, execute], verdict: allow}
`

func TestANameMeansWhatTheServerSaysItMeans(t *testing.T) {
	if err := server.Exec("DROP TABLE IF EXISTS names; CREATE TABLE names AS SELECT 1 AS id; GRANT ALL ON names TO agent"); err != nil {
		t.Fatal(err)
	}
	remove := func(mark string) string { return fmt.Sprintf("DELETE FROM names WHERE '%s' <> ''", mark) }
	for name, attack := range map[string]func(mark string) ([]encoder, int){
		"parse fails silently behind a failing bind": func(mark string) ([]encoder, int) {
			return []encoder{
				&parse{Name: "s", Query: remove(mark)}, &syncing{},
				&bind{PreparedStatement: "nosuch"}, &closing{ObjectType: 'S', Name: "s"}, &parse{Name: "s", Query: "SELECT 1"}, &syncing{},
				&bind{PreparedStatement: "s"}, &execute{}, &syncing{},
			}, 3
		},
		"the unnamed statement is replaced by one that fails": func(mark string) ([]encoder, int) {
			return []encoder{
				&parse{Query: remove(mark)}, &syncing{}, &parse{Query: "SELECT 1"}, &parse{Query: "SELECT syntax error"}, &syncing{},
				&bind{}, &execute{}, &syncing{},
			}, 3
		},
		"PREPARE in SQL takes the name of a statement": func(mark string) ([]encoder, int) {
			return []encoder{
				&parse{Name: "p", Query: "SELECT 1"}, &syncing{}, &closing{ObjectType: 'S', Name: "p"}, &syncing{},
				&query{String: "PREPARE p AS " + remove(mark)}, &bind{PreparedStatement: "p"}, &execute{}, &syncing{},
			}, 4
		},
		"EXECUTE runs a statement of the protocol": func(mark string) ([]encoder, int) {
			return []encoder{&parse{Name: "e", Query: remove(mark)}, &syncing{}, &query{String: "EXECUTE e"}}, 2
		},
		"a text hides it behind others": func(mark string) ([]encoder, int) {
			return []encoder{&query{String: "SELECT 1; " + remove(mark)}}, 1
		},
		"a portal is executed again after its statement was replaced": func(mark string) ([]encoder, int) {
			return []encoder{
				&parse{Name: "q", Query: "SELECT 1"}, &bind{DestinationPortal: "d", PreparedStatement: "q"}, &closing{ObjectType: 'S', Name: "q"},
				&parse{Name: "q", Query: remove(mark)}, &bind{DestinationPortal: "d", PreparedStatement: "q"}, &execute{Portal: "d"}, &syncing{},
			}, 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := listen(t, deletesNeedAnApproval).raw(t)
			mark := "names" + strings.ReplaceAll(name, " ", "")
			messages, ready := attack(mark)
			say(t, c, ready, messages...)
			if strings.Contains(server.Log(), mark) {
				t.Error("the server's log has the refused statement")
			}
			if got := say(t, c, 1, &query{String: "SELECT 1"}); got != "T D C ZI" {
				t.Errorf("the session does not go on: %s", got)
			}
		})
	}
	if got := count(t, "SELECT count(*) FROM names"); got != "1" {
		t.Errorf("%s rows are left of 1", got)
	}
}

func TestHonestUsesOfNamesRun(t *testing.T) {
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
	}{
		"prepare once, run often": {[]encoder{
			&parse{Name: "s", Query: "SELECT 1"}, &syncing{}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{},
		}, 3, "1 ZI 2 D C ZI 2 D C ZI"},
		"reuse the unnamed statement": {[]encoder{
			&parse{Query: "SELECT 1"}, &bind{}, &execute{}, &parse{Query: "SELECT 2"}, &bind{}, &execute{}, &syncing{},
		}, 1, "1 2 D C 1 2 D C ZI"},
		"close and take the name again": {[]encoder{
			&parse{Name: "s", Query: "SELECT 1"}, &syncing{}, &closing{ObjectType: 'S', Name: "s"}, &parse{Name: "s", Query: "SELECT 2"}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{},
		}, 2, "1 ZI 3 1 2 D C ZI"},
		"a name that means nothing":   {[]encoder{&bind{PreparedStatement: "nosuch"}, &execute{}, &syncing{}}, 1, "E26000 ZI"},
		"a portal that means nothing": {[]encoder{&execute{Portal: "nosuch"}, &syncing{}}, 1, "E34000 ZI"},
		"describe what means nothing": {[]encoder{&describe{ObjectType: 'S', Name: "nosuch"}, &syncing{}}, 1, "E26000 ZI"},
		"a name that is taken":        {[]encoder{&parse{Name: "s", Query: "SELECT 1"}, &parse{Name: "s", Query: "SELECT 2"}, &syncing{}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{}}, 2, "1 E42P05 ZI 2 D C ZI"},
		"rows in pieces": {[]encoder{
			&parse{Query: "SELECT generate_series(1,3)"}, &bind{}, &execute{MaxRows: 2}, &execute{MaxRows: 2}, &syncing{},
		}, 1, "1 2 D D s D C ZI"},
		"PREPARE and EXECUTE in SQL": {[]encoder{
			&query{String: "PREPARE p AS SELECT 1"}, &query{String: "EXECUTE p"}, &query{String: "DEALLOCATE p"}, &query{String: "EXECUTE p"},
		}, 4, "C ZI T D C ZI C ZI E26000 ZI"},
		"PREPARE in SQL, Bind in the protocol": {[]encoder{
			&query{String: "PREPARE p AS SELECT 1"}, &bind{PreparedStatement: "p"}, &describe{ObjectType: 'P'}, &execute{}, &syncing{},
		}, 2, "C ZI 2 T D C ZI"},
		"a cursor": {[]encoder{
			&query{String: "BEGIN"}, &query{String: "DECLARE c CURSOR FOR SELECT generate_series(1,3)"}, &query{String: "FETCH 2 FROM c"}, &query{String: "CLOSE c"}, &query{String: "COMMIT"},
		}, 5, "C ZT C ZT T D D C ZT C ZT C ZI"},
		"an empty text":    {[]encoder{&query{String: ""}, &query{String: " -- nothing"}, &query{String: ";"}}, 3, "I ZI I ZI I ZI"},
		"several in one":   {[]encoder{&query{String: "SELECT 1; SELECT 2"}}, 1, "T D C T D C ZI"},
		"an error midway":  {[]encoder{&query{String: "SELECT 1; SELECT 1/0; SELECT 2"}}, 1, "T D C E22012 ZI"},
		"close of nothing": {[]encoder{&closing{ObjectType: 'P', Name: "nosuch"}, &syncing{}}, 1, "3 ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, allowAll).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWhatFollowsAnErrorIsSkippedUpToSync(t *testing.T) {
	s := listen(t, allowAll)
	c := s.raw(t)
	if _, err := c.Write(join(&parse{Query: "SELECT 1/0"}, &bind{}, &execute{}, &flush{})); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for !strings.Contains(summary(got), "E22012") {
		more := make([]byte, 4096)
		n, err := c.Read(more)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, more[:n]...)
	}
	// The error is known by now, so all of this is skipped before it is sent.
	const mark = "whatisskippeddoesnotrun"
	answer := say(t, c, 1, &parse{Query: "SELECT '" + mark + "'"}, &bind{}, &describe{ObjectType: 'P'}, &execute{}, &flush{},
		&query{String: "SELECT '" + mark + "'"}, &parse{Name: "s", Query: "SELECT 2"}, &syncing{})
	if answer != "ZI" {
		t.Errorf("answered %s", answer)
	}
	if answer := say(t, c, 1, &bind{PreparedStatement: "s"}, &execute{}, &syncing{}); answer != "E26000 ZI" {
		t.Errorf("what was not prepared: %s", answer)
	}
	if answer := say(t, c, 1, &query{String: "SELECT 1"}); answer != "T D C ZI" {
		t.Errorf("the session does not go on: %s", answer)
	}
	if strings.Contains(server.Log(), mark) {
		t.Error("the server's log has what was skipped")
	}
}

func TestATextBehindAnErrorDoesNotWaitForWhatIsSkipped(t *testing.T) {
	s := listen(t, allowAll)
	c := s.raw(t)
	// The second text uses names that the first may change, and the target never answers the first.
	answer := say(t, c, 1, &parse{Query: "SELECT 1/0"}, &bind{}, &execute{},
		&query{String: "DEALLOCATE ALL"}, &query{String: "SELECT 'behindtheerror'"}, &bind{PreparedStatement: "s"}, &syncing{})
	if answer != "1 E22012 ZI" { // planning at Bind divides already
		t.Errorf("answered %s", answer)
	}
	for name, m := range map[string]encoder{
		"describe": &describe{ObjectType: 'S', Name: "s"}, "portal": &describe{ObjectType: 'P', Name: "p"},
		"execute": &execute{Portal: "p"}, "bind": &bind{PreparedStatement: "s"}, "parse": &parse{Name: "s", Query: "SELECT 1"},
	} {
		answer := say(t, c, 1, &parse{Query: "SELECT 1/0"}, &bind{}, &execute{}, &query{String: "DEALLOCATE ALL"}, m, &syncing{})
		if answer != "1 E22012 ZI" {
			t.Errorf("%s: answered %s", name, answer)
		}
	}
	if answer := say(t, c, 1, &query{String: "SELECT 1"}); answer != "T D C ZI" {
		t.Errorf("the session does not go on: %s", answer)
	}
}

func TestASuspendedPortalMayHaveChangedWhatNamesMean(t *testing.T) {
	conn := listen(t, testPolicy).raw(t)
	got := say(t, conn, 1, &parse{Query: "SELECT set_config('search_path', '', false)"}, &bind{}, &execute{MaxRows: 1}, &syncing{})
	if got != "1 2 D s ZI" && got != "1 2 D s S ZI" { // from version 18 on the server reports a new search path
		t.Fatal(got)
	}
	if got := say(t, conn, 1, &query{String: "SELECT ssn FROM users"}); got != "E42P01 ZI" {
		t.Errorf("a name is looked up where the session no longer looks: %s", got)
	}
	if got := say(t, conn, 1, &query{String: "SELECT ssn FROM public.users WHERE id = 1"}); got != "T D C ZI" {
		t.Error(got)
	}
}
