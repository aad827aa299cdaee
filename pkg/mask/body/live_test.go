package body

import (
	"encoding/base64"
	"strings"
	"testing"
)

const liveToken = "eyJhbGciOiJSUzI1NiJ9.canary-0123456789"

// watched is what somebody sees of a text that comes in pieces of some bytes, and how far what is shown was behind at most.
func watched(secrets *Secrets, text string, size int) (out string, behind int) {
	l := secrets.Live()
	var all []byte
	for i := 0; i < len(text); i += size {
		end := min(i+size, len(text))
		all = l.Write(all, []byte(text[i:end]), false)
		behind = max(behind, end-len(all))
	}
	return string(l.Write(all, nil, true)), behind
}

func TestNoSecretIsSeenAsItComes(t *testing.T) {
	secrets := NewSecrets(liveToken)
	for _, form := range []string{liveToken, base64.StdEncoding.EncodeToString([]byte(liveToken)), "65794a68624763694f694a53557a49314e694a392e63616e6172792d30313233343536373839"} {
		for size := range 70 {
			for _, around := range []string{"", "eyJhb", "$ ", "eyJhbGciOiJSUzI1NiJ9.canary-012345678", form} {
				got, _ := watched(secrets, around+form+around+"\n", size+1)
				if strings.Contains(got, form) || !strings.Contains(got, "***") || strings.Count(got, form[len(form)/2:]) > 0 {
					t.Fatalf("in pieces of %d: %q", size+1, got)
				}
			}
		}
	}
}

// A terminal shows each sign when it is typed, whatever it may be the beginning of.
func TestNothingElseWaitsWhereSomebodyWatches(t *testing.T) {
	secrets := NewSecrets(liveToken)
	for _, text := range []string{"e", "ey", "eyJhbGci", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 65 79 %e &# \\x \\u00"} {
		if got, behind := watched(secrets, text, 1); got != text || behind != 0 {
			t.Errorf("%q comes as %q, %d bytes late", text, got, behind)
		}
	}
	if got, _ := watched(nil, liveToken, 3); got != liveToken {
		t.Errorf("where nothing is secret: %q", got)
	}
	if got, _ := watched(NewSecrets("abcd"), "abcd", 1); got != "a***" {
		t.Errorf("of a short one: %q", got)
	}
}

// FuzzLive: what is shown has no secret in it, does not depend on how it is cut but for the beginnings of secrets, and is all of what has none.
func FuzzLive(f *testing.F) {
	for size, text := range []string{liveToken, "a" + liveToken + liveToken + "eyJhbGciO", "eyJhbGciOeyJhbGciO" + liveToken[4:], strings.Repeat("ey", 40)} {
		f.Add(text, uint8(size))
	}
	secrets := NewSecrets(liveToken, "eyeyey-eyey")
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		got, _ := watched(secrets, text, int(size)+1)
		want := secrets.Hide(text)
		if want == text && got != text {
			t.Fatalf("%q is seen as %q", text, got)
		}
		if secrets.in([]byte(got)) {
			t.Fatalf("%q is seen as %q", text, got)
		}
		if strings.Count(got, stars) < strings.Count(want, stars) {
			t.Fatalf("%q is seen as %q, and hidden as %q", text, got, want)
		}
	})
}
