package postgres_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/jackc/pgx/v5/pgconn"
)

// askBriefly lets everything pass but what deletes, which waits for a moment only.
const askBriefly = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, session], verdict: allow}
  - {name: deletes, who: {groups: [developers]}, effects: [delete], verdict: approve, approval: {by: {groups: [dba]}, quorum: 1, hold: 1s, ttl: 10m}}
`

func victims(t *testing.T) *stand {
	t.Helper()
	admin(t, "DROP TABLE IF EXISTS victim; CREATE TABLE victim AS SELECT generate_series(1,5) AS g; GRANT ALL ON victim TO agent")
	s := listen(t, askBriefly)
	s.approve = func(api.Approval) string { return api.ApprovalRejected }
	return s
}

func TestNothingIsDeletedThatNobodyApproved(t *testing.T) {
	long := strings.Repeat("a", 63)
	const remove = "DELETE FROM victim"
	for name, attack := range map[string]struct {
		messages []encoder
		ready    int
	}{
		"EXPLAIN ANALYZE EXECUTE of a name that meant something else": {[]encoder{
			&query{String: "PREPARE p AS SELECT 1"}, &query{String: "EXPLAIN ANALYZE EXECUTE p"}, &query{String: "DEALLOCATE p"},
			&parse{Name: "p", Query: remove}, &syncing{}, &query{String: "EXPLAIN ANALYZE EXECUTE p"},
		}, 5},
		"EXECUTE prepared before its name was": {[]encoder{
			&parse{Name: "p", Query: "SELECT 1"}, &parse{Name: "s", Query: "EXECUTE p"}, &syncing{}, &query{String: "DEALLOCATE p"},
			&parse{Name: "p", Query: remove}, &syncing{}, &bind{PreparedStatement: "s"}, &execute{}, &syncing{},
		}, 4},
		"EXECUTE bound before its name was": {[]encoder{
			&query{String: "BEGIN"}, &parse{Name: "p", Query: "SELECT 1"}, &parse{Name: "s", Query: "EXECUTE p"}, &bind{DestinationPortal: "c", PreparedStatement: "s"}, &syncing{},
			&query{String: "DEALLOCATE p"}, &parse{Name: "p", Query: remove}, &syncing{}, &execute{Portal: "c"}, &syncing{}, &query{String: "COMMIT"},
		}, 6},
		"names that the target cuts": {[]encoder{
			&parse{Name: long + "1", Query: "SELECT 1"}, &syncing{}, &closing{ObjectType: 'S', Name: long + "2"}, &syncing{},
			&parse{Name: long + "2", Query: remove}, &syncing{}, &bind{PreparedStatement: long + "1"}, &execute{}, &syncing{},
		}, 4},
		"a text that fails behind its DEALLOCATE": {[]encoder{
			&query{String: "PREPARE p AS SELECT 1"}, &query{String: "DEALLOCATE p; ROLLBACK TO nosuch"}, &parse{Name: "p", Query: remove}, &syncing{}, &query{String: "EXECUTE p"},
		}, 4},
		"a text that fails behind its PREPARE": {[]encoder{
			&query{String: "PREPARE p AS DELETE FROM victim; ROLLBACK TO nosuch"}, &query{String: "EXECUTE p"}, &bind{PreparedStatement: "p"}, &execute{}, &syncing{},
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			conn := victims(t).raw(t)
			say(t, conn, attack.ready, attack.messages...)
			if got := count(t, "SELECT count(*) FROM victim"); got != "5" {
				t.Errorf("%s rows are left of 5", got)
			}
		})
	}
}

func TestAReviewerSeesWhatExecuteRuns(t *testing.T) {
	s := victims(t)
	var digests []string
	for _, text := range []string{"DELETE FROM victim WHERE g = 1", "DELETE FROM victim"} {
		conn := s.raw(t)
		say(t, conn, 3, &parse{Name: "p", Query: text}, &syncing{}, &query{String: "EXECUTE p"}, &query{String: "EXPLAIN ANALYZE EXECUTE p"})
		s.mu.Lock()
		for _, a := range s.asked {
			if !strings.Contains(a.Command, text) {
				t.Errorf("the reviewer sees %q, but it runs %q", a.Command, text)
			}
			digests = append(digests, a.Digest)
		}
		s.asked = nil
		s.mu.Unlock()
	}
	if len(digests) != 4 || digests[0] == digests[2] || digests[1] == digests[3] {
		t.Errorf("other statements have the same digest: %v", digests)
	}
}

func TestMasksThatCameWhileACommandWaitedHold(t *testing.T) {
	base := strings.Replace(askBriefly, "effects: [delete]", "effects: [read]", 1)
	base = strings.Replace(base, "effects: [read, session], verdict: allow", "effects: [session], verdict: allow", 1)
	s := listen(t, base)
	s.approve = func(api.Approval) string {
		s.mu.Unlock()
		s.setPolicy(base + testPolicy[strings.Index(testPolicy, "masks:"):])
		s.mu.Lock()
		return api.ApprovalApproved
	}
	got := transcript(t, s.client(t), "SELECT * FROM users")
	if !strings.Contains(got, "approval_void") || strings.Contains(got, "ann@example.com") {
		t.Errorf("got %s", got)
	}
}

func TestAPortalDoesNotOutliveItsPolicy(t *testing.T) {
	s := listen(t, allowAll)
	for name, policy := range map[string]string{"masks": allButMasks, "a denial": askBriefly[:strings.Index(askBriefly, "rules:")]} {
		t.Run(name, func(t *testing.T) {
			s.setPolicy(allowAll)
			conn := s.raw(t)
			say(t, conn, 2, &query{String: "BEGIN"}, &parse{Query: "SELECT * FROM users"}, &bind{DestinationPortal: "c"}, &execute{Portal: "c", MaxRows: 1}, &syncing{})
			s.setPolicy(policy)
			if got := say(t, conn, 1, &execute{Portal: "c"}, &syncing{}); !strings.HasPrefix(got, "E") {
				t.Errorf("it goes on: %s", got)
			}
		})
	}
}

func TestDefinitionsInThePipelineCount(t *testing.T) {
	admin(t, "CREATE SCHEMA agent AUTHORIZATION agent; CREATE TABLE agent.users(id int, email text); ALTER TABLE agent.users OWNER TO agent")
	t.Cleanup(func() { admin(t, "DROP SCHEMA agent CASCADE") })
	for name, messages := range map[string][]encoder{
		"in the same batch": {
			&parse{Query: "DROP TABLE agent.users"}, &bind{}, &execute{}, &parse{Query: "SELECT * FROM users"}, &bind{}, &execute{}, &syncing{}, &query{String: "SELECT 1"},
		},
		"in the batch before": {&query{String: "DROP TABLE agent.users"}, &query{String: "SELECT * FROM users"}},
	} {
		t.Run(name, func(t *testing.T) {
			admin(t, "CREATE TABLE IF NOT EXISTS agent.users(id int, email text); ALTER TABLE agent.users OWNER TO agent")
			conn := listen(t, allButMasks).raw(t)
			if _, err := conn.Write(join(messages...)); err != nil {
				t.Fatal(err)
			}
			a, err := readUntilReady(2)(conn)
			if err != nil {
				t.Fatal(err)
			}
			for _, canary := range canaries() {
				if strings.Contains(string(a.Raw), canary) {
					t.Errorf("it shows %s", canary)
				}
			}
		})
	}
}

func TestWhatIsKeptBackIsBounded(t *testing.T) {
	conn := victims(t).raw(t)
	text := "DELETE FROM victim WHERE g::text = '" + strings.Repeat("x", 200<<10) + "'"
	var messages []encoder
	for range 30 {
		messages = append(messages, &parse{Query: text})
	}
	if got := say(t, conn, 1, append(messages, &syncing{})...); got != "E54000 ZI" {
		t.Errorf("got %s", got)
	}
}

func TestACommitThatFailsIsRecorded(t *testing.T) {
	admin(t, "CREATE TABLE late(id int PRIMARY KEY, up int REFERENCES late DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON late TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE late") })
	s := listen(t, allowAll)
	c := s.client(t)
	r := c.ExecParams(t.Context(), "INSERT INTO late VALUES (1, 2)", nil, nil, nil, nil).Read()
	if e, ok := r.Err.(*pgconn.PgError); !ok || e.Code != "23503" {
		t.Fatalf("got %v", r.Err)
	}
	if text := s.recording(t, c); !strings.Contains(text, `"code":"23503"`) {
		t.Errorf("the recording does not say that the commit failed: %s", text)
	}
}
