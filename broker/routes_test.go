package broker

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

type document struct {
	Paths      map[string]map[string]operation
	Components struct {
		Schemas map[string]schema
	}
}

type operation struct {
	Summary     string
	Who         string `json:"x-hoop-who"`
	Security    []map[string][]string
	Parameters  []struct{ Name, In string }
	RequestBody *content
	Responses   map[string]content
}

type content struct {
	Content map[string]struct{ Schema *schema }
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type, Format         string
	Items                *schema
	Properties           map[string]schema
	Required             []string
	AdditionalProperties json.RawMessage
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRouteSaysWhoMayCallItAndADocumentWithoutThatDoesNotStart(t *testing.T) {
	for _, r := range (&Broker{}).routes() {
		if r.who == "" {
			t.Errorf("%s %s says nothing", r.method, r.pattern)
		}
		if r.who != anyone && !strings.HasPrefix(r.who, signedIn) {
			t.Errorf("%s %s: %q does not begin with a sign-in", r.method, r.pattern, r.who)
		}
	}
}

func TestTheDocumentIsWhatTheRoutesAre(t *testing.T) {
	d := readDocument(t)
	routes := map[string]route{}
	for _, r := range (&Broker{}).routes() {
		routes[r.method+" "+r.pattern] = r
	}
	for path, operations := range d.Paths {
		for method, op := range operations {
			name := strings.ToUpper(method) + " " + path
			r, there := routes[name]
			if !there {
				t.Errorf("%s is in the document alone", name)
				continue
			}
			delete(routes, name)
			checkOperation(t, name, r, op)
		}
	}
	for name := range routes {
		t.Errorf("%s is not in the document", name)
	}
}

func checkOperation(t *testing.T, name string, r route, op operation) {
	t.Helper()
	if op.Summary == "" || op.Who != r.who {
		t.Errorf("%s: summary %q, who %q, want %q", name, op.Summary, op.Who, r.who)
	}
	if open := len(op.Security) == 0; open != (r.who == anyone) {
		t.Errorf("%s: security %v for %q", name, op.Security, r.who)
	}
	var in *schema
	if op.RequestBody != nil {
		in = op.RequestBody.Content["application/json"].Schema
	}
	if got := refName(in); got != typeName(r.in) {
		t.Errorf("%s takes %q in the document, %q in the table", name, got, typeName(r.in))
	}
	var out *schema
	for kind, c := range op.Responses["200"].Content {
		if kind == "application/json" || kind == "text/event-stream" {
			out = c.Schema
		}
	}
	if got := refName(out); got != typeName(r.out) {
		t.Errorf("%s answers %q in the document, %q in the table", name, got, typeName(r.out))
	}
	for _, part := range strings.Split(r.pattern, "/") {
		if want, ok := strings.CutPrefix(part, "{"); ok && !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool {
			return p.In == "path" && p.Name+"}" == want
		}) {
			t.Errorf("%s: the document has no parameter {%s", name, want)
		}
	}
}

func refName(s *schema) string {
	if s == nil {
		return ""
	}
	return strings.TrimPrefix(s.Ref, "#/components/schemas/")
}

func typeName(t reflect.Type) string {
	if t == nil {
		return ""
	}
	return t.Name()
}

func TestTheDocumentsSchemasAreTheWireTypes(t *testing.T) {
	d := readDocument(t)
	seen := map[string]bool{}
	for _, r := range (&Broker{}).routes() {
		for _, ty := range []reflect.Type{r.in, r.out, reflect.TypeFor[api.Error]()} {
			if ty != nil {
				checkType(t, d, seen, ty.Name(), ty, &schema{Ref: "#/components/schemas/" + ty.Name()})
			}
		}
	}
	for name := range d.Components.Schemas {
		if !seen[name] {
			t.Errorf("the schema %s is of no type on the wire", name)
		}
	}
}

// checkType holds that the schema s describes what encoding/json makes of ty.
func checkType(t *testing.T, d document, seen map[string]bool, where string, ty reflect.Type, s *schema) {
	t.Helper()
	if ty.Kind() == reflect.Pointer {
		ty = ty.Elem()
	}
	wrong := func(want string) {
		if s.Type != want {
			t.Errorf("%s is a %s in the document, %s in Go", where, s.Type, ty)
		}
	}
	switch {
	case ty == reflect.TypeFor[time.Time]():
		wrong("string")
		return
	case ty == reflect.TypeFor[[]byte]():
		wrong("string")
		return
	}
	switch ty.Kind() {
	case reflect.String:
		wrong("string")
	case reflect.Bool:
		wrong("boolean")
	case reflect.Int, reflect.Int64, reflect.Uint64:
		wrong("integer")
	case reflect.Map:
		wrong("object")
	case reflect.Slice:
		if wrong("array"); s.Items != nil {
			checkType(t, d, seen, where+"[]", ty.Elem(), s.Items)
		}
	case reflect.Struct:
		checkStruct(t, d, seen, where, ty, s)
	default:
		t.Errorf("%s is a %s, which no document describes", where, ty)
	}
}

func checkStruct(t *testing.T, d document, seen map[string]bool, where string, ty reflect.Type, s *schema) {
	t.Helper()
	name := refName(s)
	if name != ty.Name() {
		t.Errorf("%s refers to %q, not to %q", where, name, ty.Name())
		return
	}
	if seen[name] {
		return
	}
	seen[name] = true
	kept, there := d.Components.Schemas[name]
	if !there {
		t.Errorf("there is no schema %s", name)
		return
	}
	if string(kept.AdditionalProperties) != "false" {
		t.Errorf("%s allows fields that the broker refuses", name)
	}
	var required []string
	fields := map[string]bool{}
	for _, f := range reflect.VisibleFields(ty) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || f.Anonymous {
			continue
		}
		if fields[tag] = true; options == "" {
			required = append(required, tag)
		}
		property, there := kept.Properties[tag]
		if !there {
			t.Errorf("%s has no %s in the document", name, tag)
			continue
		}
		checkType(t, d, seen, name+"."+tag, f.Type, &property)
	}
	for property := range kept.Properties {
		if !fields[property] {
			t.Errorf("%s.%s is in the document alone", name, property)
		}
	}
	slices.Sort(required)
	slices.Sort(kept.Required)
	if !slices.Equal(required, kept.Required) {
		t.Errorf("%s requires %v in the document, %v in Go", name, kept.Required, required)
	}
}
