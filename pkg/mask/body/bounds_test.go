package body_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// upper are detectors that are no *mask.Set.
type upper struct{ panics bool }

func (u upper) Apply(value []byte, form mask.Form) ([]byte, mask.Result) {
	if u.panics {
		panic("what was looked at: " + string(value))
	}
	i := bytes.Index(value, []byte("canary"))
	switch {
	case i < 0:
		return value, mask.Clean
	case form == mask.Piece:
		return append(value[:i], value[i+6:]...), mask.Masked
	}
	return value[:0], mask.Nulled
}

func TestDetectorsThatFailShowNothing(t *testing.T) {
	for mediaType, text := range map[string]string{jsonType: `{"a":"canary"}`, eventType: "data: canary\n\n", formType: "a=canary&b=1"} {
		f := filter(t, mediaType, body.Rules{Detectors: upper{panics: true}})
		out, err := f.Write([]byte("before"), []byte(text))
		if !errors.Is(err, body.ErrMalformed) || string(out) != "before" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %q, %v", mediaType, out, err)
		}
		if out, err = f.Close(nil); err == nil || len(out) > 0 {
			t.Errorf("%s: closed with %q, %v", mediaType, out, err)
		}
	}
	if _, err := body.New("text/plain", body.Rules{Detectors: upper{}}); !errors.Is(err, body.ErrType) {
		t.Errorf("text is taken by what can't look at pieces: %v", err)
	}
}

func TestOtherDetectorsLookAtWholeValues(t *testing.T) {
	r := body.Rules{Detectors: upper{}}
	for in, want := range map[string]string{
		`{"a":"a canary","b":"bird","a canary":1}`:             `{"a":null,"b":"bird","a ":1}`,
		`["` + strings.Repeat("long ", 60_000) + `canary", 1]`: `["***", 1]`,
	} {
		for _, size := range []int{len(in), 1000} {
			if got, err := through(t, jsonType, r, in, size); got != want || err != nil {
				t.Errorf("got %.100q, %v", got, err)
			}
		}
	}
}

func TestManyPathsAreFollowed(t *testing.T) {
	var all []string
	var in, want strings.Builder
	for i := range 200 {
		all = append(all, fmt.Sprintf("$.k%d.a.ssn", i))
		fmt.Fprintf(&in, `"k%d":{"a":{"ssn":"canary","b":%d}},`, i, i)
		fmt.Fprintf(&want, `"k%d":{"a":{"ssn":"***","b":%d}},`, i, i)
	}
	got, err := through(t, jsonType, body.Rules{Paths: paths(t, all...)}, `{`+in.String()+`"z":{"a":{"ssn":1}}}`, 999)
	if got != `{`+want.String()+`"z":{"a":{"ssn":1}}}` || err != nil {
		t.Errorf("got %.300q, %v", got, err)
	}
}

// A body may be of any length: what is kept of it does not grow.
func TestMemoryIsBounded(t *testing.T) {
	rules := body.Rules{Paths: paths(t, "$..ssn"), Detectors: detectors(t, "redact"), Secrets: body.NewSecrets("s3cr3t-token")}
	for name, c := range map[string]struct{ mediaType, before, again string }{
		"an endless string":    {jsonType, `["`, strings.Repeat(`text \n `, 1000)},
		"one that is masked":   {jsonType, `{"ssn":"`, strings.Repeat(`text \n `, 1000)},
		"an endless number":    {jsonType, `[1`, strings.Repeat("1", 8000)},
		"endless white space":  {jsonType, `[`, strings.Repeat(" ", 8000)},
		"an endless array":     {jsonType, `[1`, strings.Repeat(`,"a",{"ssn":[1]}`, 500)},
		"an endless sequence":  {"application/x-ndjson", ``, strings.Repeat(`{"a":1}`+"\n", 1000)},
		"endless events":       {eventType, ``, strings.Repeat("data: {\"ssn\":1}\n\n", 500)},
		"endless fields":       {formType, `a=1`, strings.Repeat("&ssn=1", 1000)},
		"an image":             {"image/png", ``, strings.Repeat("\x89PNG", 2000)},
		"the same of a secret": {"image/png", ``, strings.Repeat("s3cr3t-toke", 700)},
	} {
		f := filter(t, c.mediaType, rules)
		out, err := f.Write(nil, []byte(c.before))
		piece, before := []byte(c.again), heap()
		for range 2000 {
			if err != nil {
				break
			}
			out, err = f.Write(out[:0], piece)
		}
		if grown := heap() - before; err != nil || grown > 4<<20 {
			t.Errorf("%s: %d bytes more are kept of %d, %v", name, grown, 2000*len(piece), err)
		}
		runtime.KeepAlive(f)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestNothingIsAllocatedForAPiece(t *testing.T) {
	for name, rules := range map[string]body.Rules{
		"paths":     {Paths: paths(t, "$.items[*].data.*", "$..password")},
		"detectors": {Detectors: detectors(t, "redact"), Secrets: body.NewSecrets("s3cr3t-token")},
	} {
		for what, text := range lists() {
			f := filter(t, "application/x-ndjson", rules)
			piece := []byte(text + "\n")
			var out []byte
			write := func() { out, _ = f.Write(out[:0], piece) }
			write()
			if n := testing.AllocsPerRun(5, write); n != 0 {
				t.Errorf("%s, %s: %v allocations", name, what, n)
			}
		}
	}
}
