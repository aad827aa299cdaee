package pgsql

import (
	"maps"
	"slices"
	"strings"
)

// Catalog is an immutable snapshot of what a target's system catalog says, as far as understanding and masking need it.
type Catalog struct {
	Version   string // changes when anything in it does
	Lasting   string // changes when anything in it does that is not in somebody's temporary schema
	Server    int    // server_version_num, such as 150018
	Database  string
	Relations map[uint32]*Relation

	byName     map[[2]string]*Relation // schema and relation
	byObject   map[string][]*Relation  // "schema.relation", as accesses name it
	children   map[uint32][]uint32     // of inheritance and partitions
	system     map[string]bool         // "schema.relation" of pg_catalog and information_schema
	systemOIDs map[uint32]string
	builtin    map[string]bool     // names of pg_catalog's own functions
	functions  map[string][]string // name -> schemas of user-defined functions, those of extensions too
	operators  map[string][]string // name -> schemas of user-defined operators, without those of extensions
	types      map[string][]string // name -> schemas of user-defined types, domains and rows included
	casts      map[string]bool     // names of types that a user-defined cast takes or makes, without those of extensions

	moves map[string]bool // "schema.function" of those that may change what names mean, or who runs what follows

	masks maskMemo
}

// Relation is a table, view, materialised view, foreign or partitioned table of the user's schemas.
type Relation struct {
	OID       uint32
	Schema    string
	Name      string
	Kind      byte // pg_class.relkind: r, p, v, m, f, S
	Temporary bool
	Columns   []Column // in order, without dropped ones
	Key       []string // columns of the primary key
	Parents   []uint32 // inheritance and partitions
	Splits    []int16  // columns that its rows are partitioned by; 0 stands for any
	Reads     []uint32 // relations that a view reads; what those read is in theirs
	Calls     bool     // a view that calls functions of somebody's own, or built-in ones that do more than read
	Triggers  bool     // user-defined triggers
	Rules     bool     // rewrite rules other than a view's own
	RowCheck  bool     // the atomic check can be made: no column has a domain type
	Code      []Code   // what it runs of itself that is on no reviewed list
	Cascades  []Cascade
	ties      []tie
	defaults  []int16 // columns with a default
	indexes   map[uint32]*orderedIndex
	firsts    bool     // a view whose definition depends on the order in which rows come
	policies  bool     // row security is on
	placed    bool     // the connected role may read where its rows lie (ctid)
	lineage   *lineage // of a view or materialised view; nil where it can't be told
}

// Column is one column of a relation.
type Column struct {
	Name      string
	Number    int16
	Type      string // to cast to, qualified, with its modifier; a domain's base type
	Collation string // to write after COLLATE; "" for the type's own
	Holds     int    // characters that the type can hold: -1 no limit, 0 not a text type
	NotNull   bool
	Readable  bool    // the connected role may SELECT it
	Sortable  bool    // it has an equality operator, so GROUP BY takes it
	Generated bool    // GENERATED ALWAYS AS (…) STORED
	From      []int16 // the columns that it is generated from
	compares  string  // its kind for row filters; "" where they don't compare it
}

// Qualified is "schema.relation".
func (r *Relation) Qualified() string { return r.Schema + "." + r.Name }

func (r *Relation) column(name string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}

// reaches says whether a relation is a system relation or reads it, through however many views.
func (c *Catalog) reaches(r *Relation, system string, seen map[uint32]bool) bool {
	if r == nil || seen[r.OID] {
		return false
	}
	seen[r.OID] = true
	for _, oid := range r.Reads {
		if c.systemOIDs[oid] == system || c.reaches(c.Relations[oid], system, seen) {
			return true
		}
	}
	return false
}

// readsSystem says whether a view reads a system relation, at whatever depth.
func (c *Catalog) readsSystem(r *Relation, seen map[uint32]bool) bool {
	if r == nil || seen[r.OID] {
		return false
	}
	seen[r.OID] = true
	return slices.ContainsFunc(r.Reads, func(oid uint32) bool {
		return c.systemOIDs[oid] != "" || c.readsSystem(c.Relations[oid], seen)
	})
}

// finish builds the maps by name.
func (c *Catalog) finish() {
	c.byName = make(map[[2]string]*Relation, len(c.Relations))
	for _, r := range c.Relations {
		c.byName[[2]string{r.Schema, r.Name}] = r
	}
	c.byObject, c.children = map[string][]*Relation{}, map[uint32][]uint32{}
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		c.byObject[r.Qualified()] = append(c.byObject[r.Qualified()], r)
		for _, parent := range r.Parents {
			c.children[parent] = append(c.children[parent], oid)
		}
	}
}

// name is a relation that a statement names, as far as it could be resolved.
type name struct {
	object   string // "schema.relation"
	schema   string
	relation *Relation // nil for system relations and where no catalog knows it
	system   string    // the reviewed effect of reading a system relation; "" for others
	known    bool
}

// names resolves what statements name in one session.
type names struct {
	catalog *Catalog
	path    []string // schemas in the order of search, the implicit ones too
}

func newNames(env Env) names {
	n := names{catalog: env.Catalog, path: env.SearchPath}
	if len(n.path) == 0 {
		n.path = []string{"pg_catalog", "public"}
	}
	for _, schema := range n.path {
		if schema == "pg_catalog" {
			return n
		}
	}
	n.path = append([]string{"pg_catalog"}, n.path...)
	return n
}

// relation resolves a RangeVar's two names.
func (n names) relation(schema, relation string) name {
	if schema == "pg_temp" {
		schema = n.temporary()
	}
	if schema != "" {
		return n.in(schema, relation)
	}
	for _, s := range n.path {
		if found := n.in(s, relation); found.known {
			return found
		}
	}
	if n.catalog == nil && strings.HasPrefix(relation, "pg_") {
		return name{object: "pg_catalog." + relation, system: Admin} // in doubt one that nobody has reviewed
	}
	return name{object: n.home() + "." + relation}
}

// hides says whether an unqualified name that was found in a schema would mean another relation, were the first one gone.
func (n names) hides(found name, relation string) bool {
	behind := false
	for _, s := range n.path {
		if behind && n.in(s, relation).known {
			return true
		}
		behind = behind || s == found.schema
	}
	return false
}

// temporary is the session's own temporary schema; "pg_temp" where it has none yet.
func (n names) temporary() string {
	for _, s := range n.path {
		if strings.HasPrefix(s, "pg_temp_") {
			return s
		}
	}
	return "pg_temp"
}

// home is the schema that unqualified new objects go to.
func (n names) home() string {
	for _, s := range n.path {
		if !systemSchema(s) && !strings.HasPrefix(s, "pg_temp") {
			return s
		}
	}
	return "public"
}

func systemSchema(schema string) bool {
	return schema == "pg_catalog" || schema == "information_schema" || strings.HasPrefix(schema, "pg_toast")
}

func (n names) in(schema, relation string) name {
	out := name{object: schema + "." + relation, schema: schema}
	if systemSchema(schema) {
		effect, reviewed := systemRelations()[out.object]
		out.known = reviewed || n.catalog != nil && n.catalog.system[out.object] || strings.HasPrefix(schema, "pg_toast")
		if out.system = effect; effect == "" {
			out.system = Admin
		}
		if n.catalog != nil {
			out.relation = n.catalog.byName[[2]string{schema, relation}]
		}
		return out
	}
	if n.catalog != nil {
		out.relation = n.catalog.byName[[2]string{schema, relation}]
		out.known = out.relation != nil
	}
	if relation == "pg_stat_statements" || relation == "pg_stat_statements_info" {
		out.system = Admin // other people's statements, with their literals
	}
	return out
}

// foreign says whether one of the schemas where something of a name is defined can be meant by it here.
// An unqualified name means the best match of the whole path, so one in any schema of the path is enough.
func (n names) foreign(schemas []string, qualifier string) bool {
	for _, s := range schemas {
		if qualifier == s || qualifier == "pg_temp" && strings.HasPrefix(s, "pg_temp_") {
			return true
		}
		if qualifier != "" {
			continue
		}
		for _, p := range n.path {
			if p == s {
				return true
			}
		}
	}
	return false
}
