package postgres_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// fewChanges lets three rows be changed at once, and asks somebody where they are deleted.
const fewChanges = `
version: 1
reach: [{name: all, who: {groups: [developers]}, ttl: 30m}]
rules:
  - {name: rest, who: {groups: [developers]}, effects: [read, session, schema, execute], verdict: allow}
  - {name: change, who: {groups: [developers]}, effects: [write], verdict: allow, max_rows_affected: 3}
  - {name: remove, who: {groups: [developers]}, effects: [delete], verdict: approve, max_rows_affected: 3, approval: {by: {groups: [dba]}}}
`

func TestAChangeOfMoreRowsThanItsRuleAllowsIsUndone(t *testing.T) {
	one := func(text string) []encoder { return append(extended("", text), &syncing{}) }
	const few, many = "UPDATE affected SET i = -i WHERE i <= 3", "UPDATE affected SET i = -i"
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
		changed  string // rows, at the target
	}{
		"few, simple":           {[]encoder{&query{String: few}}, 1, "C ZI", "3"},
		"few, extended":         {one(few), 1, "1 2 n C ZI", "3"},
		"many, simple":          {[]encoder{&query{String: many}, &query{String: "SELECT 1"}}, 2, "E53400 ZI T D C ZI", "0"},
		"many, extended":        {append(one(many), &query{String: "SELECT 1"}), 2, "1 2 n E53400 ZI T D C ZI", "0"},
		"many, with an answer":  {[]encoder{&query{String: "DELETE FROM affected WHERE i < 5 RETURNING i"}}, 1, "T D D D D E53400 ZI", "0"},
		"many inserted":         {[]encoder{&query{String: "INSERT INTO affected SELECT -g FROM generate_series(1, 4) g"}}, 1, "E53400 ZI", "0"},
		"few inserted":          {[]encoder{&query{String: "INSERT INTO affected SELECT -g FROM generate_series(1, 2) g"}}, 1, "C ZI", "2"},
		"many merged":           {[]encoder{&query{String: "MERGE INTO affected a USING generate_series(1, 4) g ON a.i = g WHEN MATCHED THEN UPDATE SET i = -g"}}, 1, "E53400 ZI", "0"},
		"many removed":          {[]encoder{&query{String: "DELETE FROM affected"}}, 1, "E53400 ZI", "0"},
		"many, by a COMMIT":     {[]encoder{&query{String: "BEGIN"}, &query{String: few}, &query{String: many}, &query{String: "COMMIT"}}, 4, "C ZT C ZT E53400 ZE C ZI", "0"},
		"many, to a savepoint":  {[]encoder{&query{String: "BEGIN"}, &query{String: few}, &query{String: "SAVEPOINT s"}, &query{String: many}, &query{String: "ROLLBACK TO s"}, &query{String: "COMMIT"}}, 6, "C ZT C ZT C ZT E53400 ZE C ZT C ZI", "3"},
		"a batch":               {append(append(extended("", few), extended("", many)...), &syncing{}), 1, "1 2 n C 1 2 n E53400 ZI", "0"},
		"a batch of few":        {append(append(extended("", few), extended("", "SELECT 1")...), &syncing{}), 1, "1 2 n C 1 2 T D C ZI", "3"},
		"many, within WITH":     {[]encoder{&query{String: "WITH x AS (UPDATE affected SET i = -i RETURNING i) SELECT 1"}}, 1, "E42501 ZI", "0"},
		"many beside few":       {[]encoder{&query{String: "WITH x AS (UPDATE affected SET i = -i WHERE i > 2) UPDATE affected SET i = -i WHERE i = 1"}}, 1, "E42501 ZI", "0"},
		"several texts":         {[]encoder{&query{String: few + "; " + few}}, 1, "E42501 ZI", "0"},
		"TRUNCATE":              {[]encoder{&query{String: "TRUNCATE affected"}}, 1, "E42501 ZI", "0"},
		"COPY":                  {[]encoder{&query{String: "COPY affected FROM STDIN"}, &query{String: "SELECT 1"}}, 2, "E42501 ZI T D C ZI", "0"},
		"EXPLAIN ANALYZE":       {[]encoder{&query{String: "EXPLAIN ANALYZE " + many}}, 1, "E42501 ZI", "0"},
		"EXECUTE":               {[]encoder{&parse{Name: "p", Query: many}, &syncing{}, &query{String: "EXECUTE p"}}, 2, "1 ZI E42501 ZI", "0"},
		"prepared":              {[]encoder{&parse{Name: "p", Query: many}, &syncing{}, &bind{PreparedStatement: "p"}, &execute{}, &syncing{}}, 2, "1 ZI 2 E53400 ZI", "0"},
		"a portal in pieces":    {[]encoder{&parse{Query: many + " RETURNING i"}, &bind{}, &execute{MaxRows: 1}, &syncing{}}, 1, "1 2 D E53400 ZI", "0"},
		"locks change nothing":  {[]encoder{&query{String: "SELECT i FROM affected ORDER BY i LIMIT 4 FOR UPDATE"}}, 1, "T D D D D C ZI", "0"},
		"an error of its own":   {[]encoder{&query{String: "UPDATE affected SET i = 1/0"}, &query{String: few}}, 2, "E22012 ZI C ZI", "3"},
		"the unnamed statement": {[]encoder{&parse{Query: "SELECT 1"}, &syncing{}, &query{String: few}, &bind{}, &execute{}, &syncing{}}, 3, "1 ZI C ZI E26000 ZI", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			scratch(t, "affected")
			s := listen(t, fewChanges)
			s.approve = func(api.Approval) string { return api.ApprovalApproved }
			if got := say(t, s.raw(t), c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := count(t, "SELECT abs(10 - count(*) FILTER (WHERE i > 0)) + greatest(count(*) - 10, 0) FROM affected"); got != c.changed {
				t.Errorf("%s rows are changed at the target, want %s", got, c.changed)
			}
		})
	}
}

func TestTheRecordingSaysThatAChangeWasUndone(t *testing.T) {
	scratch(t, "affected")
	s := listen(t, fewChanges)
	c := s.client(t)
	e := refusalOf(t, c, "UPDATE affected SET i = 0")
	if !strings.Contains(e.Message, "changed 10 rows") || !strings.Contains(e.Detail, `"rule":"change"`) || e.Hint == "" {
		t.Errorf("%+v", e)
	}
	got := s.recording(t, c)
	for _, want := range []string{`"tag":"UPDATE 10"`, `"undone":true`, `"code":"limit_reached"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}
