package body_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

const jsonType = "application/json; charset=utf-8"

func TestValuesAtAPathAreReplaced(t *testing.T) {
	for _, c := range []struct{ path, in, out string }{
		{"$.ssn", `{"ssn":"123-45-6789","a":1}`, `{"ssn":"***","a":1}`},
		{"$.ssn", ` { "ssn" : "x" , "a" : 1.50 } ` + "\n", ` { "ssn" : "***" , "a" : 1.50 } ` + "\n"},
		{"$.ssn", `{"\u0073sn":"x"}`, `{"\u0073sn":"***"}`},
		{"$.ssn", `{"ssn":"x","ssn":"y"}`, `{"ssn":"***","ssn":"***"}`},
		{"$.ssn", `{"ssn":12,"b":{"ssn":3}}`, `{"ssn":"***","b":{"ssn":3}}`},
		{"$.ssn", `{"ssn":true}`, `{"ssn":"***"}`},
		{"$.ssn", `{"ssn":null}`, `{"ssn":null}`},
		{"$.ssn", `{"ssn":{"a":["b",{"c":"d"}]},"e":1}`, `{"ssn":"***","e":1}`},
		{"$.ssn", `{"ssn":[1,2,[]],"e":[]}`, `{"ssn":"***","e":[]}`},
		{"$.ssn", `{"ssns":"x","ss":"y","SSN":"z"}`, `{"ssns":"x","ss":"y","SSN":"z"}`},
		{"$.ssn", `[{"ssn":"x"}]`, `[{"ssn":"x"}]`},
		{"$.data.*", `{"data":{"a":"x","b":{"c":"y"}},"kind":"Secret"}`, `{"data":{"a":"***","b":"***"},"kind":"Secret"}`},
		{"$.items[*].data.*", `{"items":[{"data":{"a":"x"}},{"data":{"b":"y"},"c":"z"}]}`, `{"items":[{"data":{"a":"***"}},{"data":{"b":"***"},"c":"z"}]}`},
		{"$[*]", `["a",1,null,{"b":"c"}]`, `["***","***",null,"***"]`},
		{"$[1]", `["a","b","c"]`, `["a","***","c"]`},
		{"$[1].x", `[{"x":1},{"x":2},{"x":3}]`, `[{"x":1},{"x":"***"},{"x":3}]`},
		{"$[1]", `{"1":"a"}`, `{"1":"a"}`},
		{"$..password", `{"a":[{"password":"x"},{"b":{"password":{"password":"y"}}}],"password":1}`, `{"a":[{"password":"***"},{"b":{"password":"***"}}],"password":"***"}`},
		{"$..a.b", `{"a":{"a":{"b":"x"},"b":"y"},"b":"z"}`, `{"a":{"a":{"b":"***"},"b":"***"},"b":"z"}`},
		{"$..a..b", `{"b":1,"a":[{"b":2}]}`, `{"b":1,"a":[{"b":"***"}]}`},
		{"$..*", `{"a":{"b":1}}`, `{"a":"***"}`},
		{"$['a.b/c']", `{"a.b/c":"x","a":{"b/c":"y"}}`, `{"a.b/c":"***","a":{"b/c":"y"}}`},
		{"$['']", `{"":"x","a":""}`, `{"":"***","a":""}`},
		{"$['é']", `{"\u00e9":"x","é":"y"}`, `{"\u00e9":"***","é":"***"}`},
		{"$['😀']", `{"\ud83d\ude00":"x"}`, `{"\ud83d\ude00":"***"}`},
		{"$['\U0010ffff']", `{"\udbff\udfff":"x"}`, `{"\udbff\udfff":"***"}`},
		{"$", `{"a":1}`, `"***"`},
		{"$", ` 12345 `, ` "***" `},
		{"$", `null`, `null`},
	} {
		r := body.Rules{Paths: paths(t, c.path)}
		if got, err := everySplit(t, jsonType, r, c.in); got != c.out || err != nil {
			t.Errorf("%s of %s:\n got %s (%v)\nwant %s", c.path, c.in, got, err, c.out)
		}
	}
}

func TestWhatIsShownInAValuesPlace(t *testing.T) {
	for _, c := range []struct {
		as      mask.As
		in, out string
	}{
		{0, `{"a":"x"}`, `{"a":"***"}`},
		{mask.Null, `{"a":"x","b":1}`, `{"a":null,"b":1}`},
		{mask.Null, `{"a":{"b":"x"}}`, `{"a":null}`},
		{mask.Last4, `{"a":"123456789"}`, `{"a":"***6789"}`},
		{mask.Last4, `{"a":"1234567"}`, `{"a":"***"}`},
		{mask.Last4, `{"a":"1234567\u0038"}`, `{"a":"***5678"}`},
		{mask.Last4, `{"a":"12345\"\\\n\t"}`, `{"a":"***\"\\\n\t"}`},
		{mask.Last4, `{"a":12345678901}`, `{"a":"***8901"}`},
		{mask.Last4, `{"a":["12345678901"],"b":"12345678901"}`, `{"a":"***","b":"12345678901"}`},
		{mask.Last4, `{"a":"` + strings.Repeat("\U0001F600", 9) + `"}`, `{"a":"***` + strings.Repeat("\U0001F600", 4) + `"}`},
	} {
		if got, err := everySplit(t, jsonType, body.Rules{Paths: paths(t, "$.a"), As: c.as}, c.in); got != c.out || err != nil {
			t.Errorf("%d of %s:\n got %s (%v)\nwant %s", c.as, c.in, got, err, c.out)
		}
	}
	for i := range 2 {
		strict := paths(t, "$.a", "$.*")
		strict[i] = strict[i].As(mask.Null)
		if got, _ := everySplit(t, jsonType, body.Rules{Paths: strict, As: mask.Last4}, `{"a":"123456789"}`); got != `{"a":null}` {
			t.Errorf("of two paths the one that shows more stood: %s", got)
		}
	}
}

func TestDetectorsReadWhatAStringSays(t *testing.T) {
	for _, c := range []struct{ as, in, out string }{
		{"redact", `{"a":"card 4111111111111111."}`, `{"a":"card ***."}`},
		{"redact", `{"a":"\u0034111111111111111"}`, `{"a":"***"}`},
		{"redact", `{"a":"\u00341\u00311\u003111111111111 \"q\" \/ \n"}`, `{"a":"*** \"q\" / \n"}`},
		{"redact", `{"a":"\uff14111111111111111"}`, `{"a":"***"}`},
		{"redact", `{"a":"a@b.example\u002ecom\ud83d\ude00"}`, `{"a":"***😀"}`},
		{"redact", `{"a@b.example.com":1}`, `{"***":1}`},
		{"null", `{"a@b.example.com":"a@b.example.com"}`, `{"":null}`},
		{"redact", `{"a":4111111111111111,"b":[378282246310005]}`, `{"a":null,"b":[null]}`},
		{"redact", `[4111111111111111.0,4.111111111111111e15,4111111111111111e0,-4111111111111111,41111111111111110e-1,411111111111111.1E+1]`, `[null,null,null,null,null,null]`},
		{"redact", `[4111111111111112,1.5,1e5,0.0,1E400,-0]`, `[4111111111111112,1.5,1e5,0.0,1E400,-0]`},
		{"last4", `{"a":"4111111111111111"}`, `{"a":"***1111"}`},
		{"redact", `"{\"card\":\"4111111111111111\"}"`, `"{\"card\":\"***\"}"`},
		{"redact", `4111111111111111`, `null`},
		{"redact", `{"a":"\ud800 lone \udc00, clean \u0041"}`, `{"a":"\ud800 lone \udc00, clean \u0041"}`},
	} {
		if got, err := everySplit(t, jsonType, body.Rules{Detectors: detectors(t, c.as)}, c.in); got != c.out || err != nil {
			t.Errorf("%s of %s:\n got %s (%v)\nwant %s", c.as, c.in, got, err, c.out)
		}
	}
}

func TestMalformedJSONIsRefused(t *testing.T) {
	for _, text := range []string{
		`{`, `[`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{a:1}`, `{'a':1}`, `{"a" 1}`, `{"a":1 "b":2}`, `[1 2]`, `]`, `}`, `[}`, `{]`, `{"a":1]`,
		`"a`, `"\x"`, `"\u12g4"`, `"\u12`, "\"\n\"", "\"\x00\"", `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `--1`, `1.2.3`, `0x1`, `00`, `1e1.5`, `tru`, `trux`, `True`, `nul`, `NaN`, `Infinity`,
		`{}{}`, `1 2`, `{} x`, "\xEF\xBB\xBF{}", `)]}',{}`, `{"a":1}//`, "\x1e{}", `"a""b"`, `truefalse`, `{1:2}`,
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "{\x00}", "\xFF\xFE{\x00}\x00",
	} {
		for _, r := range []body.Rules{{Paths: paths(t, "$..a")}, {Detectors: detectors(t, "redact")}, {Paths: paths(t, "$", "$..b")}} {
			if got, err := everySplit(t, jsonType, r, text); !errors.Is(err, body.ErrMalformed) {
				t.Errorf("%q became %q, %v", text, got, err)
			}
		}
	}
	for _, text := range []string{"", " ", "\n", strings.Repeat("[", 1000) + strings.Repeat("]", 1000)} {
		if got, err := through(t, jsonType, body.Rules{Paths: paths(t, "$..a")}, text, 100); err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}

// What is behind a masked value's beginning never passes, however the body ends.
func TestAMaskedValueThatIsCutShortIsNotShown(t *testing.T) {
	text := `{"a":1,"ssn":{"deep":["canary-1","canary-2"],"more":"canary-3"},"b":2}`
	for end := range text {
		got, err := everySplit(t, jsonType, body.Rules{Paths: paths(t, "$.ssn"), Detectors: detectors(t, "redact")}, text[:end])
		if strings.Contains(got, "canary") || end > 0 && err == nil {
			t.Fatalf("%q became %q, %v", text[:end], got, err)
		}
	}
}

func TestAnErrorIsTheEnd(t *testing.T) {
	f := filter(t, jsonType, body.Rules{Paths: paths(t, "$.a")})
	out, err := f.Write(nil, []byte(`{"b":1}x{"a":"canary"}`))
	if err == nil || string(out) != `{"b":1}` || strings.Contains(err.Error(), "canary") {
		t.Fatalf("got %q, %v", out, err)
	}
	if out, again := f.Write(nil, []byte(`{}`)); again == nil || len(out) > 0 {
		t.Errorf("it went on behind an error: %q", out)
	}
	if out, again := f.Close(nil); again == nil || len(out) > 0 {
		t.Errorf("it closed behind an error: %q", out)
	}
	f = filter(t, "image/png", body.Rules{Secrets: body.NewSecrets("s3cr3t-token")})
	if _, err := f.Close(nil); err != nil {
		t.Fatal(err)
	}
	if out, err := f.Write(nil, []byte("x")); err == nil || len(out) > 0 {
		t.Errorf("it went on behind its end: %q", out)
	}
}

func TestSequencesAreMaskedDocumentByDocument(t *testing.T) {
	in := `{"type":"ADDED","object":{"data":{"a":"canary"}}}` + "\n"
	want := `{"type":"ADDED","object":{"data":{"a":"***"}}}` + "\n"
	for _, mediaType := range []string{"application/json;stream=watch", "application/x-ndjson", "application/jsonl"} {
		r := body.Rules{Paths: paths(t, "$.object.data.*"), Detectors: detectors(t, "redact"), Secrets: body.NewSecrets("s3cr3t-token")}
		f := filter(t, mediaType, r)
		for range 3 {
			if out, err := f.Write(nil, []byte(in)); string(out) != want || err != nil {
				t.Fatalf("%s: one event became %q, %v", mediaType, out, err)
			}
		}
		if got, err := everySplit(t, mediaType, r, in+in+"\r\n"+in+`1 "a"[]`); err != nil || got != want+want+"\r\n"+want+`1 "a"[]` {
			t.Errorf("%s: got %q, %v", mediaType, got, err)
		}
		if got, err := everySplit(t, mediaType, r, in+in[:len(in)-2]); err == nil || strings.Contains(got, "canary") {
			t.Errorf("%s: cut short it became %q, %v", mediaType, got, err)
		}
	}
	if got, err := everySplit(t, "application/json-seq", body.Rules{Paths: paths(t, "$.a")}, "\x1e{\"a\":1}\n\x1e{\"a\":2}\n"); err != nil || got != "\x1e{\"a\":\"***\"}\n\x1e{\"a\":\"***\"}\n" {
		t.Errorf("a text sequence became %q, %v", got, err)
	}
}

func TestLongStringsAreLookedAt(t *testing.T) {
	card, long := "4111 1111 1111 1111", strings.Repeat("ab 0123456 ab\\n", 30_000)
	for _, c := range []struct{ as, in, out string }{
		{"redact", long + card + " " + long, long + "*** " + long},
		{"redact", long + `\u0034111 1111 1111 1111 ` + long, long + "*** " + long},
		{"redact", long + `\ud83d\ude00 \" ` + card, long + `😀 \" ***`},
		{"null", card + " " + long, " " + long},
		{"last4", long + card, long + "***1111"},
	} {
		for _, sizes := range [][]int{{len(c.in) + 100}, {1000}, {4096, 1}, {7}} {
			got, err := through(t, jsonType, body.Rules{Detectors: detectors(t, c.as)}, `{"a":"`+c.in+`","b":1}`, sizes...)
			if want := `{"a":"` + c.out + `","b":1}`; got != want || err != nil {
				t.Errorf("%s in pieces of %d: %d bytes, not %d; %v", c.as, sizes, len(got), len(want), err)
			}
		}
	}
	for _, sizes := range [][]int{{1 << 20}, {1000}} {
		in := `{"a":"` + long + `","n":` + strings.Repeat("1", 5000) + `}`
		if got, err := through(t, jsonType, body.Rules{Paths: paths(t, "$.*"), As: mask.Last4, Detectors: detectors(t, "redact")}, in, sizes...); got != `{"a":"***","n":"***"}` || err != nil {
			t.Errorf("masked values that are too long became %.100q, %v", got, err)
		}
		if got, err := through(t, jsonType, body.Rules{Detectors: detectors(t, "redact")}, `[`+strings.Repeat("1", 5000)+`]`, sizes...); got != `[null]` || err != nil {
			t.Errorf("a number that is too long became %.100q, %v", got, err)
		}
		if _, err := through(t, jsonType, body.Rules{Paths: paths(t, "$.a")}, `{"`+strings.Repeat("a", 70_000)+`":1}`, sizes...); !errors.Is(err, body.ErrMalformed) {
			t.Errorf("a key that is too long: %v", err)
		}
	}
}

// A client that leaves out bytes that are no UTF-8 would read another key than was compared.
func TestAKeyOnTheWayOfAPathIsUTF8(t *testing.T) {
	r := body.Rules{Paths: paths(t, "$.ssn")}
	if got, err := everySplit(t, jsonType, r, "{\"a\":{\"\xff\":1},\"ss\xffn\":\"canary\"}"); !errors.Is(err, body.ErrMalformed) || strings.Contains(got, "canary") {
		t.Errorf("got %q, %v", got, err)
	}
}
