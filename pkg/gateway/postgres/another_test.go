package postgres_test

import (
	"strings"
	"testing"
)

// allButPrivileges allows every effect but one, so that what names and roles mean matters.
var allButPrivileges = strings.Replace(allowAll, "privilege, ", "", 1)

func TestWhoMayDoEverythingChangesTheRoleUntilThePolicyIsAnother(t *testing.T) {
	admin(t, "CREATE ROLE other", "GRANT other TO agent", "CREATE FUNCTION as_other() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET ROLE other; END $$")
	t.Cleanup(func() { admin(t, "DROP FUNCTION as_other()", "DROP ROLE other") })
	for _, change := range []string{
		"SET ROLE other", "SET SESSION AUTHORIZATION DEFAULT", "RESET ROLE", "SET ROLE other; SELECT 1", "BEGIN; SET LOCAL ROLE other", "SELECT as_other()",
		"DO $$ BEGIN SET ROLE other; END $$",
	} {
		s := listen(t, allowAll)
		c := s.client(t)
		if _, err := c.Exec(t.Context(), change).ReadAll(); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		got, err := c.Exec(t.Context(), "SELECT current_user").ReadAll()
		if err != nil {
			t.Fatalf("behind %s: %v", change, err)
		}
		if want := map[bool]string{true: "other", false: "agent"}[strings.Contains(change, "other")]; string(got[0].Rows[0][0]) != want {
			t.Errorf("behind %s the role is %s", change, got[0].Rows[0][0])
		}
		for _, rules := range []string{allButPrivileges, testPolicy, onlyReads} {
			s.setPolicy(rules)
			for _, text := range []string{"SELECT 1", "RESET ROLE"} {
				if strings.Contains(change, "()") || strings.HasPrefix(change, "DO") {
					if text == "RESET ROLE" {
						continue // it is refused for what it is
					}
				}
				if e := refusalOf(t, c, text); !strings.Contains(e.Message, "another role") {
					t.Errorf("behind %s: %s is refused for another reason: %s", change, text, e.Message)
				}
				if r := c.ExecParams(t.Context(), text, nil, nil, nil, nil).Read(); r.Err == nil || !strings.Contains(r.Err.Error(), "another role") {
					t.Errorf("behind %s: the extended %s gives %v", change, text, r.Err)
				}
			}
		}
		if got := show(t, s.client(t), "role"); got != "none" {
			t.Errorf("behind %s another session's role is %s", change, got)
		}
	}
}

func TestOthersChangeNoRole(t *testing.T) {
	s := listen(t, allButPrivileges)
	c := s.client(t)
	for _, text := range []string{"SET ROLE agent", "SET SESSION AUTHORIZATION DEFAULT", "RESET ROLE", "SET session_replication_role = origin", "RESET ALL", "DISCARD ALL"} {
		refusalOf(t, c, text)
	}
	if got := show(t, c, "role"); got != "none" {
		t.Errorf("the role is %s", got)
	}
}

func TestAllIsResetToWhatTheGatewayAskedFor(t *testing.T) {
	c := listen(t, allowAll).client(t)
	for _, reset := range []string{"RESET ALL", "DISCARD ALL"} {
		for _, text := range []string{"SET work_mem = '1MB'", "PREPARE p AS SELECT 1", reset} {
			if _, err := c.Exec(t.Context(), text).ReadAll(); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		for setting, want := range map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on", "backslash_quote": "safe_encoding", "work_mem": "4MB"} {
			if got := show(t, c, setting); got != want {
				t.Errorf("behind %s %s is %s", reset, setting, got)
			}
		}
		_, err := c.Exec(t.Context(), "EXECUTE p; DEALLOCATE p").ReadAll()
		if gone := err != nil; gone != (reset == "DISCARD ALL") {
			t.Errorf("behind %s: EXECUTE gives %v", reset, err)
		}
	}
}
