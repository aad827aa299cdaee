package pgsql

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/wasilibs/go-pgquery/parser"
)

// corpusTexts are the statements of the test data, and fragments that are hard to read.
func corpusTexts(t testing.TB) []string {
	t.Helper()
	texts := []string{
		"'a'\n'b'", "'a' -- c\n  'b'", "'a' /* */ 'b'", "'a'\n-- x\n-- y\n\t'b' 'c'", "'a'\n-- x", "E'a\\'b'\n'c\\'d'", "b'01''1'", "x'1f'\n'2'", "U&'\\0041'\n'b' UESCAPE '!'",
		"u&\"a\"\"b\"", "U&x", "N'x'", "n'x'", "$$a$$", "$a$ $b$ $a$", "$1", "$1$2", "a$b$c", "$a", "$a$", "1.5", "1.", ".5", "1..2", "1e5", "1.e-5", "1_000", "0x1F_F", "0o17", "0b1_0",
		"a<-1", "a+-1", "a@-1", "a@-", "a*/*c*/b", "a--b", "+/*x*/-", "=-", "<>-1", "!=-", "a=>b", "a:=b", "a::b", "a[1:2]", "a..b", "%-", "?-", "||/* */", "~~*", "!~~", "@>", "#>>", "->>", "->-1", "|/-4",
		"é", "\"é\"\"\"", "/* /* */ */", "a;b", "'\\'", "E'\\\\'", "e'\\x41'", "\ufeffselect", "a\u00a0b", "select\v1", "$é$x$é$", "'a'\r'b'", "'a'\f\n'b'", "1a", "0x", "1__0", "1e", "$1a", "''''", "\"\"", "a.b.*", "-- x", "--x\ry",
	}
	for _, path := range []string{"testdata/evasion-postgres.sql", "testdata/honest.sql", "testdata/psql.sql", "testdata/corners.sql", "testdata/evasion-schema.sql"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
		texts = append(texts, strings.Split(string(data), ";")...)
		texts = append(texts, strings.Split(string(data), "-- @")...)
	}
	return texts
}

// scannerTokens are the tokens of the grammar's own scanner; ok is false where it refuses the text.
func scannerTokens(t testing.TB, text string) (tokens []token, ok bool) {
	raw, err := parser.ScanToProtobuf(text)
	if err != nil {
		return nil, false
	}
	s, err := grammarSchema()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := treeReader{s: s}.readTree("ScanResult", raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range tree.list("tokens") {
		tokens = append(tokens, token{start: int(tok.number("start")), end: int(tok.number("end"))})
	}
	return tokens, true
}

// agree checks that our tokens tile a text and are the scanner's.
func agree(t testing.TB, text string) {
	t.Helper()
	all, lexErr := lexAll(text)
	at := 0
	var ours []token
	for _, tok := range all {
		if tok.start != at || tok.end <= tok.start {
			t.Fatalf("%q: token %+v does not follow byte %d", text, tok, at)
		}
		at = tok.end
		if tok.kind != tokSpace {
			ours = append(ours, token{start: tok.start, end: tok.end})
		}
	}
	if lexErr == nil && at != len(text) {
		t.Fatalf("%q: tokens end at %d of %d", text, at, len(text))
	}
	theirs, ok := scannerTokens(t, text)
	if !ok {
		return // refused by them: whatever we read, the text is refused
	}
	if lexErr != nil && lexErr.message == "trailing junk after parameter" {
		return // PostgreSQL refuses it too; the grammar's build does not
	}
	if lexErr != nil {
		t.Fatalf("%q: we refuse (%s) what the scanner reads", text, lexErr.message)
	}
	if commentInContinuation(text, all, theirs) {
		return
	}
	if len(ours) != len(theirs) {
		t.Fatalf("%q: %d tokens, the scanner has %d: %v %v", text, len(ours), len(theirs), ours, theirs)
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			t.Fatalf("%q: token %d is %v, the scanner's %v", text, i, ours[i], theirs[i])
		}
	}
}

// commentInContinuation says whether a string goes on after a comment. PostgreSQL reads that so, and so do we; the grammar's
// build makes tokens of comments and sees two strings, which no statement allows: such texts are refused.
func commentInContinuation(text string, ours, theirs []token) bool {
	for _, our := range ours {
		for _, their := range theirs {
			if our.kind == tokString && their.start > our.start && their.end < our.end && strings.HasPrefix(text[their.start:], "--") {
				return true
			}
		}
	}
	return false
}

func TestTheLexerReadsWhatTheGrammarsScannerReads(t *testing.T) {
	texts := corpusTexts(t)
	for _, text := range texts {
		agree(t, text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	pieces := strings.Split("' '' \" \"\" $ $$ $a$ 1 1. .1 1e 0x1 _ a e' E' b' x' U&' U&\" \\ -- /* */ + - * / < > = ~ ! @ # % ^ & | ` ? : :: := .. => ( ) [ ] , ; é \n \t \r", " ")
	pieces = append(pieces, " ", "\n", "-- c\n", "'x'", "\"y\"")
	for range 6000 {
		var b strings.Builder
		for range 1 + random.IntN(9) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		agree(t, b.String())
	}
}

func FuzzLex(f *testing.F) {
	for _, text := range corpusTexts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, problem := scan(text)
		if problem != nil {
			return
		}
		agree(t, text)
		if again, problem := scan(s.normal()); problem != nil || len(again.tokens) != len(s.tokens) {
			t.Fatalf("%q: its normal form %q has other tokens", text, s.normal())
		}
	})
}
