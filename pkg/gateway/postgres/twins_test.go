package postgres_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/jackc/pgproto3/v2"
)

// twinMasks are the masked columns of the two schemas. Nothing else is withheld: the policy allows everything.
const twinMasks = `
masks:
  - {name: pii, columns: [public.users.email, public.users.ssn, public.users.card, public.users.phone, public.users.notes], as: redact, trusts: [public.stamp]}
  - {name: staff, columns: [staff.tax, staff.pay, staff.born, staff.mood, staff.home, staff.tags, staff.nick, staff.score, staff.uid, staff.ip, staff.raw, staff.doc, staff.at, staff.ok], as: redact, trusts: [public.stamp]}
  - {name: pins, columns: [staff.pin], as: "null", trusts: [public.stamp]}
  - {name: others, columns: [visits.secret, zones.zone, bases.secret, coded.secret, rowed.secret, hidden.secret, seats.guest], as: redact, trusts: [public.stamp]}
  - {name: ends, columns: [seats.card], as: last4, trusts: [public.stamp]}
`

// baseTwin is what the second database has in the place of the values of evasion-schema.sql, of the same lengths.
func baseTwin() map[string]string {
	return map[string]string{
		"123-45-6789": "321-54-9876", "987-65-4321": "123-45-6788", "111-22-3333": "222-11-4444", "ann@example.com": "zoe@example.net", "bob@example.com": "tim@example.net", "cy@example.com": "xo@example.net",
		"4111111111111111": "5222222222222220", "5500005555555559": "4100004444444446", "378282246310005": "371449635398431", "+1-202-555-0101": "+1-202-555-0191", "+1-202-555-0102": "+1-202-555-0100", "+1-202-555-0103": "+1-202-555-0193", "Oslo": "Bern", `"vip"`: `"new"`,
	}
}

// twinSchema is the schema of one of the two databases, and its masked values that are long enough to be known anywhere.
func twinSchema(t testing.TB, right bool) (schema string, canaries []string) {
	t.Helper()
	base, err := os.ReadFile("../../pgsql/testdata/evasion-schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	deep, err := os.ReadFile("../../pgsql/testdata/interference-schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	first := string(base)
	for l, r := range baseTwin() {
		if len(l) != len(r) || !strings.Contains(first, l) {
			t.Fatalf("%s and %s", l, r)
		}
		canaries = append(canaries, l)
		if right {
			first = strings.ReplaceAll(first, l, r)
		}
	}
	first = strings.Replace(first, "CREATE ROLE agent LOGIN;", "CREATE ROLE agent LOGIN PASSWORD '"+agentPassword+"';", 1)
	_, body, _ := strings.Cut(string(deep), "indexes stand over them.\n")
	for _, m := range sides.FindAllStringSubmatch(body, -1) {
		l, r := m[1], m[2]
		if len(l) != len(r) {
			t.Fatalf("%s are not of one length", m[0])
		}
		if len(l) > 9 {
			canaries = append(canaries, l)
		}
	}
	return first + sideOf(body, right), canaries
}

// sides is what differs between the twins in a text: «left|right».
var sides = regexp.MustCompile(`«([^|»]*)\|([^»]*)»`)

// sideOf is a text as one of the twins has it.
func sideOf(text string, right bool) string {
	if right {
		return sides.ReplaceAllString(text, "$2")
	}
	return sides.ReplaceAllString(text, "$1")
}

// twin is one of the two databases behind a gateway, with a session that a test speaks by hand.
type twin struct {
	t      testing.TB
	stand  *stand
	server *pgtest.Server
	conn   net.Conn
}

// twins are two clusters of the same history: all that differs between them is masked.
func twins(t testing.TB) (left, right *twin, canaries []string) {
	t.Helper()
	return twinsOf(t, twinSchema, twinMasks)
}

// twinsOf are two clusters whose differences a policy hides.
func twinsOf(t testing.TB, schemaOf func(t testing.TB, right bool) (schema string, canaries []string), masks string) (left, right *twin, canaries []string) {
	t.Helper()
	both := make([]*twin, 2)
	var work sync.WaitGroup
	servers, failed := make([]*pgtest.Server, 2), make([]error, 2)
	for i := range both {
		schema, known := schemaOf(t, i == 1)
		if i == 0 {
			canaries = known
		}
		work.Go(func() {
			var err error
			if servers[i], err = pgtest.New(); err == nil {
				err = errors.Join(servers[i].Exec(schema), servers[i].Exec("VACUUM (FREEZE, ANALYZE)"))
			}
			failed[i] = err
		})
	}
	work.Wait()
	for i, s := range servers {
		if s != nil {
			t.Cleanup(s.Close)
		}
		if failed[i] != nil {
			t.Fatal(failed[i])
		}
		to := target()
		to.Address = net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
		both[i] = &twin{t: t, stand: listenFor(t, allowAll+masks, to), server: s}
	}
	return both[0], both[1], canaries
}

// The ways of sending a text.
const (
	simple = iota
	extendedText
	extendedBinary
)

// run sends texts in one form, in a transaction that is rolled back, and answers all that came back, without what is another thing
// in any two runs.
func (w *twin) run(form int, texts []string) string {
	var out bytes.Buffer
	w.send(&out, simple, "BEGIN")
	for _, text := range texts {
		out.WriteString("\n")
		w.send(&out, form, text)
	}
	w.send(&out, simple, "ROLLBACK")
	for _, text := range texts {
		if word, _, _ := strings.Cut(strings.ToUpper(text), " "); word == "PREPARE" || strings.Contains(text, "HOLD") {
			w.send(io.Discard, simple, "DEALLOCATE ALL")
			w.send(io.Discard, simple, "CLOSE ALL")
			break
		}
	}
	return volatileText.ReplaceAllString(out.String(), "?")
}

// volatileText are ids of decisions and sessions, and when they were made.
var volatileText = regexp.MustCompile(`(se|ap|gr)_[a-z0-9]+(\.[0-9]+)?|"time":"[^"]*"`)

func (w *twin) send(out io.Writer, form int, text string) {
	if w.conn == nil {
		w.conn = w.stand.raw(w.t)
	}
	if err := w.conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	messages := []encoder{&pgproto3.Query{String: text}}
	if form != simple && !strings.Contains(strings.ToUpper(text), "FROM STDIN") {
		messages = []encoder{&pgproto3.Parse{Query: text}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Bind{ResultFormatCodes: []int16{int16(form - extendedText)}}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}}
	}
	if _, err := w.conn.Write(join(messages...)); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	for {
		var head [5]byte
		if _, err := io.ReadFull(w.conn, head[:]); err != nil {
			fmt.Fprintf(out, "closed\n")
			_ = w.conn.Close()
			w.conn = nil
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(w.conn, body); err != nil {
			w.t.Fatalf("%s: %v", text, err)
		}
		fmt.Fprintf(out, "%c %q\n", head[0], body)
		switch head[0] {
		case 'Z':
			return
		case 'G':
			if _, err := w.conn.Write(join(&pgproto3.CopyDone{})); err != nil {
				w.t.Fatalf("%s: %v", text, err)
			}
		}
	}
}

// comparison is what was found out about texts that both databases were asked.
type comparison struct {
	left, right *twin
	canaries    []string
	ran         int // answered without an error, in all forms
	refused     int // by the gateway
	failed      int // by PostgreSQL
	volatile    int // answered differently by one database at two times
}

// try runs texts on both databases in all forms. It answers what is wrong.
func (c *comparison) try(texts []string) string {
	answered, refused := true, false
	for form := range 3 {
		a, b := c.ask(form, texts)
		if a != b {
			if again, _ := c.ask(form, texts); again != a {
				c.volatile++
				return ""
			}
			if c.levelled(form, texts) {
				c.volatile++
				return ""
			}
			return fmt.Sprintf("form %d: %s\nanswers\n%s\nand\n%s", form, strings.Join(texts, "; "), a, b)
		}
		for _, canary := range c.canaries {
			if strings.Contains(a, canary) && !strings.Contains(strings.Join(texts, ";"), canary) {
				return fmt.Sprintf("form %d: %s\nleaks %s\n%s", form, strings.Join(texts, "; "), canary, a)
			}
		}
		answered = answered && !strings.Contains(a, "\nE \"")
		refused = refused || strings.Contains(a, "decision_id")
	}
	switch {
	case answered:
		c.ran++
	case refused:
		c.refused++
	default:
		c.failed++
	}
	return ""
}

// levelled says whether a difference is gone once no table of either database has room for dead rows any more. When these
// are taken away depends on what else ran at that moment, and how large a table is decides plans: a cursor over groups reads
// them sorted or hashed. Masked values are the same as before, so what they tell is told again.
func (c *comparison) levelled(form int, texts []string) bool {
	for _, w := range []*twin{c.left, c.right} {
		if err := w.server.Exec("VACUUM (FULL, ANALYZE)"); err != nil {
			w.t.Fatal(err)
		}
	}
	a, b := c.ask(form, texts)
	return a == b
}

func (c *comparison) ask(form int, texts []string) (a, b string) {
	var work sync.WaitGroup
	work.Go(func() { a = c.left.run(form, texts) })
	work.Go(func() { b = c.right.run(form, texts) })
	work.Wait()
	return a, b
}

func (c *comparison) total() int { return c.ran + c.refused + c.failed + c.volatile }
