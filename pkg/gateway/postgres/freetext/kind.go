// Package freetext knows where in PostgreSQL's rows and COPY data the free text is, and has detectors look at it there: values
// are edited in place, with the lengths around them.
package freetext

// Kind is where in a value the free text is. The zero Kind has none.
type Kind uint8

const (
	noText        Kind = iota // numbers, times, ids: detectors don't look at them
	textValue                 // the value is a text
	jsonValue                 // a JSON document
	versionedJSON             // the same behind a byte with a version: jsonb and jsonpath in binary format
	escapedBytes              // bytea in text format, which is a text where it is not hexadecimal
	arrayValue                // an array in binary format
	recordValue               // a row in binary format
	unknownValue              // of a type that is not PostgreSQL's own, in binary format: told by its bytes
)

// firstOwnOID is the first number of types that the server's own catalogs don't fix. (PostgreSQL's FirstGenbkiObjectId.)
const firstOwnOID = 10000

// KindOf is where the free text is in values of a type, in format 0 (text) or 1 (binary). The numbers are those of
// pg_type.dat.
func KindOf(oid uint32, format int16) Kind {
	if format == 0 {
		return kindInText(oid)
	}
	switch oid {
	case 18, 19, 25, 142, 194, 705, 1042, 1043, 1790, 2275: // "char", name, text, xml, pg_node_tree, unknown, bpchar, varchar, refcursor, cstring
		return textValue
	case 114: // json
		return jsonValue
	case 3802, 4072: // jsonb, jsonpath
		return versionedJSON
	case 143, 199, 1002, 1003, 1009, 1014, 1015, 1263, 2201, 2287, 3807, 4073: // arrays of these, and of rows
		return arrayValue
	case 2249: // record
		return recordValue
	case 0, 3614, 3615, 3643, 3645: // what is not told, tsvector, tsquery and arrays of them
		return unknownValue
	}
	if oid >= firstOwnOID {
		return unknownValue
	}
	return noText
}

func kindInText(oid uint32) Kind {
	switch oid {
	case 114, 3802:
		return jsonValue
	case 17:
		return escapedBytes
	case 0, 18, 19, 25, 142, 194, 705, 1042, 1043, 2275, 4072,
		143, 199, 1002, 1003, 1009, 1014, 1015, 1263, 2287, 3807, 4073,
		2249, 1790, 2201, 3614, 3615, 3643, 3645: // besides the above: record, refcursor and its array, tsvector, tsquery and their arrays
		return textValue
	}
	if oid >= firstOwnOID {
		return textValue
	}
	return noText
}
