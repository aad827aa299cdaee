package postgres_test

import (
	"os"
	"strings"
	"testing"
)

// rowFilters hide rows of the twins, beside what twinMasks masks.
const rowFilters = `
  - {name: tenant, objects: [ledger, lines, public.kin_old, owners, m_own, filled, regions], rows: "tenant = 7"}
  - {name: big, objects: [public.orders], rows: "total < 5000"}
  - {name: visiting, objects: [visits], rows: "id BETWEEN 0 AND 99 AND NOT secret IN ('hidden')"}
  - {name: people, columns: [staff.uid], as: redact, trusts: [public.stamp], rows: "name <> 'hidden-staff'"}
`

// hiddenRows are rows of the tables of interference-schema.sql, «left|right».
const hiddenRows = `
INSERT INTO staff(id, name, team, level, tax, pay, born, nick, score, ok) VALUES «(6, 'hidden-staff', 1, 1, '666-11-1111', 0, '1950-01-01', 'hid', 99, true)|(7, 'hidden-staff', 3, 9, '777-22-2222', 999999, NULL, 'hide', 50, false), (8, 'hidden-staff', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL)»;
INSERT INTO visits VALUES «(100, 6, 3, 'hidden-visit')|(101, 7, 50, 'hidden-visits'), (102, 2, 12, NULL)»;
INSERT INTO orders VALUES «(900, 1, 5000)|(901, 2, 70000), (902, NULL, 5001)»;
UPDATE ledger SET amount = amount WHERE tenant <> 7; DELETE FROM ledger WHERE id > «1050|1400»;
`

// rowTwinSchema is the schema of twins that differ in hidden rows: in whether there are any, how many, and what they hold.
func rowTwinSchema(t testing.TB, right bool) (schema string, canaries []string) {
	t.Helper()
	first, canaries := twinSchema(t, right)
	second, err := os.ReadFile("../../pgsql/testdata/rows-schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(second), "says hidden-….\n")
	return first + sideOf(body+hiddenRows, right), append(canaries, "hidden-")
}

// Two databases that differ in hidden rows, and in masked values, give the same transcript in every form.
func TestHiddenRowsDontInterfereWithAnyMessage(t *testing.T) {
	left, right, canaries := twinsOf(t, rowTwinSchema, twinMasks+rowFilters)
	own, found := comparison{left: left, right: right, canaries: canaries}, 0
	for _, file := range []string{"rows.sql", "evasion-postgres.sql", "corners.sql", "honest.sql", "interference.sql"} {
		part := comparison{left: left, right: right, canaries: canaries}
		for _, text := range statementsOf(t, "../../pgsql/testdata/"+file) {
			if wrong := part.try(strings.Split(text, "\n@@\n")); wrong != "" {
				if t.Error(wrong); found == 3 { // each takes long to be told from a difference of dead rows
					t.FailNow()
				}
				found++
			}
		}
		t.Logf("%s: %d answered, %d were refused, %d failed, %d volatile", file, part.ran, part.refused, part.failed, part.volatile)
		if file == "rows.sql" {
			own = part
		}
	}
	if own.total() < 150 || own.ran*100 < own.total()*50 || own.volatile > 2 {
		t.Errorf("of %d statements %d answered and %d are volatile: at least half must answer", own.total(), own.ran, own.volatile)
	}
}

// Random statements, as for masked values; a fifth as many.
func TestRandomStatementsDontTellHiddenRows(t *testing.T) {
	left, right, canaries := twinsOf(t, rowTwinSchema, twinMasks+rowFilters)
	c := comparison{left: left, right: right, canaries: canaries}
	n, seed := setting(t, "HOOP_STATEMENTS", 10_000)/5, setting(t, "HOOP_SEED", 1)
	w := newWriter(uint64(seed))
	w.all = rowRelations(w.all)
	c.random(t, w, n, 50)
}

// rowRelations are those that can be read where rows are filtered, and the filtered ones several times.
func rowRelations(all []relation) []relation {
	var out []relation
	for _, r := range all {
		if !strings.HasPrefix(r.name, "v_") && r.name != "m_staff" {
			out = append(out, r)
		}
	}
	ledger := relation{"ledger", "id", columnsOf("id:i tenant:i secret:t amount:n day:d shade:o tags:o doc:o code:t parent:i half:n"), []string{"secret", "amount", "day"}, []string{"tenant", "code", "parent", "id"}}
	lines := relation{"lines", "id", columnsOf("id:i tenant:i ledger:i note:t"), []string{"note", "ledger"}, []string{"tenant", "id"}}
	kin := relation{"kin", "id", columnsOf("id:i tenant:i note:t"), []string{"note", "id"}, []string{"tenant"}}
	for range 2 {
		out = append(out, ledger, ledger, lines, kin)
	}
	return append(out,
		relation{"notes", "id", columnsOf("id:i ledger:i body:t"), []string{"body"}, []string{"ledger"}}, relation{"orders", "id", columnsOf("id:i user_id:i total:n"), []string{"user_id"}, []string{"total"}},
		relation{"lines_rest", "id", columnsOf("id:i tenant:i ledger:i note:t"), []string{"note"}, nil}, relation{"kin_old", "id", columnsOf("id:i tenant:i note:t age:i"), []string{"note", "age"}, nil},
		relation{"m_own", "id", columnsOf("id:i tenant:i t:t"), nil, nil}, relation{"v_notes", "id", columnsOf("id:i ledger:i body:t"), nil, nil}, relation{"owned", "id", columnsOf("id:i owner:i label:t"), []string{"label"}, []string{"owner"}})
}
