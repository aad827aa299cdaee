// Command protoschema writes what hoop knows of Kubernetes' protobuf: for every kind of the stable versions, which field of which
// message is which key of its JSON. It reads the API's own Go types. With
// the word samples it writes objects of them in both forms, by which the reader is tested.
package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// special are the types whose JSON is not that of their fields.
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():          "time",
	reflect.TypeFor[metav1.MicroTime]():     "microtime",
	reflect.TypeFor[metav1.Duration]():      "duration",
	reflect.TypeFor[intstr.IntOrString]():   "intorstring",
	reflect.TypeFor[resource.Quantity]():    "quantity",
	reflect.TypeFor[runtime.RawExtension](): "raw",
	reflect.TypeFor[metav1.FieldsV1]():      "raw",
}

type writer struct {
	messages map[string][]string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "samples" {
		if err := samples(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	w := &writer{messages: map[string][]string{}}
	var kinds []string
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		if wanted(gvk) {
			kinds = append(kinds, fmt.Sprintf("kind %s %s %s", gvk.GroupVersion(), gvk.Kind, w.message(t)))
		}
	}
	kinds = append(kinds, "kind * DeleteOptions "+w.message(reflect.TypeFor[metav1.DeleteOptions]()))
	sort.Strings(kinds)
	fmt.Println("# Kubernetes' protobuf, as k8s.io/api " + os.Args[1] + " has it; written by test/k8s/tools/protoschema.")
	fmt.Println(strings.Join(kinds, "\n"))
	var names []string
	for name := range w.messages {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println("message " + name)
		for _, f := range w.messages[name] {
			fmt.Println(f)
		}
	}
}

// wanted says that clients send objects of a kind. Lists and answers are none.
func wanted(gvk schema.GroupVersionKind) bool {
	own := strings.HasSuffix(gvk.Group, ".k8s.io") || !strings.Contains(gvk.Group, ".")
	stable := gvk.Version == "v1" || gvk.Version == "v2"
	return own && stable && !strings.HasSuffix(gvk.Kind, "List") && !strings.HasSuffix(gvk.Kind, "Options") &&
		!slices.Contains([]string{"WatchEvent", "Status", "APIGroup", "APIVersions", "SerializedReference", "RangeAllocation"}, gvk.Kind)
}

// message writes a message once and answers its name.
func (w *writer) message(t reflect.Type) string {
	name := t.PkgPath()
	name = strings.TrimPrefix(strings.TrimPrefix(name, "k8s.io/api/"), "k8s.io/apimachinery/pkg/apis/") + "." + t.Name()
	if _, known := w.messages[name]; known {
		return name
	}
	w.messages[name] = nil
	var fields []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("protobuf")
		if tag == "" || tag == "-" {
			continue
		}
		number := strings.Split(tag, ",")[1]
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if strings.Contains(options, "inline") || key == "" && f.Anonymous {
			key = "-"
		}
		fields = append(fields, number+" "+key+" "+w.form(f.Type))
	}
	w.messages[name] = fields
	return name
}

// form is how a value is written.
func (w *writer) form(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := special[t]; ok {
		return s
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64, reflect.Int:
		return "int"
	case reflect.Float64:
		return "double"
	case reflect.Struct:
		return w.message(t)
	case reflect.Map:
		return "map " + w.form(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if t.Name() != "" && implementsMarshal(t) { // a message with the items in it
			return "items " + w.form(t.Elem())
		}
		return "list " + w.form(t.Elem())
	}
	panic(fmt.Sprintf("%s has no form", t))
}

func implementsMarshal(t reflect.Type) bool {
	_, ok := reflect.PointerTo(t).MethodByName("Marshal")
	return ok
}
