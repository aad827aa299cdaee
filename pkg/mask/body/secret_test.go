package body_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

const secret = "s3cr3t/+&tok=en§"

func TestSecretsAreReplacedInEveryType(t *testing.T) {
	quoted, _ := json.Marshal(secret)
	for name, form := range map[string]string{
		"raw": secret, "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "lower query": strings.ToLower(url.QueryEscape(secret)),
		"json": strings.Trim(string(quoted), `"`), "slashes": strings.ReplaceAll(secret, "/", `\/`), "html": "s3cr3t/+&amp;tok=en§",
		"basic 1": base64.StdEncoding.EncodeToString([]byte("u" + ":" + secret)), "basic 2": base64.StdEncoding.EncodeToString([]byte("me:" + secret)),
		"basic 3": base64.StdEncoding.EncodeToString([]byte("you" + ":" + secret)),
	} {
		for _, mediaType := range []string{"image/png", "application/octet-stream", "", "application/json", "text/plain", "multipart/form-data; boundary=x"} {
			text := "\x00before " + form + " between " + form + form + "s3cr3t/+& after"
			got, err := everySplit(t, mediaType, body.Rules{Secrets: body.NewSecrets(secret, "other-secret")}, text)
			if err != nil || len(got) > len(text)-2*len(secret) || strings.Contains(got, form) || !strings.HasPrefix(got, "\x00before ") || !strings.HasSuffix(got, "s3cr3t/+& after") {
				t.Errorf("%s in %q: got %q, %v", name, mediaType, got, err)
			}
		}
	}
}

func TestSecretsAreReplacedHoweverTheirBytesAreSpelled(t *testing.T) {
	const secret = "tok-4711-Äz"
	each := func(form string) string {
		var b strings.Builder
		for _, c := range []byte(secret) {
			if strings.ContainsRune("tok4711z", rune(c)) {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, form, c)
			}
		}
		return b.String()
	}
	units := utf16.Encode([]rune(secret))
	var little, big bytes.Buffer
	_, _ = binary.Write(&little, binary.LittleEndian, units), binary.Write(&big, binary.BigEndian, units)
	for _, form := range []string{
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))), each(`\x%02x`), each("%%%02X"), each("%%%02x"), each("&#%d;"), each("&#x%x;"), each(`\u%04x`), little.String(), big.String(),
	} {
		if got, err := everySplit(t, "application/octet-stream", body.Rules{Secrets: body.NewSecrets(secret)}, "before "+form+" after"); got != "before *** after" || err != nil {
			t.Errorf("%q: %q, %v", form, got, err)
		}
	}
}

func TestASecretIsFoundUnderEscapes(t *testing.T) {
	var all strings.Builder
	for _, r := range "other-secret" {
		all.WriteString(`\u00` + "0123456789abcdef"[r>>4:r>>4+1] + "0123456789ABCDEF"[r&15:r&15+1])
	}
	r := body.Rules{Paths: paths(t, "$.none"), Secrets: body.NewSecrets("other-secret")}
	got, err := everySplit(t, jsonType, r, `{"a":"x `+all.String()+` y","b":"other-secret","other-secre\u0074":1,"other-secret":"other-secre"}`)
	if want := `{"a":"x *** y","b":"***","***":1,"***":"other-secre"}`; got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestSecretsThatBeginAlikeAreReplacedByTheLongest(t *testing.T) {
	r := body.Rules{Secrets: body.NewSecrets("abcd", "abcdefgh", "efghij", "", "xyz")}
	for in, want := range map[string]string{
		"abcdefgh": "***", "abcdefg": "***efg", "abcdefghij": "***ij", "abcabcd": "abc***", "xyz": "xyz", "abcdabcd": "******", "efghiefghij": "efghi***",
	} {
		if got, err := everySplit(t, "", r, in); got != want || err != nil {
			t.Errorf("%s became %s, not %s; %v", in, got, want, err)
		}
	}
}

func TestABodyWithoutSecretsIsNotHeldBack(t *testing.T) {
	f := filter(t, "", body.Rules{Secrets: body.NewSecrets("s3cr3t-token")})
	for _, event := range []string{"{\"a\":1}\n", "data: x\n\n", "", "s"} {
		out, err := f.Write(nil, []byte(event))
		if want := strings.TrimSuffix(event, "s"); string(out) != want || err != nil {
			t.Errorf("%q became %q, %v", event, out, err)
		}
	}
	if out, _ := f.Close(nil); string(out) != "s" {
		t.Errorf("the end is %q", out)
	}
}

func TestNothingToDoIsSaid(t *testing.T) {
	for _, r := range []body.Rules{{}, {Secrets: body.NewSecrets("", "abc")}} {
		if f := filter(t, "application/octet-stream", r); !f.Passes() {
			t.Errorf("%v has something to do", r)
		}
	}
	for _, r := range []body.Rules{{Secrets: body.NewSecrets("abcd")}, {Detectors: detectors(t, "redact")}, {Paths: paths(t, "$")}} {
		if f := filter(t, jsonType, r); f.Passes() {
			t.Errorf("%v has nothing to do", r)
		}
	}
}

// What is held of a body, as it may be the beginning of a secret, is not mixed with a value that is looked at meanwhile.
func TestASecretInAnEscapeLeavesWhatIsHeldAlone(t *testing.T) {
	r := body.Rules{Paths: paths(t, "$.none"), Secrets: body.NewSecrets("tok_secret_1")}
	got, err := everySplit(t, "application/json", r, `[true,"\u0074ok_secret_1","t"]`)
	if err != nil || got != `[true,"***","t"]` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestASecretInsideOfALongerCodeIsReplaced(t *testing.T) {
	const odd = "aaa???bbb???x"
	for name, code := range map[string]string{
		"URLs":    base64.URLEncoding.EncodeToString([]byte(odd + ":y")),
		"slashes": strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(odd+":y")), "/", `\/`),
		"queries": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(odd + ":y"))),
	} {
		if got := body.NewSecrets(odd).Hide(code); !strings.HasPrefix(got, "***") {
			t.Errorf("%s: %s is shown as %s", name, code, got)
		}
	}
}

func TestATextIsHiddenAsABodyIs(t *testing.T) {
	secrets := body.NewSecrets(secret, "other-secret")
	for _, text := range []string{"", "nothing of it", secret, "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+secret)) + ", other-secret; other-secre"} {
		want, err := through(t, "", body.Rules{Secrets: secrets}, text, max(len(text), 1))
		if got := secrets.Hide(text); err != nil || got != want || strings.Contains(got, "other-secret") {
			t.Errorf("%q is shown as %q, a body as %q, %v", text, got, want, err)
		}
	}
	if got := body.NewSecrets("abc").Hide("abc"); got != "abc" {
		t.Errorf("where nothing is looked for, %q is shown", got)
	}
}

// No secret is shown in what comes out, and all else is.
func FuzzSecrets(f *testing.F) {
	f.Add([]byte("abcdabcdefghabcd"), "abcd", "abcdefgh", uint8(3))
	f.Add([]byte("YWJjZA== abc"), "abcd", "bcde", uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, one, two string, size uint8) {
		r := body.Rules{Secrets: body.NewSecrets(one, two)}
		whole, err := through(t, "", r, string(text), max(len(text), 1))
		split, again := through(t, "", r, string(text), int(size))
		if err != nil || again != nil || whole != split {
			t.Fatalf("%q became %q, in pieces %q", text, whole, split)
		}
		for part := range strings.SplitSeq(whole, "***") {
			for _, s := range []string{one, two} {
				if len(s) >= 4 && strings.Contains(part, s) && !strings.Contains(s, "*") {
					t.Fatalf("%q shows %q", whole, s)
				}
			}
		}
		if !bytes.Contains(text, []byte("*")) && !strings.Contains(whole, "***") && whole != string(text) {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}

// by hand, at every place: stars for the longest secret that stands there.
func byHand(text string, secrets []string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		size := 0
		for _, s := range secrets {
			if strings.HasPrefix(text[i:], s) {
				size = max(size, len(s))
			}
		}
		if size > 0 {
			out.WriteString("***")
			i += size
			continue
		}
		out.WriteByte(text[i])
		i++
	}
	return out.String()
}

// Texts are made of parts of the secrets, so that they are full of what may be one.
func TestSecretsOfAnyLengthAreReplacedLikeByHand(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var secrets []string
		for range rapid.IntRange(1, 4).Draw(rt, "secrets") {
			size := rapid.SampledFrom([]int{4, 5, 7, 8, 12, 15, 16, 17, 24, 199, 200, 201, 300}).Draw(rt, "size")
			secrets = append(secrets, rapid.StringOfN(rapid.RuneFrom([]rune("xyz")), size, size, -1).Draw(rt, "secret"))
		}
		var text strings.Builder
		for range rapid.IntRange(0, 12).Draw(rt, "parts") {
			s := rapid.SampledFrom(secrets).Draw(rt, "of")
			from := rapid.IntRange(0, len(s)).Draw(rt, "from")
			switch rapid.IntRange(0, 3).Draw(rt, "part") {
			case 0:
				text.WriteString(s[from:])
			case 1:
				text.WriteString(s[:from])
			case 2:
				text.WriteString(strings.Repeat("-", from%40))
			default:
				text.WriteString(s)
			}
		}
		want := byHand(text.String(), secrets)
		for _, sizes := range [][]int{{text.Len() + 1}, rapid.SliceOfN(rapid.IntRange(1, 60), 1, 4).Draw(rt, "sizes")} {
			if got, err := through(t, "", body.Rules{Secrets: body.NewSecrets(secrets...)}, text.String(), sizes...); got != want || err != nil {
				rt.Fatalf("%q without %q became\n%q, not\n%q; %v", text.String(), secrets, got, want, err)
			}
		}
	})
}
