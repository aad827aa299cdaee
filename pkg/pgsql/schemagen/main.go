//go:build ignore

// Command schemagen writes schema.txt, the shape of the grammar's parse tree, from the descriptors of pg_query_go.
// The gateway reads parse trees by that table, so that it links neither those descriptors nor cgo.
// Run it after an update of the grammar: CGO_ENABLED=0 go run pkg/pgsql/schemagen/main.go > pkg/pgsql/schema.txt.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	file := pg_query.File_pg_query_proto
	out := bufio.NewWriter(os.Stdout)
	for i := range file.Enums().Len() {
		writeEnum(out, file.Enums().Get(i))
	}
	for i := range file.Messages().Len() {
		writeMessage(out, file.Messages().Get(i))
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

// writeEnum writes "E Name" and one "V number name" a value.
func writeEnum(out *bufio.Writer, e protoreflect.EnumDescriptor) {
	fmt.Fprintf(out, "E %s\n", e.Name())
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		fmt.Fprintf(out, "V %d %s\n", v.Number(), v.Name())
	}
}

// writeMessage writes "M Name" and one "F number name kind[*] [type]" a field; * marks a repeated one.
func writeMessage(out *bufio.Writer, m protoreflect.MessageDescriptor) {
	fmt.Fprintf(out, "M %s\n", m.Name())
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		line := fmt.Sprintf("F %d %s %s", f.Number(), f.Name(), f.Kind())
		if f.IsList() {
			line += "*"
		}
		switch {
		case f.Message() != nil:
			line += " " + string(f.Message().Name())
		case f.Enum() != nil:
			line += " " + string(f.Enum().Name())
		}
		fmt.Fprintln(out, strings.TrimSpace(line))
	}
}
