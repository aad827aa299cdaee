// Package pgsql understands PostgreSQL's SQL: text to commands, effects, relations and functions, and text rewritten
// so that masked columns do not exist for the person who reads. What it can't understand it refuses.
package pgsql

// Effects, the words of DESIGN.md section 7.
const (
	Read      = "read"
	Write     = "write"
	Delete    = "delete"
	Schema    = "schema"
	Privilege = "privilege"
	Execute   = "execute"
	Transfer  = "transfer"
	Session   = "session"
	Admin     = "admin"
	Unknown   = "unknown"
)

// Access is one effect on one object ("schema.relation", or "" for an effect without one).
type Access struct {
	Effect, Object string
	// Through: the statement does not name the relation, but reaches it through one that it names: what a view reads, the
	// children of a parent, the parents of a child.
	Through bool
	// By says what runs a function that the statement does not name: "trigger touch of public.users".
	By string
}

// MaskAs says what a masked column shows.
type MaskAs string

// What a masked column shows: ***, NULL, or *** with the last four characters.
const (
	Redact MaskAs = "redact"
	Null   MaskAs = "null"
	Last4  MaskAs = "last4"
)

// ColumnMask is one masked column after patterns were resolved against a catalog.
type ColumnMask struct {
	As       MaskAs
	Writable bool
}

// Masks holds the masked columns of each relation, by the relation's OID and the column's name, and the filters of its rows.
// It is made by Catalog.Masks from patterns, already spread to inheritance, partitions, generated columns and views.
type Masks struct {
	Columns map[uint32]map[string]ColumnMask
	// Rows are the filters of each relation: a row is left where all of them hold.
	Rows map[uint32][]Condition
	// Opaque are relations that can't be read: views whose rows depend on masked values or that can't be seen through.
	Opaque map[uint32]string // why, for the refusal
	// instead is what would work in the place of an opaque relation.
	instead map[uint32]string
	// beneath names a relation with masked columns, or an opaque one, that a view reads, at whatever depth.
	beneath map[uint32]string
	// split names, for relations that are partitioned by a masked column and for their partitions, that column.
	split map[uint32]string
	// scattered are relations whose rows lie in an order that a masked column decides: those of split, what they are partitions of, and
	// tables that were put into the order of an index.
	scattered map[uint32]string
	// led are the columns of relations by which an index could be looked through that is ordered by a masked column; ordered are
	// the views over such relations.
	led map[uint32]map[string]bool
	// within are the columns of such indexes, all of them: an index answers alone what asks for nothing else.
	within  map[uint32]map[string]bool
	ordered map[uint32]bool
	// chosen are relations whose rows row security, or a view's own definition, could look up in such an index, which it names.
	chosen map[uint32]string
	// counted is what masked values decide the rows of: an index, by a masked column, or a materialised view, which the server also
	// keeps statistics of. "" where there is none.
	counted     string
	countedView bool
	// traced is what how much a write writes tells of: a stored generated column that masked values decide, and others that may be written.
	traced string
	// trusted are functions that writes may run by themselves.
	trusted []string
}

// Env is what a text is understood in.
type Env struct {
	// Catalog is nil where no server is at hand (`hoopd policy test`): names stand as written, unqualified ones in "public".
	Catalog *Catalog
	// SearchPath is what current_schemas(true) answered in the session.
	SearchPath []string
	Masks      *Masks // nil: nothing is masked
	// ReadOnly: the session runs in the read-only lane; what would undo default_transaction_read_only is refused.
	ReadOnly bool
	// Unrestricted: nothing is masked, and the policy allows this person everything, whatever it names. Then what can't be told
	// is the effect unknown, which only such a policy allows, and no Problem. It is false where that isn't sure.
	Unrestricted bool
	// Prepared and Cursor answer what an EXECUTE or a FETCH of that name would continue. Nil functions know no name.
	Prepared func(name string) ([]Access, bool)
	Cursor   func(name string) ([]Access, bool)
}

// Name of what a statement changes in the session's own name spaces, or uses from them.
type NameUse struct {
	Op   NameOp
	Name string // "" with DeallocateAll and the like
}

// NameOp is what happens to a name.
type NameOp uint8

// What can happen to a name. DiscardAll drops prepared statements and cursors both.
const (
	NoName NameOp = iota
	Prepare
	ExecutePrepared
	Deallocate
	DeallocateAll
	DeclareCursor
	FetchCursor
	CloseCursor
	CloseAllCursors
)

// Transaction is what a statement does to the transaction.
type Transaction uint8

// What a statement does to the transaction. Opens covers BEGIN, START TRANSACTION, SET TRANSACTION and SAVEPOINT:
// what may stand before a hold.
const (
	NoTransaction Transaction = iota
	Opens
	Commits
	RollsBack // ROLLBACK and ROLLBACK TO
)

// Statement is one SQL statement of a text.
type Statement struct {
	Command   string   // lower case: "select", "insert", "copy", "create table", …
	Inside    []string // "insert", "update", "delete" and "merge" that stand inside another command and would run, sorted
	Accesses  []Access // sorted, without repeats, never empty
	Filter    string   // UPDATE and DELETE: "none", "constant", "some"
	Functions []string // qualified, sorted
	Relations int      // how many different relations it names
	Names     NameUse
	Tx        Transaction
	Changes   int  // how many INSERT, UPDATE, DELETE and MERGE are in it, itself and those in WITH
	Cascades  bool // its foreign keys may change rows that its tag does not count
	CopyIn    bool // COPY … FROM STDIN
	CopyOut   bool // COPY … TO STDOUT
	// ChangesCatalog: DDL, temporary objects too; the catalog must be read again before the next name is resolved.
	ChangesCatalog bool
	// ChangesRole: from here on the session may run as another role, or without its triggers. Only one who may do everything
	// gets this far with it.
	ChangesRole bool
	// Imports: SET TRANSACTION SNAPSHOT, from which on the transaction reads what was committed at some time before it began.
	Imports bool
	// Reviewed: every function and operator in it is on the reviewed lists, so that planning it runs no foreign code.
	Reviewed bool
	// TargetMasked: it writes to a relation with masked columns, so the free text of errors is replaced.
	TargetMasked bool
	// Inner are the accesses of a PREPARE's or a cursor's own statement: what EXECUTE and FETCH of Names.Name continue.
	Inner []Access
}

// Analysis is what is known of a text. Texts with a Problem must not be sent.
type Analysis struct {
	Text       string
	Statements []Statement // none for an empty query
	Normal     string      // normal form: constants as written, comments dropped, spaces folded
	// Recorded is Text with password literals, and literals compared with or written to masked columns, blanked.
	Recorded string
	// BlankParams are the numbers (from 1) of parameters that are compared with or written to masked columns.
	BlankParams []int
	Rewritten   string   // what to send: Text where nothing had to be changed
	Masked      []string // "schema.table.column" of the masked columns of all relations that were read, sorted
	Warnings    []string // "email is masked for you; this condition compares the mask"
	Problem     *Problem
	// Personal: it depends on what prepared statements and cursors of the session are named now, so it must not be kept.
	Personal bool
}

// Problem says why a text can't be sent, in words for the person who wrote it.
type Problem struct {
	SQLState string // "42601", "42501", "42P01", "54001", "22021", …
	Message  string
	Hint     string // what would work
	Rule     string // "unparsable", "limits", "mask", "names", "session" …: stands where a policy rule's name would
	Position int    // character in Text, from 1; 0 unknown
}
