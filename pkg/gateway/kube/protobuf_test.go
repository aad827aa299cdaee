package kube

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// plain is a JSON value without what means the same as nothing to who reads Kubernetes' objects.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			if x = plain(x); x == nil {
				delete(v, key)
			} else {
				v[key] = x
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	}
	return v
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return plain(v)
}

// samples are objects with every field set, as Kubernetes' own code writes them in both forms.
func samples(t testing.TB) (encoded, text [][]byte) {
	t.Helper()
	for _, line := range lines(t, "protobuf.txt") {
		form, rest, _ := strings.Cut(line, " ")
		b, err := base64.StdEncoding.DecodeString(form)
		if err != nil {
			t.Fatal(err)
		}
		encoded, text = append(encoded, b), append(text, []byte(rest))
	}
	if len(text) < 10 {
		t.Fatal("there are no samples")
	}
	return encoded, text
}

func TestProtobufIsReadAsKubernetesReadsIt(t *testing.T) {
	encoded, texts := samples(t)
	for i, b := range encoded {
		got, err := readProtobuf(b)
		if err != nil {
			t.Errorf("%.80s: %v", texts[i], err)
			continue
		}
		if is, want := parsed(t, appendJSON(nil, got)), parsed(t, texts[i]); !reflect.DeepEqual(is, want) {
			t.Errorf("read as\n%.3000s\nand is\n%.3000s", appendJSON(nil, got), texts[i])
		}
	}
}

func TestProtobufThatIsNotKnownWholeIsRefused(t *testing.T) {
	envelope := func(kind string, raw string) string {
		meta := "\x0a\x02v1\x12" + string(rune(len(kind))) + kind
		return "k8s\x00\x0a" + string(rune(len(meta))) + meta + "\x12" + string(rune(len(raw))) + raw
	}
	if _, b, why := readBody(t, createSecret, typeProtobuf, envelope("Secret", "\x1a\x06Opaque")); b == nil || string(b.JSON()) != `{"apiVersion":"v1","kind":"Secret","type":"Opaque"}` {
		t.Fatalf("%v %s", b, why)
	}
	for what, text := range map[string]string{
		"a field that is not known":     envelope("Secret", "\xf2\x07\x01x"),
		"a type twice":                  envelope("Secret", "\x1a\x01a\x1a\x01b"),
		"a key twice":                   envelope("Secret", "\x12\x06\x0a\x01k\x12\x01a\x12\x06\x0a\x01k\x12\x01b"),
		"a kind that is not known":      envelope("Sekret", ""),
		"a number where a text belongs": envelope("Secret", "\x18\x01"),
		"a length that is too long":     envelope("Secret", "\x1a\x7fx"),
		"a group":                       envelope("Secret", "\x1b"),
		"text that is not UTF-8":        envelope("Secret", "\x1a\x01\xff"),
		"an encoding":                   envelope("Secret", "") + "\x1a\x04gzip",
		"another kind than the path's":  envelope("ConfigMap", ""),
		"nothing":                       "",
		"no envelope":                   "\x1a\x06Opaque",
	} {
		if what == "nothing" {
			continue
		}
		if _, b, _ := readBody(t, createSecret, typeProtobuf, text); b != nil {
			t.Errorf("%s: read as %s", what, b.JSON())
		}
	}
}

// What is read of protobuf is sent as JSON that is read as the same, with the same facts.
func FuzzProtobuf(f *testing.F) {
	encoded, _ := samples(f)
	for _, b := range encoded {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := readProtobuf(text)
		if err != nil {
			return
		}
		sent := appendJSON(nil, v)
		again, err := readJSON(sent)
		if err != nil {
			t.Fatalf("%q is sent and is not read: %v", sent, err)
		}
		if !bytes.Equal(appendJSON(nil, again), sent) {
			t.Fatalf("%q is sent, and read as %q", sent, appendJSON(nil, again))
		}
	})
}
