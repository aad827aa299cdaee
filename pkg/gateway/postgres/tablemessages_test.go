package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/jackc/pgproto3/v2"
)

// move is a message that a client may send in any state, or what is none.
type move struct {
	name string
	say  encoder
}

// moves are the messages of the protocol in all their variants, and in every state what is none. Where a body is malformed
// does not depend on the state, but for those in which bodies are not read.
func moves(in state) []move {
	all := append(sound(), stray()...)
	switch in.name {
	case "idle", "in a transaction", "a portal bound", "skipping until Sync", "COPY in":
		all = append(all, malformed()...)
	}
	return all
}

// sound are those that a client may send.
func sound() []move {
	moves := []move{
		{"Sync", &syncing{}}, {"Flush", &flush{}}, {"Terminate", &pgproto3.Terminate{}}, {"FunctionCall", &pgproto3.FunctionCall{Function: 1200}}, {"FunctionCall of NULL", bytesOf(message('F', "\x00\x00\x06\x3e\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00"))},
		{"CopyData", &copyData{Data: []byte("8\n")}}, {"CopyData of nothing", &copyData{}}, {"CopyData that ends it", &copyData{Data: []byte("9\n\\.\n")}},
		{"CopyData that does not fit", &copyData{Data: []byte("y\n")}}, {"CopyDone", &copyDone{}}, {"CopyFail", &copyFail{Message: "given up"}},
	}
	for _, text := range []string{
		"", " -- nothing", ";", "SELECT 1 AS one", inserts, fails, "SELEC 1", "SELECT * FROM nosuch", "SELECT 1; " + inserts, inserts + "; " + fails, "BEGIN; " + inserts,
		"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "ROLLBACK TO a", takesCopy, "COPY (" + threeRows + ") TO STDOUT", "COPY nosuch FROM STDIN",
		"PREPARE s AS " + threeRows, "EXECUTE s", "EXECUTE v(1, 2)", "DEALLOCATE s", "DEALLOCATE ALL", "DECLARE p CURSOR FOR " + threeRows, "DECLARE p CURSOR WITH HOLD FOR " + threeRows, "FETCH 1 FROM p", "CLOSE p",
		"NOTIFY cells, 'hello'", "DROP TABLE IF EXISTS nosuch", "SET application_name TO here", "SET LOCAL application_name TO here",
	} {
		moves = append(moves, move{"Query " + text, &query{String: text}})
	}
	for _, name := range []string{"", "s"} {
		for _, text := range []string{threeRows, inserts, fails, "SELEC 1", "", "SELECT 1; SELECT 2", "SELECT $1::int + $2::int", "COMMIT", "BEGIN", takesCopy} {
			moves = append(moves, move{fmt.Sprintf("Parse %q %s", name, text), &parse{Name: name, Query: text}})
		}
		for _, portal := range []string{"", "p"} {
			moves = append(moves, move{fmt.Sprintf("Bind %q to %q", portal, name), &bind{DestinationPortal: portal, PreparedStatement: name}})
		}
	}
	return append(append(moves, binds()...), namings()...)
}

func binds() []move {
	two := [][]byte{[]byte("3"), []byte("4")}
	return []move{
		{"Parse with types", &parse{Query: "SELECT $1", ParameterOIDs: []uint32{23}}}, {"Parse with a type that does not exist", &parse{Query: "SELECT $1", ParameterOIDs: []uint32{4242}}},
		{"Bind to what writes", &bind{PreparedStatement: "w"}}, {"Bind to nothing", &bind{PreparedStatement: "nosuch"}},
		{"Bind with values", &bind{PreparedStatement: "v", Parameters: two}}, {"Bind with values, binary", &bind{PreparedStatement: "v", Parameters: [][]byte{{0, 0, 0, 3}, nil}, ParameterFormatCodes: []int16{1}}},
		{"Bind with values, mixed", &bind{PreparedStatement: "v", Parameters: [][]byte{{0, 0, 0, 3}, []byte("4")}, ParameterFormatCodes: []int16{1, 0}, ResultFormatCodes: []int16{1}}},
		{"Bind with too few values", &bind{PreparedStatement: "v", Parameters: two[:1]}}, {"Bind with a value that does not fit", &bind{PreparedStatement: "v", Parameters: [][]byte{[]byte("x"), nil}}},
		{"Bind with values unasked", &bind{Parameters: two}}, {"Query that is not UTF-8", &query{String: "SELECT '\xff'"}},
		{"Bind with too many formats", &bind{PreparedStatement: "v", Parameters: two, ParameterFormatCodes: []int16{0, 0, 0}}}, {"Bind with formats for no values", &bind{PreparedStatement: "s", ParameterFormatCodes: []int16{0, 0}}},
		{"Bind with a format that is none", &bind{PreparedStatement: "v", Parameters: two, ParameterFormatCodes: []int16{2}}}, {"Bind with a result's format that is none", &bind{PreparedStatement: "s", ResultFormatCodes: []int16{2}}},
		{"Bind with too many formats of results", &bind{PreparedStatement: "s", ResultFormatCodes: []int16{0, 1, 0}}}, {"Bind for binary results", &bind{PreparedStatement: "s", ResultFormatCodes: []int16{1}}},
	}
}

func namings() []move {
	var moves []move
	for _, name := range []string{"", "s", "p", "nosuch"} {
		for _, kind := range []byte("SP") {
			moves = append(moves,
				move{fmt.Sprintf("Describe %c %q", kind, name), &describe{ObjectType: kind, Name: name}},
				move{fmt.Sprintf("Close %c %q", kind, name), &closing{ObjectType: kind, Name: name}})
		}
		for _, most := range []uint32{0, 1, 2, 1<<32 - 1} {
			moves = append(moves, move{fmt.Sprintf("Execute %q %d", name, int32(most)), &execute{Portal: name, MaxRows: most}})
		}
	}
	return moves
}

// broken is what ends a session.
func broken() []move { return append(stray(), malformed()...) }

// stray is what is no message of a client that is signed in.
func stray() []move {
	return []move{
		{"a second startup", bytesOf(first(3<<16, "user\x00postgres\x00\x00"))}, {"SSLRequest", bytesOf(first(80877103, ""))}, {"GSSENCRequest", bytesOf(first(80877104, ""))},
		{"CancelRequest", bytesOf(first(80877102, "12345678"))}, {"TLS", bytesOf("\x16\x03\x01\x00\x05hello")},
		{"a password", bytesOf(message('p', "secret\x00"))}, {"a SASL answer", bytesOf(message('p', "SCRAM-SHA-256\x00\x00\x00\x00\x04n,,n"))},
		{"a server's error", bytesOf(message('R', "\x00\x00\x00\x00"))}, {"a server's answer", bytesOf(message('Z', "I"))}, {"a type that is none", bytesOf(message(0xff, ""))},
		{"a negative length", bytesOf(header('P', 1<<32-1))}, {"a length of 0", bytesOf(header('Q', 0))},
	}
}

// malformed are messages whose bodies don't add up.
func malformed() (moves []move) {
	for _, m := range []struct{ typ, what, body string }{
		{"Q", "without its end", "SELECT 1"}, {"Q", "with bytes behind", "SELECT 1\x00;"}, {"Q", "with a NUL inside", "SELECT\x00 1\x00"},
		{"P", "with bytes behind", "\x00SELECT 1\x00\x00\x00x"}, {"P", "with too few types", "\x00SELECT 1\x00\x00\x02\x00\x00\x00\x17"},
		{"B", "with a length of -2", "\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfe\x00\x00"}, {"B", "with a length of -2^31", "\x00\x00\x00\x00\x00\x01\x80\x00\x00\x00\x00\x00"},
		{"B", "that claims 65,535 values", "\x00\x00\x00\x00\xff\xff\x00\x00"}, {"B", "with bytes behind", "\x00\x00\x00\x00\x00\x00\x00\x00x"},
		{"D", "of neither", "Xa\x00"}, {"C", "without its end", "Sa"}, {"E", "with bytes behind", "\x00\x00\x00\x00\x00x"}, {"E", "without a number", "p\x00\x00\x00"},
		{"H", "with a body", "x"}, {"S", "with a body", "x"}, {"X", "with a body", "x"}, {"c", "with a body", "x"}, {"f", "without its end", "no"}, {"F", "of nothing", ""}, {"F", "of 3 bytes", "\x00\x00\x02"},
	} {
		moves = append(moves, move{m.typ + " " + m.what, bytesOf(message(m.typ[0], m.body))})
	}
	return moves
}

// first is a message without a type, as a connection begins with.
func first(code uint32, rest string) []byte {
	whole := message(0, string([]byte{byte(code >> 24), byte(code >> 16), byte(code >> 8), byte(code)})+rest)
	return whole[1:]
}

// A type that the decoder takes and the table does not have would be one that nothing here speaks of.
func TestTheTableHasEveryMessageThatTheDecoderTakes(t *testing.T) {
	var have strings.Builder
	for _, m := range sound() {
		have.WriteByte(join(m.say)[0])
	}
	for typ := range 256 {
		taken := false
		for n := uint32(4); n < 64 && !taken; n++ {
			r := wire.NewReader(strings.NewReader(string(header(byte(typ), n))), wire.FromClient)
			_ = r.Fill()
			_, _, err := r.Next()
			taken = !errors.Is(err, wire.ErrProtocol)
		}
		if in := strings.IndexByte(have.String(), byte(typ)) >= 0; in != taken {
			t.Errorf("type %q: taken %v, in the table %v", rune(typ), taken, in)
		}
	}
}
