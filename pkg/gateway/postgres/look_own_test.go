package postgres_test

import (
	"strings"
	"testing"
)

// What a session reads for its own uncommitted definitions does not keep others' from it.
func TestOthersDefinitionsAreSeenInATransactionWithOwnOnes(t *testing.T) {
	admin(t, "DROP VIEW IF EXISTS v_moving; CREATE VIEW v_moving AS SELECT id, name AS v FROM users; GRANT SELECT ON v_moving TO agent")
	t.Cleanup(func() { admin(t, "DROP VIEW v_moving") }) // when the session that holds its lock is gone
	s := listen(t, allButMasks)
	a, b := s.client(t), s.client(t)
	for _, text := range []string{"BEGIN", "CREATE TABLE own_one(a int)", "SELECT * FROM own_one"} {
		if got := transcript(t, a, text); strings.Contains(got, "42") {
			t.Fatalf("%s: %s", text, got)
		}
	}
	admin(t, "CREATE OR REPLACE VIEW v_moving AS SELECT id, ssn AS v FROM users")
	for seen := false; !seen; { // it is promised within two seconds
		seen = strings.Contains(transcript(t, b, "SELECT v FROM v_moving"), "***")
	}
	if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") || strings.Contains(got, "123-45-6789") {
		t.Errorf("the session sees %s", got)
	}
}
