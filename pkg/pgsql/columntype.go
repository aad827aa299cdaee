package pgsql

import (
	"strconv"
	"strings"
)

// columnType is a column's type as the catalog tells it; a domain's base type.
type columnType struct {
	schema, name string // of the type, or of an array's elements
	shown        string // format_type's, with the modifier
	array        bool
	category     string
}

// keywordTypes begin the types that format_type writes in SQL's own words: those mean pg_catalog's whatever the search path.
const keywordTypes = "character varying,character,bit varying,bit,numeric,time,timestamp,interval,double precision,real,smallint,integer,bigint,boolean"

// sql is the type as it is written in a cast, so that the search path can't change its meaning.
func (t columnType) sql() string {
	base := strings.TrimSuffix(t.shown, "[]")
	if t.schema == "pg_catalog" {
		for word := range strings.SplitSeq(keywordTypes, ",") {
			rest, ok := strings.CutPrefix(base, word)
			if ok && (rest == "" || rest[0] == '(' || rest[0] == ' ') {
				return t.shown
			}
		}
		if t.name == "anyarray" {
			return "pg_catalog.text[]"
		}
	}
	out := quoteIdent(t.schema) + "." + quoteIdent(t.name)
	if open := strings.IndexByte(base, '('); open >= 0 {
		out += base[open:]
	}
	if t.array {
		out += "[]"
	}
	return out
}

// holds is how many characters the type can hold: -1 for any number, 0 where it is no text.
func (t columnType) holds() int {
	if t.array || t.category != "S" || t.name == "char" {
		return 0
	}
	open, shut := strings.IndexByte(t.shown, '('), strings.IndexByte(t.shown, ')')
	if open < 0 || shut < open {
		return -1
	}
	n, err := strconv.Atoi(t.shown[open+1 : shut])
	if err != nil {
		return 0
	}
	return n
}

// sortable says whether GROUP BY takes the type. In doubt not: then Postgres says what is missing.
func (t columnType) sortable() bool {
	switch t.name {
	case "json", "xml", "point", "box", "path", "polygon", "lseg", "line", "circle", "aclitem", "jsonpath", "txid_snapshot", "pg_snapshot":
		return false
	}
	return t.schema == "pg_catalog" || t.category == "E"
}
