package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

type approval struct {
	ID      string
	State   string
	Command string
	Digest  string
}

func (u *user) approvals(t *testing.T, of string) []approval {
	t.Helper()
	var list struct{ Approvals []approval }
	u.json(t, &list, "approvals", "ls")
	var found []approval
	for _, a := range list.Approvals {
		if strings.Contains(a.Command, of) {
			found = append(found, a)
		}
	}
	return found
}

var approvalID = regexp.MustCompile(`ap_[a-z0-9]+`)

// asks wants a command to be refused after its hold, with the id of the request.
func asks(t *testing.T, r result) string {
	t.Helper()
	id := approvalID.FindString(r.stderr)
	if r.code == 0 || id == "" || !strings.Contains(r.stderr, "42501") {
		t.Fatalf("it did not ask: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	return id
}

func TestALoopOfNewProcessesAsksOnceAndDeletesOnce(t *testing.T) {
	w := shared
	dev, dba := w.user(t, "dev"), w.user(t, "dba")
	const sql = "DELETE FROM orders WHERE id = 2001"
	here := func() bool { return w.asked(t, "app", "SELECT count(*) FROM orders WHERE id = 2001") == "1" }
	from := w.logged(t)

	first := dev.psql(t, sql)
	id := asks(t, first)
	if first.took < time.Second {
		t.Fatalf("it was held for %s only", first.took)
	}
	if again := asks(t, dev.psql(t, sql)); again != id {
		t.Fatalf("the same command asked for %s and for %s", id, again)
	}
	if !here() || strings.Contains(w.targetLog(t, from), "2001") {
		t.Fatal("it reached the target before it was approved")
	}
	if list := dba.approvals(t, "2001"); len(list) != 1 || list[0].ID != id || list[0].State != "pending" {
		t.Fatalf("the list: %+v", list)
	}

	// K4: nobody approves what they asked for, and who is no approver can't either.
	if r := dev.run(t, "approvals", "approve", id); r.code == 0 {
		t.Fatalf("a person approved their own request: %s", r.stdout)
	}
	if r := w.user(t, "agent").run(t, "approvals", "approve", id); r.code != 8 {
		t.Fatalf("somebody who may not see the request: exit %d %s", r.code, r.stderr)
	}
	dba.must(t, "approvals", "approve", id)
	// K5: one final state.
	if r := dba.run(t, "approvals", "reject", id); r.code != 7 {
		t.Fatalf("a decided request was decided again: exit %d %s", r.code, r.stderr)
	}

	// K1: the approval is for this command alone.
	other := asks(t, dev.psql(t, "DELETE FROM orders WHERE id = 2002"))
	if other == id || !here() {
		t.Fatal("another command used the approval")
	}
	if r := dev.psql(t, sql); r.code != 0 || !strings.Contains(r.stdout, "DELETE 1") {
		t.Fatalf("the approved command: exit %d %s%s", r.code, r.stdout, r.stderr)
	}
	if here() || strings.Count(w.targetLog(t, from), "id = 2001") == 0 {
		t.Fatal("it did not run")
	}
	if list := dba.approvals(t, "2001"); len(list) != 1 || list[0].State != "used" {
		t.Fatalf("the list after its use: %+v", list)
	}
	// K3: once.
	if next := asks(t, dev.psql(t, sql)); next == id {
		t.Fatal("a used approval was offered again")
	}
}

func TestAnApproverDoesNotApproveTheirOwnCommand(t *testing.T) {
	dba := shared.user(t, "dba")
	id := asks(t, dba.psql(t, "UPDATE orders SET total = 1 WHERE id = 2003"))
	r := dba.run(t, "approvals", "approve", id, "-o", "json")
	if r.code == 0 {
		t.Fatal("dba approved their own request")
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	var said struct {
		Code     string
		ExitCode int `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &said); err != nil || said.ExitCode != r.code {
		t.Fatalf("the error object: %v %+v, exit %d", err, said, r.code)
	}
}

func TestAnApprovalIsVoidOnceTheApproverIsLockedOrTheRuleChanged(t *testing.T) {
	w := ownWorld(t)
	dev, dba, security := w.user(t, "dev"), w.user(t, "dba"), w.user(t, "security")
	const sql = "DELETE FROM orders WHERE id = 2004"
	gone := func() bool { return w.asked(t, "app", "SELECT count(*) FROM orders WHERE id = 2004") == "0" }

	dba.must(t, "approvals", "approve", asks(t, dev.psql(t, sql)))
	security.must(t, "lock", "dba") // K6
	r := dev.psql(t, sql)
	if r.code == 0 || !strings.Contains(r.stderr, "no longer counts") || gone() {
		t.Fatalf("the word of somebody who is locked counted: exit %d %s", r.code, r.stderr)
	}
	security.must(t, "unlock", "dba")

	const other = "DELETE FROM orders WHERE id = 2005"
	id := asks(t, dev.psql(t, other))
	dba.must(t, "approvals", "approve", id)
	policy := w.read(t, "policy.yaml")
	w.setPolicy(t, strings.NewReplacer("rule: writes-need-a-dba", "rule: writes-need-two", "name: writes-need-a-dba", "name: writes-need-two", "quorum: 1", "quorum: 2").Replace(policy))
	eventually(t, 2*time.Second, "the new rule is in force", func() bool {
		return strings.Contains(dev.run(t, "can", "db-prod", other).stdout, "writes-need-two")
	})
	r = dev.psql(t, other)
	if r.code == 0 || w.asked(t, "app", "SELECT count(*) FROM orders WHERE id = 2005") != "1" {
		t.Fatalf("an approval of the old rule counted for the new one: %s%s", r.stdout, r.stderr)
	}
	if next := asks(t, dev.psql(t, other)); next == id {
		t.Fatal("a void approval was offered again")
	}
}

func TestAPolicyChangeIsInForceWithinASecond(t *testing.T) {
	w := ownWorld(t)
	c := w.user(t, "dev").open(t, "db-prod").dial(t)
	if _, err := c.simple(t, "SELECT count(*) FROM orders"); err != nil {
		t.Fatal(err)
	}
	policy, err := policyText("  - {name: closed, who: {users: [dev]}, objects: [public.orders], verdict: deny, message: Not now.}\n")
	if err != nil {
		t.Fatal(err)
	}
	w.setPolicy(t, policy)
	eventually(t, time.Second, "the new rule refuses", func() bool {
		_, err := c.simple(t, "SELECT count(*) FROM orders")
		return err != nil && strings.Contains(err.Error(), "Not now.")
	})
}
