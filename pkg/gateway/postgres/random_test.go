package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is the type of an expression, as far as the writer of statements cares.
type kind byte

const (
	text kind = iota
	whole
	number
	date
	truth
	other // whatever must be cast to be used
)

// column is a column that a random statement can name.
type column struct {
	name string
	kind kind
}

// relation is something that can stand in FROM.
type relation struct {
	name, key string
	columns   []column
	writes    []string // columns that may be written, but for those that are masked
	masked    []string // columns that may not
}

func columnsOf(spec string) (out []column) {
	kinds := map[string]kind{"t": text, "i": whole, "n": number, "d": date, "b": truth, "o": other}
	for word := range strings.FieldsSeq(spec) {
		name, k, _ := strings.Cut(word, ":")
		out = append(out, column{name, kinds[k]})
	}
	return out
}

// relations are those of the twins' schemas.
func relations() []relation {
	staff := "id:i name:t team:i level:i note:t tax:t pay:n born:d mood:o home:o tags:o nick:t pin:t score:i uid:o ip:o raw:o doc:o at:o ok:b band:t"
	return []relation{
		{"staff", "id", columnsOf(staff), []string{"note"}, []string{"tax", "pay", "team", "level", "name"}}, {"staff", "id", columnsOf(staff), []string{"note"}, []string{"score"}},
		{"users", "id", columnsOf("id:i name:t email:t ssn:t card:t phone:t notes:o"), []string{"name"}, []string{"ssn", "notes"}}, {"users_child", "id", columnsOf("id:i name:t email:t ssn:t"), []string{"name"}, []string{"email"}},
		{"orders", "id", columnsOf("id:i user_id:i total:n"), []string{"total", "user_id"}, nil}, {"badges", "id", columnsOf("id:i tax:t label:t"), []string{"label"}, []string{"tax"}},
		{"visits", "id", columnsOf("id:i staff:i day:i secret:t"), []string{"day", "staff"}, []string{"secret"}}, {"visits_late", "id", columnsOf("id:i staff:i day:i secret:t"), []string{"staff"}, nil},
		{"zones", "id", columnsOf("id:i zone:t label:t"), []string{"label"}, []string{"zone"}}, {"zones_n", "id", columnsOf("id:i label:t"), nil, nil}, {"bases", "id", columnsOf("id:i secret:t label:t"), []string{"label"}, []string{"secret"}},
		{"kids", "id", columnsOf("id:i secret:t label:t toy:t"), []string{"label", "toy"}, []string{"secret"}}, {"codes", "code", columnsOf("code:t label:t"), []string{"label"}, []string{"code"}}, {"coded", "id", columnsOf("id:i secret:t label:t"), []string{"label"}, []string{"secret"}},
		{"rowed", "id", columnsOf("id:i tenant:i secret:t"), []string{"tenant"}, []string{"secret"}}, {"hidden", "id", columnsOf("id:i secret:t"), nil, nil}, {"teams", "id", columnsOf("id:i label:t"), []string{"label"}, []string{"id"}},
		{"plain", "id", columnsOf("id:i a:i b:t c:n d:d label:t"), []string{"a", "b", "c", "label"}, nil}, {"plain", "id", columnsOf("id:i a:i b:t c:n d:d label:t"), []string{"a", "b", "c", "d"}, []string{"id"}}, {"v_staff", "id", columnsOf("id:i name:t team:i t:t pay:n band:t n:t home:o level:i"), nil, []string{"name"}},
		{"v_top", "id", columnsOf("t:t name:t id:i pay:n"), nil, nil}, {"v_visits", "id", columnsOf("id:i name:t tax:t secret:t day:i"), nil, nil}, {"v_teams", "team", columnsOf("team:i n:i"), nil, nil}, {"v_rich", "id", columnsOf("id:i"), nil, nil},
		{"m_staff", "id", columnsOf("id:i tax:t pay:n name:t"), nil, nil}, {"v_users", "id", columnsOf("id:i name:t tax_id:t"), nil, nil}, {"v_obf", "id", columnsOf("id:i code:t"), nil, nil}, {"mv_users", "id", columnsOf("id:i m:t"), nil, nil},
	}
}

// writer writes random statements. The same seed gives the same ones.
type writer struct {
	*rand.Rand
	all   []relation
	from  []relation // what columns can be named of now, by their aliases
	ctes  []relation
	depth int
	named int
	aggs  bool // aggregates may stand here
	newer bool // the server knows old and new in RETURNING
}

func newWriter(seed uint64) *writer {
	return &writer{Rand: rand.New(rand.NewPCG(seed, 7)), all: relations()}
}

// relation picks one, seldom one of those that are closed where columns are masked.
func (w *writer) relation() relation {
	for {
		r := w.all[w.IntN(len(w.all))]
		if !strings.Contains(" zones_n hidden v_rich v_obf ", " "+r.name+" ") || w.chance(12) {
			return r
		}
	}
}

// one answers one of several.
func (w *writer) one(options ...string) string { return options[w.IntN(len(options))] }

// chance is true n times in a hundred.
func (w *writer) chance(n int) bool { return w.IntN(100) < n }

func (w *writer) name(prefix string) string {
	w.named++
	return fmt.Sprintf("%s%d", prefix, w.named)
}

// inside writes something one level deeper, in a scope of its own.
func (w *writer) inside(lateral bool, write func() string) string {
	from, ctes, aggs := w.from, w.ctes, w.aggs
	w.depth++
	if !lateral {
		w.from = nil
	}
	w.aggs = false
	out := write()
	w.depth--
	w.from, w.ctes, w.aggs = from, ctes, aggs
	return out
}

// list writes n things between commas.
func list(n int, write func() string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = write()
	}
	return strings.Join(out, ", ")
}

// columnOf names a column of a kind that is in scope, "" where there is none.
func (w *writer) columnOf(k kind) string {
	for range 8 {
		if len(w.from) == 0 {
			return ""
		}
		r := w.from[w.IntN(len(w.from))]
		if len(r.columns) == 0 { // a target that nothing may be used of
			continue
		}
		if c := r.columns[w.IntN(len(r.columns))]; c.kind == k {
			if w.chance(70) || len(w.from) > 1 {
				return r.name + "." + c.name
			}
			return c.name
		}
	}
	return ""
}

// statement writes the texts of one transaction.
func (w *writer) statement() []string {
	w.from, w.ctes, w.depth, w.named, w.aggs = nil, nil, 0, 0, false
	switch n := w.IntN(100); {
	case n < 55:
		return []string{w.query(w.chance(80))}
	case n < 61:
		return []string{w.insert()}
	case n < 70:
		return []string{w.update()}
	case n < 75:
		return []string{w.remove()}
	case n < 76:
		return []string{w.merge()}
	case n < 79:
		if w.chance(50) {
			return []string{w.tied(), "SELECT count(*) FROM staff"}
		}
		return []string{"WITH w AS (" + w.change() + ") SELECT " + w.one("*", "count(*)") + " FROM w"}
	case n < 84:
		return []string{w.copy()}
	case n < 90:
		return []string{"EXPLAIN " + w.one("", "(VERBOSE) ", "(COSTS off) ", "(ANALYZE, TIMING off, SUMMARY off, BUFFERS off) ") + w.explained()}
	case n < 93:
		return []string{"PREPARE p AS " + w.explained(), "EXECUTE p"}
	case n < 96:
		return []string{"DECLARE c " + w.one("", "SCROLL ") + "CURSOR FOR " + w.query(true), "FETCH " + w.one("1", "2", "ALL") + " FROM c", "MOVE 1 IN c", "FETCH ALL FROM c"}
	}
	return []string{w.change(), w.query(true)}
}

func (w *writer) explained() string {
	if w.chance(25) {
		return w.change()
	}
	return w.query(w.chance(50))
}

func (w *writer) change() string {
	switch w.IntN(4) {
	case 0:
		return w.insert()
	case 1:
		return w.remove()
	}
	return w.update()
}

// target picks a relation to write to, under an alias where one may stand.
func (w *writer) target() (r relation, as string) {
	r = w.relation()
	for range 12 {
		if len(r.writes) == 0 || w.chance(50) && len(r.masked) > 0 {
			r = w.relation()
		}
	}
	as = w.name("t")
	w.from = []relation{{as, r.key, r.columns, nil, nil}}
	return r, r.name + " AS " + as
}

// written picks columns to write, now and then a masked one.
func (w *writer) written(r relation) []column {
	names := map[string]bool{}
	for range 1 + w.IntN(2) {
		if len(r.masked) > 0 && w.chance(10) {
			names[r.masked[w.IntN(len(r.masked))]] = true
		} else if len(r.writes) > 0 {
			names[r.writes[w.IntN(len(r.writes))]] = true
		}
	}
	var out []column
	for _, c := range r.columns {
		if names[c.name] {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = append(out, r.columns[0])
	}
	return out
}

func (w *writer) insert() string {
	r, _ := w.target()
	w.from = nil
	columns := w.written(r)
	if columns[0].name != r.key {
		columns = append(columns, column{r.key, whole})
	}
	if r.name == "staff" {
		columns = append(columns, column{"name", text})
	}
	names := map[string]bool{}
	kept := columns[:0]
	for _, c := range columns {
		if !names[c.name] {
			kept = append(kept, c)
		}
		names[c.name] = true
	}
	columns = kept
	var head []string
	for _, c := range columns {
		head = append(head, c.name)
	}
	source := "VALUES (" + w.values(columns) + ")"
	if w.chance(30) {
		source = w.inside(false, func() string {
			from := w.fromClause(1)
			return "SELECT " + w.values(columns) + " FROM " + from + w.where() + w.one("", " LIMIT 1")
		})
	}
	conflict := ""
	if w.chance(10) {
		conflict = w.one(" ON CONFLICT DO NOTHING", " ON CONFLICT ("+r.key+") DO UPDATE SET "+head[0]+" = excluded."+head[0])
	}
	w.from = []relation{{r.name, r.key, r.columns, nil, nil}}
	return "INSERT INTO " + r.name + " (" + strings.Join(head, ", ") + ") " + source + conflict + w.returning(r)
}

func (w *writer) values(columns []column) string {
	var out []string
	for _, c := range columns {
		switch {
		case c.kind == other:
			out = append(out, "NULL")
		case c.name == "id" && w.chance(80):
			out = append(out, fmt.Sprint(100+w.IntN(50)))
		default:
			out = append(out, w.expression(c.kind))
		}
	}
	return strings.Join(out, ", ")
}

// returning is a RETURNING clause, mostly of what is not masked.
func (w *writer) returning(r relation) string {
	if w.newer && w.chance(30) {
		_, key, _ := strings.Cut("."+r.key, ".")
		key = key[strings.LastIndex(key, ".")+1:]
		return " RETURNING " + w.one("old."+key, "new."+key+", old."+key, "old."+key+" = new."+key, "(SELECT old."+key+")", "old.*", "new", w.expression(text))
	}
	switch w.IntN(6) {
	case 0, 1:
		return " RETURNING " + r.key
	case 2:
		if len(r.writes) > 0 {
			return " RETURNING " + r.key + ", " + r.writes[0]
		}
	case 3:
		if w.chance(30) {
			return " RETURNING " + w.one("*", w.expression(text))
		}
	}
	return ""
}

func (w *writer) update() string {
	r, target := w.target()
	var sets []string
	columns := w.written(r)
	from := ""
	plain := relation{w.from[0].name, r.key, r.unmasked(), nil, nil}
	if w.chance(80) {
		w.from = []relation{plain}
	}
	if w.chance(25) {
		from = " FROM " + w.fromClause(1)
	}
	for _, c := range columns {
		value := "NULL"
		switch {
		case c.kind == whole && w.chance(50): // near to what masked columns are compared with
			value = w.one("1", "2", "3", "40", "45", "60")
		case c.kind != other:
			value = w.expression(c.kind)
		}
		sets = append(sets, c.name+" = "+w.one(value, value, value, "DEFAULT"))
	}
	return "UPDATE " + target + " SET " + strings.Join(sets, ", ") + from + w.which(plain.name, r) + w.returning(relation{key: plain.name + "." + r.key, writes: nil})
}

// unmasked are the columns that may surely be used in a statement which writes.
func (r relation) unmasked() (out []column) {
	known := " id name team level note user_id total label day staff toy code tenant a b c d gone v_name v_here "
	for _, c := range r.columns {
		if strings.Contains(known, " "+c.name+" ") {
			out = append(out, c)
		}
	}
	return out
}

func (w *writer) remove() string {
	r, target := w.target()
	for (r.name == "staff" || r.name == "teams" || r.name == "codes") && w.chance(70) { // which masked columns refer to
		r, target = w.target()
	}
	if w.chance(85) {
		w.from = []relation{{w.from[0].name, r.key, r.unmasked(), nil, nil}}
	}
	using := ""
	if w.chance(25) {
		using = " USING " + w.fromClause(1)
	}
	return "DELETE FROM " + target + using + w.which(w.from[0].name, r) + w.one("", " RETURNING 1")
}

// tied writes what something compares with masked columns.
func (w *writer) tied() string {
	id := " WHERE id = " + w.one("1", "2", "3", "4", "5")
	code := " WHERE code = " + w.one("'aa'", "'bb'", "'cc'")
	return w.one("UPDATE staff SET level = "+w.one("41", "45", "55", "65")+id, "UPDATE staff SET team = "+w.one("1", "2", "3")+id, "UPDATE staff SET id = 9"+id, "DELETE FROM staff"+id, "DELETE FROM codes"+code, "UPDATE codes SET code = 'dd'"+code,
		"DELETE FROM teams"+id, "UPDATE badges SET tax = '111-22-3333'"+id, "INSERT INTO coded (id, label) VALUES (9, 'x')", "UPDATE visits SET day = 50"+id, "INSERT INTO staff (id, name, team) VALUES (9, 'x', "+w.one("1", "2")+")")
}

// which is a condition that often names one row.
func (w *writer) which(as string, r relation) string {
	if w.chance(60) {
		return w.where()
	}
	if r.key == "code" {
		return " WHERE " + as + ".code = " + w.one("'aa'", "'bb'", "'cc'")
	}
	return " WHERE " + as + "." + r.key + " = " + w.one("1", "2", "3", "4", "5")
}

func (w *writer) merge() string {
	r, target := w.target()
	into := w.from[0].name
	on := into + "." + r.key + "::text = "
	source := w.fromClause(1)
	return "MERGE INTO " + target + " USING " + source + " ON " + on + w.expression(text) + w.one("", " AND "+w.expression(truth)) + " WHEN MATCHED " + w.one("", "AND "+w.expression(truth)) + " THEN " +
		w.one("DELETE", "DO NOTHING", "UPDATE SET "+r.columns[min(1, len(r.columns)-1)].name+" = DEFAULT")
}

func (w *writer) copy() string {
	if w.chance(60) {
		return "COPY (" + w.query(true) + ") TO STDOUT" + w.one("", " WITH (FORMAT csv, HEADER)", " WITH (FORMAT binary)")
	}
	r := w.relation()
	if w.chance(60) {
		return "COPY " + r.name + w.one("", " ("+r.columns[w.IntN(len(r.columns))].name+")") + " TO STDOUT" + w.one("", " WITH (FORMAT csv)", " WITH (FORMAT binary)")
	}
	return "COPY " + r.name + " (" + r.key + ") FROM STDIN"
}
