package postgres_test

import "github.com/jackc/pgproto3/v2"

// state is one that a session may be in, by the messages that lead to it.
type state struct {
	name string
	into []encoder
	// reached are the types of the answers, without notices and settings, after which the session is in it.
	reached string
}

type (
	copyData = pgproto3.CopyData
	copyDone = pgproto3.CopyDone
	copyFail = pgproto3.CopyFail
)

// bytesOf is a message, or what is none, byte by byte.
type bytesOf []byte

func (b bytesOf) Encode(dst []byte) ([]byte, error) { return append(dst, b...), nil }

// The texts of the table. Each side of a comparison has the same table of rows, empty before each cell.
const (
	takesCopy = "COPY cells FROM STDIN"
	inserts   = "INSERT INTO cells VALUES (2)"
	fails     = "SELECT 1/0"
	threeRows = "SELECT generate_series(1, 3) AS n"
)

// states are those of a session that is signed in. What comes before that is in startuptable_test.go.
func states() []state {
	begin, three := &query{String: "BEGIN"}, &parse{Query: threeRows}
	data, wrong := &copyData{Data: []byte("7\n")}, &copyData{Data: []byte("x\n")}
	extendedCopy := []encoder{&parse{Query: takesCopy}, &bind{}, &execute{}}
	with := func(first []encoder, more ...encoder) []encoder {
		return append(first[:len(first):len(first)], more...)
	}
	return []state{
		{"idle", nil, ""},
		{"in a transaction", []encoder{begin}, "CZ"},
		{"in a transaction that wrote", []encoder{begin, &query{String: inserts}}, "CZCZ"},
		{"in a failed transaction", []encoder{begin, &query{String: fails}}, "CZEZ"},
		{"with prepared statements", []encoder{
			&parse{Name: "s", Query: threeRows}, &parse{Name: "w", Query: inserts}, &parse{Name: "v", Query: "SELECT $1::int + $2::int AS sum"}, &syncing{},
		}, "111Z"},
		{"with an open portal", []encoder{begin, three, &bind{DestinationPortal: "p"}, &parse{Name: "s", Query: inserts}, &syncing{}}, "CZ121Z"},
		{"with a cursor", []encoder{begin, &query{String: "DECLARE p CURSOR FOR " + threeRows}}, "CZCZ"},
		{"with names of SQL", []encoder{&query{String: "PREPARE s AS " + inserts}, &query{String: "PREPARE v(int, int) AS SELECT $1 + $2"}}, "CZCZ"},
		{"a statement parsed", []encoder{three, &flush{}}, "1"},
		{"a portal bound", []encoder{three, &bind{}, &flush{}}, "12"},
		{"a batch that wrote", []encoder{&parse{Query: inserts}, &bind{}, &execute{}, &flush{}}, "12C"},
		{"a batch that nobody asked for", []encoder{&parse{Query: inserts}, &bind{}, &execute{}}, ""},
		{"skipping until Sync", []encoder{&parse{Query: "SELECT nosuch"}, &flush{}}, "E"},
		{"skipping in a transaction", []encoder{begin, &bind{PreparedStatement: "nosuch"}, &flush{}}, "CZE"},
		{"skipping after a write", []encoder{&parse{Query: inserts}, &bind{}, &execute{}, &execute{Portal: "nosuch"}, &flush{}}, "12CE"},
		{"a portal suspended", []encoder{three, &bind{}, &execute{MaxRows: 1}, &flush{}}, "12Ds"},
		{"a portal suspended in a transaction", []encoder{begin, three, &bind{DestinationPortal: "p"}, &execute{Portal: "p", MaxRows: 1}, &syncing{}}, "CZ12DsZ"},
		{"COPY in", []encoder{&query{String: takesCopy}}, "G"},
		{"COPY in, with data", []encoder{&query{String: takesCopy}, data}, "G"},
		{"COPY in, in a transaction", []encoder{begin, &query{String: takesCopy}, data}, "CZG"},
		{"COPY in that failed", []encoder{&query{String: takesCopy}, wrong, data, &copyDone{}}, "GEZ"},
		{"COPY in that was given up", []encoder{&query{String: takesCopy}, data, &copyFail{Message: "no"}}, "GEZ"},
		{"COPY in by a batch", with(extendedCopy, &flush{}), "12G"},
		{"COPY in by a batch, with its Sync", with(extendedCopy, &syncing{}, data), "12G"},
		{"COPY in by a batch, done", with(extendedCopy, data, &copyDone{}, &flush{}), "12GC"},
		{"COPY in by a batch, given up", with(extendedCopy, data, &copyFail{Message: "no"}), "12GE"},
		{"COPY out", []encoder{&query{String: "COPY (" + threeRows + ") TO STDOUT"}}, "HdddcCZ"},
		{"COPY out, unread", []encoder{&query{String: "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 300)) TO STDOUT"}}, ""},
		{"COPY out by a batch", []encoder{&parse{Query: "COPY (" + threeRows + ") TO STDOUT"}, &bind{}, &execute{}, &flush{}}, "12HdddcC"},
		{"running", []encoder{&query{String: "SELECT pg_sleep(0.01)"}}, ""},
		{"running a batch", []encoder{&parse{Query: "SELECT pg_sleep(0.01)"}, &bind{}, &execute{}}, ""},
	}
}
