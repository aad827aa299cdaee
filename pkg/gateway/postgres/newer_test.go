package postgres_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// newerMasks are the masked columns of newer-schema.sql and of the twins' own, but for what tables are partitioned by: where that is
// masked, much that the server counts is not told at all.
const newerMasks = `
masks:
  - {name: pii, columns: [made.secret, made.num, made.v_own, made.v_null, filled.num, drawn.num, checked.num, crew.mail, hands.mail, ten.mail, part.mail, free.mail, lain.mail, sails.guest, stays.during, loose.secret, late.secret], as: redact, trusts: [public.stamp]}
  - {name: decides, columns: [moored.mail, cased.num, anded.num, keyed.num, topics.num, grown.num], as: redact, trusts: [public.stamp]}
  - {name: pins, columns: [equal.pin], as: "null", trusts: [public.stamp]}
  - {name: staff, columns: [staff.tax, staff.pay, staff.born, staff.mood, staff.home, staff.tags, staff.nick, staff.pin, staff.score, staff.uid, staff.ip, staff.raw, staff.doc, staff.at, staff.ok], as: redact, trusts: [public.stamp]}
  - {name: others, columns: [users.email, users.ssn, users.card, users.phone, users.notes, visits.secret, bases.secret, coded.secret, rowed.secret, hidden.secret, seats.guest, seats.card], as: redact, trusts: [public.stamp]}
`

// newerRows hide rows besides, and what decides on partitions.
const newerRows = newerMasks + `
  - {name: zone, columns: [halls.zone], as: redact, trusts: [public.stamp]}
  - {name: shown, objects: [shown, burst], rows: "tenant = 7"}
`

// newerSchema is newer-schema.sql behind the twins' own, for a server of a version.
func newerSchema(version int) func(t testing.TB, right bool) (string, []string) {
	return func(t testing.TB, right bool) (string, []string) {
		t.Helper()
		first, canaries := twinSchema(t, right)
		content, err := os.ReadFile("../../pgsql/testdata/newer-schema.sql")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(content), "for those servers alone.\n")
		words := strings.NewReplacer("VIRTUAL", "STORED", "÷", "+")
		if version >= 18 {
			words = strings.NewReplacer("-- from 18: ", "", "÷", "/")
		}
		return first + words.Replace(sideOf(text, right)), append(canaries, "hidden-")
	}
}

// What versions from 16 on brought tells no masked value. Each statement is answered or refused as it says of itself.
func TestWhatNewerVersionsBroughtTellsNoMaskedValue(t *testing.T) {
	major := serverMajor(t)
	left, right, canaries := twinsOf(t, newerSchema(major), newerMasks)
	for _, part := range []struct{ file, rules string }{{"newer.sql", newerMasks}, {"newer-rows.sql", newerRows}} {
		for _, w := range []*twin{left, right} {
			w.stand.setPolicy(allowAll + part.rules)
			w.conn = nil
		}
		for _, s := range expectedOf(t, "../../pgsql/testdata/"+part.file) {
			c := comparison{left: left, right: right, canaries: canaries}
			if wrong := c.try(s.texts); wrong != "" {
				t.Error(wrong)
			}
			if got := (map[bool]string{c.ran > 0: "answers", c.refused > 0: "refused"})[true]; s.expect != "" && major >= s.from && got != s.expect {
				answer, _ := c.ask(simple, s.texts)
				t.Errorf("%s\n%s, and not %s:\n%s", strings.Join(s.texts, "; "), got, s.expect, answer)
			}
		}
	}
}

func serverMajor(t *testing.T) int {
	t.Helper()
	major, err := strconv.Atoi(count(t, "SELECT current_setting('server_version_num')::int / 10000"))
	if err != nil {
		t.Fatal(err)
	}
	return major
}

// expected is a statement with what must come of it, from a version on.
type expected struct {
	texts  []string
	expect string // answers, refused, or "" for either
	from   int
}

func expectedOf(t *testing.T, path string) (out []expected) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(content), "\n-- @")[1:] {
		title, body, _ := strings.Cut(block, "\n")
		title, indexed := strings.CutSuffix(title, " by index")
		what, from, _ := strings.Cut(strings.Trim(title, ", "), " from ")
		e := expected{texts: strings.Split(strings.TrimSpace(body), "\n@@\n"), expect: what}
		if indexed {
			e.texts = append([]string{"SET enable_seqscan = off", "SET enable_bitmapscan = off", "SET enable_sort = off"}, e.texts...)
		}
		if from != "" {
			if e.from, err = strconv.Atoi(from); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, e)
	}
	return out
}
