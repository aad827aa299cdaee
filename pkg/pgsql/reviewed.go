package pgsql

import (
	_ "embed"
	"strings"
	"sync"
)

// The reviewed lists name what of pg_catalog may be used, each with its effect. They were generated from PostgreSQL 15's
// catalog and then read by hand, and are compared with what servers 13 to 18 have; what is not on them is foreign code, or data that nobody has looked at.
// A function that takes SQL, or the name of a relation that it reads, is "execute" whatever its volatility says.
var (
	//go:embed functions.txt
	functionsText string
	//go:embed systemrelations.txt
	systemRelationsText string
)

var (
	reviewedFunctions = sync.OnceValue(func() map[string]string { return readPairs(functionsText) })
	systemRelations   = sync.OnceValue(func() map[string]string { return readPairs(systemRelationsText) })
)

func readPairs(text string) map[string]string {
	pairs := map[string]string{}
	for line := range strings.Lines(text) {
		if name, effect, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			pairs[name] = effect
		}
	}
	return pairs
}

// builtinTypes are the types of pg_catalog whose input and casts run no foreign code.
// The reg* types look names up; refcursor names a cursor and opens none.
var builtinTypes = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`bool bytea char name int8 int2 int2vector int4 text oid tid xid xid8 cid oidvector json jsonb jsonpath xml
		point lseg path box polygon line circle float4 float8 money macaddr macaddr8 inet cidr bpchar varchar date time timetz timestamp timestamptz
		interval bit varbit numeric refcursor uuid pg_lsn tsvector tsquery gtsvector regproc regprocedure regoper regoperator regclass regcollation
		regtype regrole regnamespace regconfig regdictionary int4range numrange tsrange tstzrange daterange int8range int4multirange nummultirange
		tsmultirange tstzmultirange datemultirange int8multirange txid_snapshot pg_snapshot aclitem record void unknown anyelement anyarray
		serial serial2 serial4 serial8 smallserial bigserial`) {
		set[name] = true
	}
	return set
})
