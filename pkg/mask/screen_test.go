package mask_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// screened is a text that went through a screen in pieces of a size, with pauses between them, which change nothing.
func screened(x *mask.Screen, text string, size int) string {
	var out []byte
	for len(text) > 0 {
		n := min(size, len(text))
		out = x.Write(out, []byte(text[:n]))
		text = text[n:]
	}
	return string(x.Flush(out))
}

// coloured has a sequence that only changes how text looks behind each byte.
func coloured(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteString(text[i:i+1] + []string{"\x1b[31m", "\x1b[m\x1b[K", "\x1b[38;5;12m"}[i%3])
	}
	return b.String()
}

func bare(text string) string {
	for _, seq := range []string{"\x1b[31m", "\x1b[m\x1b[K", "\x1b[38;5;12m"} {
		text = strings.ReplaceAll(text, seq, "")
	}
	return text
}

func TestColoursDontHideAFinding(t *testing.T) {
	for _, as := range []string{"redact", "last4", "null"} {
		s := set(t, as)
		for _, values := range findings() {
			for _, v := range values {
				want, _ := apply(s, "a "+v+" b", mask.Piece)
				in := coloured("a " + v + " b")
				whole := screened(mask.NewScreen(s), in, len(in))
				if bare(whole) != want || strings.Count(whole, "\x1b") != strings.Count(in, "\x1b") {
					t.Fatalf("%s: %q became %q, not %q with its colours", as, in, whole, want)
				}
				for size := 1; size < len(in); size++ {
					if got := screened(mask.NewScreen(s), in, size); got != whole {
						t.Fatalf("%s: %q in pieces of %d became %q, not %q", as, in, size, got, whole)
					}
				}
			}
		}
	}
}

func TestAScreenOfPlainTextIsAStream(t *testing.T) {
	for _, as := range []string{"redact", "last4", "null"} {
		s := set(t, as)
		text := everything() + "\x1b]0;title\a\x1b[2J\x1b[5;1H\x1b\x1b[31mred\x1b"
		for size := 1; size < 200; size++ {
			if got, want := screened(mask.NewScreen(s), text, size), streamed(t, s, []byte(text), size); got != want {
				t.Fatalf("%s: in pieces of %d:\n got %q\nwant %q", as, size, got, want)
			}
		}
	}
}

func TestColoursStandWhereTheyStood(t *testing.T) {
	in := "grep: \x1b[32mfile\x1b[m:12 \x1b[01;31m4111\x1b[m 12 \x1b[1mx\x1b[0m\n"
	for size := 1; size <= len(in); size++ {
		if got := screened(mask.NewScreen(set(t, "redact")), in, size); got != in {
			t.Fatalf("in pieces of %d: %q", size, got)
		}
	}
}

// However a finding comes out, by pauses between any of its characters, no part of it is shown before it is known what it is.
func TestNoPauseLetsAPartOfAFindingThrough(t *testing.T) {
	s := set(t, "redact")
	for name, values := range findings() {
		for _, v := range values {
			want, _ := apply(s, v, mask.Piece)
			for at := range len(v) + 1 {
				x := mask.NewScreen(s)
				before := string(x.Write(nil, []byte(v[:at]))) // and whatever time goes by, nothing more comes
				after := string(x.Flush(x.Write(nil, []byte(v[at:]))))
				if before+after != want || !strings.HasPrefix(want, before) {
					t.Fatalf("%s: %q with a pause at %d became %q and %q, not %q", name, v, at, before, after, want)
				}
			}
		}
	}
}

// typedBack is what the reader sees of what it types, character by character.
func typedBack(x *mask.Screen, keys string) (seen string) {
	for i := range len(keys) {
		x.Typed([]byte(keys[i : i+1]))
		seen += string(x.Write(nil, []byte(keys[i:i+1])))
	}
	return seen
}

func TestWhatIsTypedIsShownAsItComesBack(t *testing.T) {
	for _, keys := range []string{"ls", "cat /var/log/syslog", "4111111111111111", "me@example.com", "echo 12-34 AKIA eyJh"} {
		x := mask.NewScreen(set(t, "last4"))
		if got := string(x.Write(nil, []byte("$ "))) + typedBack(x, keys); got != "$ "+keys {
			t.Errorf("%q is seen as %q", keys, got)
		}
		if rest := string(x.Flush(x.Write(nil, []byte("\r\n")))); rest != "\r\n" {
			t.Errorf("%q: behind it comes %q", keys, rest)
		}
	}
}

func TestWhatIsNotTypedIsNotShownWithIt(t *testing.T) {
	s := set(t, "last4")
	for what, steps := range map[string]struct {
		before, keys, out string
		want              string
	}{
		"the rest of a finding":            {"", "4111", "4111111111111111\r\n", "4111***\r\n"},
		"what stood before it":             {"4111 1111 ", "1111", "1111 1111\r\n", "***1111\r\n"},
		"another text":                     {"", "411", "5555555555554444\r\n", "***4444\r\n"},
		"what comes once echo is off":      {"Password: ", "hunter2\r", "\r\n4111111111111111\r\n", "Password: \r\n***1111\r\n"},
		"what is behind a key":             {"", "4\x1b[A", "4111111111111111\r\n", "***1111\r\n"},
		"more than anybody types":          {"", strings.Repeat("4111", 30), "4111111111111111\r\n", ""},
		"a finding that colours interrupt": {"", "4111", "4111\x1b[31m111111111111\x1b[m\r\n", "4111\x1b[31m***\x1b[m\r\n"},
	} {
		x := mask.NewScreen(s)
		var got []byte
		got = x.Write(got, []byte(steps.before))
		x.Typed([]byte(steps.keys))
		for i := range len(steps.out) {
			got = x.Write(got, []byte(steps.out[i:i+1]))
		}
		got = x.Flush(got)
		if steps.want != "" && string(got) != steps.want {
			t.Errorf("%s: %q, not %q", what, got, steps.want)
		}
	}
}

// What was typed changes nothing but what comes back of it, and never shows a whole finding that nobody typed.
func FuzzScreen(f *testing.F) {
	for _, values := range findings() {
		for _, v := range values {
			f.Add([]byte("a "+coloured(v)+" b"), []byte("a "), uint8(3))
		}
	}
	s := set(f, "redact")
	f.Fuzz(func(t *testing.T, text, keys []byte, size uint8) {
		whole := screened(mask.NewScreen(s), string(text), len(text)+1)
		if got := screened(mask.NewScreen(s), string(text), int(size)+1); got != whole {
			t.Fatalf("%q in pieces of %d: %q, not %q", text, size, got, whole)
		}
		x := mask.NewScreen(s)
		x.Typed(keys)
		got := screened(x, string(text), int(size)+1)
		if len(keys) == 0 && got != whole {
			t.Fatalf("%q: %q, not %q", text, got, whole)
		}
		if len(got) > len(whole)+2*len(keys)+len(text) {
			t.Fatalf("%q grew to %q", text, got)
		}
	})
}
