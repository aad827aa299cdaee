package mask_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// streamed is a text that went through a stream in pieces of the sizes, over and over.
func streamed(t testing.TB, s *mask.Set, text []byte, sizes ...int) string {
	t.Helper()
	stream := mask.NewStream(s)
	var out []byte
	given := 0
	for i := 0; len(text) > 0; i++ {
		n := min(max(sizes[i%len(sizes)], 1), len(text))
		out = stream.Write(out, text[:n])
		text, given = text[n:], given+n
	}
	out = stream.Flush(out)
	if !stream.Idle() {
		t.Fatal("something is held back after Flush")
	}
	return string(out)
}

// everything has each finding and each honest value once.
func everything() string {
	var b strings.Builder
	for _, values := range findings() {
		for _, v := range values {
			b.WriteString(v + " | ")
		}
	}
	return b.String() + strings.Join(honest(), "\t")
}

func TestEverySplitGivesTheSame(t *testing.T) {
	for _, as := range []string{"redact", "last4", "null"} {
		s := set(t, as)
		var texts []string
		for _, values := range findings() {
			for _, v := range values {
				texts = append(texts, v, "before "+v+" after", v+v, `\n`+v)
			}
		}
		for _, text := range append(texts, honest()...) {
			want, _ := apply(s, text, mask.Piece)
			for at := 0; at <= len(text); at++ {
				if got := streamed(t, s, []byte(text), max(at, 1), max(len(text)-at, 1)); got != want {
					t.Fatalf("%s: %q split at %d became %q, not %q", as, text, at, got, want)
				}
			}
		}
		text := everything()
		want, _ := apply(s, text, mask.Piece)
		for size := 1; size < 300; size++ {
			if got := streamed(t, s, []byte(text), size); got != want {
				t.Fatalf("%s: in pieces of %d:\n got %q\nwant %q", as, size, got, want)
			}
		}
	}
}

// What comes out is the same for any split, and what is found is gone.
func FuzzSplit(f *testing.F) {
	for _, values := range findings() {
		for _, v := range values {
			f.Add([]byte("a "+v+" b"), uint8(3), uint8(7))
		}
	}
	for _, v := range honest() {
		f.Add([]byte(v), uint8(1), uint8(2))
	}
	redact, last4, null := set(f, "redact"), set(f, "last4"), set(f, "null")
	f.Fuzz(func(t *testing.T, text []byte, a, b uint8) {
		for _, s := range []*mask.Set{redact, last4, null} {
			whole, r := s.Apply(bytes.Clone(text), mask.Piece)
			if len(whole) > len(text) || (r == mask.Clean) != bytes.Equal(whole, text) && r == mask.Clean {
				t.Fatalf("%q became %q (%d)", text, whole, r)
			}
			if s.Find(text) != (r != mask.Clean) {
				t.Fatalf("Find and Apply differ on %q", text)
			}
			if got := streamed(t, s, text, int(a), int(b)); got != string(whole) {
				t.Fatalf("%q in pieces of %d and %d:\n got %q\nwant %q", text, a, b, got, whole)
			}
			if got := streamed(t, s, text, 1); got != string(whole) {
				t.Fatalf("%q byte by byte:\n got %q\nwant %q", text, got, whole)
			}
		}
		fixed, _ := redact.Apply(bytes.Clone(text), mask.Fixed)
		if len(fixed) != len(text) {
			t.Fatalf("%q became %q", text, fixed)
		}
	})
}

func TestAStreamHoldsBackLittle(t *testing.T) {
	s := set(t, "redact")
	for name, endless := range map[string]string{
		"digits": "4", "wide digits": "４", "letters": "a", "base64": "QUJD", "spaces": " ", "invisible": "4\u200b", "groups": "4111 ", "dots": "a.", "ats": "a@", "dashes": "-",
		"plus": "+1", "eyJ": "eyJhbGciOiJIUzI1NiJ9", "key": pem[:60] + "\n", "words": "word ", "continuations": "\x80", "leads": "\xE2", "underscores": "sk_live_",
	} {
		stream := mask.NewStream(s)
		in, out, held := 0, 0, 0
		head := pem[:70]
		if name != "key" {
			head = ""
		}
		piece := []byte(strings.Repeat(endless, 1000/len(endless)+1))
		out += len(stream.Write(nil, []byte(head)))
		for range 200 {
			out += len(stream.Write(nil, piece))
			in += len(piece)
			held = max(held, stream.Held())
		}
		if held > 8<<10 {
			t.Errorf("%s: %d bytes are kept of %d", name, held, in)
		}
	}
}

func TestAnEndlessTokenIsOneFinding(t *testing.T) {
	s := set(t, "last4")
	long := jwt + strings.Repeat("A", 100_000) + "wxyz"
	if got := streamed(t, s, []byte("a "+long+" b "+pem+" c"), 999); got != "a ***wxyz b *** c" {
		t.Errorf("got %.200q", got)
	}
}
