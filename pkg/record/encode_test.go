package record_test

import (
	"encoding/json"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// odd makes texts with what JSON escapes.
func odd(r *rand.Rand) string {
	parts := []string{"", "SELECT 1", `"`, `\`, "\n", "\x00", "<&>", "é", "\u2028", "\xff", "a"}
	out := ""
	for range r.Intn(4) {
		out += parts[r.Intn(len(parts))]
	}
	return out
}

// sprinkle replaces texts that quick made by odd ones, and some values by their zero.
func sprinkle(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(odd(r))
	case reflect.Pointer:
		if !v.IsNil() {
			sprinkle(v.Elem(), r)
		}
	case reflect.Slice:
		for i := range v.Len() {
			sprinkle(v.Index(i), r)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			sprinkle(v.Field(i), r)
		}
	}
	if r.Intn(3) == 0 && v.CanSet() {
		v.SetZero()
	}
}

func TestEventsEncodeAsEncodingJSONWould(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 5000 {
		for _, kind := range []reflect.Type{reflect.TypeFor[record.Command](), reflect.TypeFor[record.Outcome](), reflect.TypeFor[record.Terminal](), reflect.TypeFor[record.Exit]()} {
			made, ok := quick.Value(kind, r)
			if !ok {
				t.Fatalf("%s can't be made", kind)
			}
			v := reflect.New(kind).Elem()
			v.Set(made)
			sprinkle(v, r)
			want, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			got, err := record.Encode(v.Interface().(record.Body))
			if err != nil || string(got) != string(want) {
				t.Fatalf("got  %s, %v\nwant %s", got, err, want)
			}
		}
	}
}
