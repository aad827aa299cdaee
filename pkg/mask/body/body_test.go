package body_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

func detectors(t testing.TB, as string, names ...string) *mask.Set {
	t.Helper()
	if len(names) == 0 {
		names = mask.Names()
	}
	s, err := mask.NewSet(mask.Rule{Detect: names, As: as})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func paths(t testing.TB, texts ...string) (all []body.Path) {
	t.Helper()
	for _, text := range texts {
		p, err := body.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func filter(t testing.TB, mediaType string, r body.Rules) *body.Filter {
	t.Helper()
	f, err := body.New(mediaType, r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// through is what a filter shows of a body that comes in pieces of the sizes, over and over, and the error that it ends with.
func through(t testing.TB, mediaType string, r body.Rules, text string, sizes ...int) (string, error) {
	t.Helper()
	f := filter(t, mediaType, r)
	var out []byte
	var err error
	for i := 0; len(text) > 0; i++ {
		n := min(max(sizes[i%len(sizes)], 1), len(text))
		piece := []byte(text[:n])
		if out, err = f.Write(out, piece); err != nil {
			return string(out), err
		}
		if string(piece) != text[:n] {
			t.Fatal("Write changed what it was given")
		}
		clear(piece) // it must not be kept
		text = text[n:]
	}
	out, err = f.Close(out)
	return string(out), err
}

// everySplit is what a filter shows of a body, which must be the same for every split of it in two, and byte by byte.
func everySplit(t testing.TB, mediaType string, r body.Rules, text string) (string, error) {
	t.Helper()
	want, wrong := through(t, mediaType, r, text, len(text))
	same := func(got string, err error, how string, at int) {
		if got != want || (err == nil) != (wrong == nil) {
			t.Fatalf("%q %s %d:\n got %q (%v)\nwant %q (%v)", text, how, at, got, err, want, wrong)
		}
	}
	for at := 1; at < len(text); at++ {
		got, err := through(t, mediaType, r, text, at, len(text)-at)
		same(got, err, "split at", at)
	}
	got, err := through(t, mediaType, r, text, 1)
	same(got, err, "in pieces of", 1)
	return want, wrong
}
