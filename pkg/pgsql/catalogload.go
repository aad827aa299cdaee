package pgsql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// maxCatalogRows bounds each query: a larger catalog is refused rather than held in part.
const maxCatalogRows = 500_000

var errCatalogTooLarge = errors.New("the catalog has more than 500,000 rows of one kind")

// LoadCatalog reads a snapshot over conn, which must be idle or in a transaction, as the role that sessions run as:
// whether a column may be read depends on it. It changes nothing in the session.
func LoadCatalog(ctx context.Context, conn *pgconn.PgConn) (*Catalog, error) {
	l := &catalogLoad{ctx: ctx, conn: conn, sum: sha256.New(), lasting: sha256.New(), builtins: map[uint32]string{}, foreign: map[uint32]string{}, total: totalFunctions{}, c: &Catalog{
		Relations: map[uint32]*Relation{}, system: map[string]bool{}, systemOIDs: map[uint32]string{}, functions: map[string][]string{}, builtin: map[string]bool{},
		operators: map[string][]string{}, types: map[string][]string{}, casts: map[string]bool{}, checks: map[uint32]string{}, moves: map[string]bool{},
	}}
	for _, step := range []struct {
		what, query string
		row         func(cells)
		lasts       func(cells) bool // nil: all of it does
	}{
		{"server", serverQuery, l.server, nil}, {"relations", relationsQuery, l.relation, l.known}, {"columns", columnsQuery, l.column, l.known},
		{"keys", keysQuery, l.key, l.known}, {"inheritance", inheritanceQuery, l.parent, l.known}, {"partition keys", splitsQuery, l.split, l.known},
		{"indexes", indexesQuery, l.index, l.known}, {"built-in functions", builtinQuery, l.builtin, nil},
		{"functions", functionsQuery, l.function, lasts}, {"views", viewsQuery, l.view, l.known}, {"views' rules", viewRulesQuery, l.viewRule, l.known},
		{"generated columns", generatedQuery, l.generated, l.known}, {"system relations", systemQuery, l.system, nil},
		{"relations' own code", codeQuery, l.code, l.known}, {"cascades", cascadesQuery, l.cascade, l.known}, {"operators", operatorsQuery, l.named(l.c.operators), lasts},
		{"types", typesQuery, l.named(l.c.types), lasts}, {"casts", castsQuery, l.cast, nil},
	} {
		if err := l.each(step.query, step.row, step.lasts); err != nil {
			return nil, fmt.Errorf("read the catalog's %s: %w", step.what, err)
		}
	}
	l.c.Version, l.c.Lasting = hex.EncodeToString(l.sum.Sum(nil)[:16]), hex.EncodeToString(l.lasting.Sum(nil)[:16])
	l.c.finish()
	return l.c, nil
}

// Signature changes when anything does that a Catalog holds, and never becomes again what it was. It is cheap enough to be asked
// every two seconds. VACUUM and ANALYZE don't change it.
type Signature struct {
	All     string
	Lasting string // of all but what belongs to temporary relations, or is in their schemas
}

// ReadSignature reads it over conn, which must be idle or in a transaction.
func ReadSignature(ctx context.Context, conn *pgconn.PgConn) (Signature, error) {
	l := &catalogLoad{ctx: ctx, conn: conn, sum: sha256.New(), lasting: sha256.New()}
	if err := l.each(signatureQuery, func(cells) {}, func(r cells) bool { return r.flag(0) }); err != nil {
		return Signature{}, fmt.Errorf("read the catalog's signature: %w", err)
	}
	return Signature{hex.EncodeToString(l.sum.Sum(nil)[:16]), hex.EncodeToString(l.lasting.Sum(nil)[:16])}, nil
}

// cells is a row of text values; NULL is empty.
type cells [][]byte

func (c cells) text(i int) string { return string(c[i]) }

func (c cells) flag(i int) bool { return string(c[i]) == "t" }

func (c cells) number(i int) int {
	n, err := strconv.Atoi(string(c[i]))
	if err != nil {
		return 0
	}
	return n
}

func (c cells) oid(i int) uint32 { return uint32(c.number(i)) }

type catalogLoad struct {
	ctx  context.Context
	conn *pgconn.PgConn
	sum  hash.Hash
	// lasting is the sum of what is in nobody's temporary schema.
	lasting hash.Hash
	c       *Catalog
	// builtins are the names of the functions that initdb made, by their OIDs; total those of them that can't fail.
	// foreign are all others, qualified.
	builtins, foreign map[uint32]string
	total             totalFunctions
}

// each reads the rows of a query. lasts says of one whether it belongs to what is in nobody's temporary schema.
func (l *catalogLoad) each(query string, row func(cells), lasts func(cells) bool) error {
	count, sum := 0, []byte(nil)
	reader := l.conn.Exec(l.ctx, query)
	for reader.NextResult() {
		result := reader.ResultReader()
		for result.NextRow() {
			if count++; count > maxCatalogRows {
				break
			}
			sum = sum[:0]
			for _, v := range result.Values() {
				sum = append(append(strconv.AppendInt(sum, int64(len(v)), 10), ':'), v...)
			}
			l.sum.Write(sum)
			row(cells(result.Values()))
			if lasts == nil || lasts(result.Values()) {
				l.lasting.Write(sum)
			}
		}
		if _, err := result.Close(); err != nil {
			return errors.Join(err, reader.Close())
		}
	}
	if err := reader.Close(); err != nil {
		return err
	}
	if count > maxCatalogRows {
		return errCatalogTooLarge
	}
	return nil
}

// known says of a row that is about a relation whether that is one of the catalog's and lasts: what is said of others, such as those
// in temporary schemas of other sessions, says nothing.
func (l *catalogLoad) known(r cells) bool {
	rel := l.c.Relations[r.oid(0)]
	return rel != nil && !rel.Temporary
}

// lasts says the same of a row that begins with a schema.
func lasts(r cells) bool { return !strings.HasPrefix(r.text(0), "pg_temp_") }

func (l *catalogLoad) server(r cells) { l.c.Server, l.c.Database = r.number(0), r.text(1) }

func (l *catalogLoad) relation(r cells) {
	l.c.Relations[r.oid(0)] = &Relation{OID: r.oid(0), Schema: r.text(1), Name: r.text(2), Kind: r[3][0], Temporary: r.flag(4), Triggers: r.flag(5), Rules: r.flag(6), policies: r.flag(7), placed: r.flag(8), RowCheck: true}
}

func (l *catalogLoad) column(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	c := Column{Name: r.text(2), Number: int16(r.number(1)), NotNull: r.flag(9), Generated: r.text(10) != "", Virtual: r.text(10) == "v", Readable: r.flag(11), domain: r.flag(8), typ: r.oid(14), long: r.flag(15)}
	typ := columnType{schema: r.text(3), name: r.text(4), shown: r.text(5), array: r.flag(6), category: r.text(7)}
	c.Type, c.Holds, c.Sortable, c.compares = typ.sql(), typ.holds(), typ.sortable(), typ.compares()
	if r.text(12) != "" {
		c.Collation = quoteIdent(r.text(12)) + "." + quoteIdent(r.text(13))
	}
	rel.RowCheck = rel.RowCheck && !r.flag(8)
	rel.Columns = append(rel.Columns, c)
}

func (l *catalogLoad) key(r cells) {
	if rel := l.c.Relations[r.oid(0)]; rel != nil {
		rel.Key = append(rel.Key, r.text(1))
	}
}

func (l *catalogLoad) parent(r cells) {
	if rel := l.c.Relations[r.oid(0)]; rel != nil {
		rel.Parents = append(rel.Parents, r.oid(1))
	}
}

func (l *catalogLoad) split(r cells) {
	if rel := l.c.Relations[r.oid(0)]; rel != nil {
		rel.Splits = append(rel.Splits, int16(r.number(1)))
	}
}

func (l *catalogLoad) index(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	if rel.indexes == nil {
		rel.indexes = map[uint32]*orderedIndex{}
	}
	at := rel.indexes[r.oid(1)]
	if at == nil {
		at = &orderedIndex{}
		rel.indexes[r.oid(1)] = at
	}
	switch column := int16(r.number(2)); r.text(3) {
	case "key":
		at.keys = append(at.keys, column)
	case "laid":
		at.laid = true
	case "where":
		at.where = append(at.where, column)
	case "finds":
		at.finds = append(at.finds, column)
	default:
		at.besides = append(at.besides, column)
	}
}

func (l *catalogLoad) view(r cells) {
	rel := l.c.Relations[r.oid(0)]
	switch {
	case rel == nil:
	case r.flag(2):
		rel.Calls = true
	default:
		rel.Reads = append(rel.Reads, r.oid(1))
	}
}

// viewRule is what a view's rule says: what it reads and calls, and where its columns come from.
func (l *catalogLoad) viewRule(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	rule, err := parseStored(r.text(1))
	if err != nil {
		rel.Calls = true
		return
	}
	rule.walk(func(n *stored) bool { // by all that it names, whether its lineage can be told or not
		if oid, ok := n.number("relid"); ok && oid != 0 && uint32(oid) != rel.OID && !slices.Contains(rel.Reads, uint32(oid)) {
			rel.Reads = append(rel.Reads, uint32(oid))
		}
		rel.firsts = rel.firsts || l.firsts(n)
		return true
	})
	l.addCode(rel, runsReading, "the definition of "+rel.Qualified(), rule)
	rel.Calls = rel.Calls || len(rel.Code) > 0
	rel.lineage = lineageOf(rel.OID, rule, l.total, l.computed)
}

// computed says of a column of a relation that it stands for an expression: of a view, or a virtual one.
func (l *catalogLoad) computed(relation uint32, column int16) bool {
	rel := l.c.Relations[relation]
	if rel == nil {
		return false // the server's own
	}
	c := rel.numbered(column)
	return rel.Kind == 'v' || c == nil || c.Virtual
}

func (l *catalogLoad) generated(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	for i := range rel.Columns {
		if int(rel.Columns[i].Number) == r.number(1) {
			rel.Columns[i].From = append(rel.Columns[i].From, int16(r.number(2)))
		}
	}
}

func (l *catalogLoad) system(r cells) {
	l.c.system[r.text(1)+"."+r.text(2)] = true
	l.c.systemOIDs[r.oid(0)] = r.text(1) + "." + r.text(2)
}

func (l *catalogLoad) named(into map[string][]string) func(cells) {
	return func(r cells) { into[r.text(1)] = append(into[r.text(1)], r.text(0)) }
}

func (l *catalogLoad) function(r cells) {
	if schemas := l.c.functions[r.text(1)]; !slices.Contains(schemas, r.text(0)) {
		l.c.functions[r.text(1)] = append(schemas, r.text(0))
	}
	if r.flag(3) {
		l.c.moves[r.text(0)+"."+r.text(1)] = true
	}
	if l.builtins[r.oid(2)] == "" || r.text(0) != "pg_catalog" {
		l.foreign[r.oid(2)] = r.text(0) + "." + r.text(1)
	}
}

func (l *catalogLoad) builtin(r cells) {
	l.builtins[r.oid(0)] = r.text(1)
	if r.flag(3) {
		l.c.builtin[r.text(1)] = true
		if constant, total := reviewedTotal()[r.text(1)+" "+r.text(2)]; total {
			l.total[r.oid(0)] = constant
		}
	}
}

func (l *catalogLoad) cast(r cells) {
	l.c.casts[r.text(0)] = true
	if oid := r.oid(1); oid != 0 {
		l.c.checks[oid] = r.text(0)
	}
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
