package pgsql

import (
	"strings"
	"unicode/utf8"
)

// Limits of a text, from POSTGRES.md section 5. Postgres' own are far higher; people's statements stay far below.
const (
	maxText    = 1 << 20
	maxNesting = 500
	maxTokens  = 50_000 // outside the rows of VALUES
)

// scanned is a text with its tokens, spaces and comments left out.
type scanned struct {
	text   string
	bare   string // text with spaces in the place of comments, which the grammar does not expect everywhere
	tokens []token
	// modern: it has numbers that servers before 16 read otherwise (0x1F, 1_000).
	modern bool
	broken bool // the tokens end before the text does
}

// scan checks a text's encoding and limits and reads its tokens.
func scan(text string) (scanned, *Problem) {
	s := scanned{text: text, bare: text, broken: true}
	if len(text) > maxText {
		return s, tooMuch("the text is longer than 1 MiB", "Send it in parts, or use COPY.")
	}
	if i := strings.IndexByte(text, 0); i >= 0 || !utf8.ValidString(text) {
		return s, &Problem{SQLState: "22021", Rule: "limits", Message: "the text is not valid UTF-8", Hint: "Send statements in UTF-8, without NUL bytes."}
	}
	all, lexErr := lexAll(text)
	for _, t := range all {
		if t.kind != tokSpace && t.kind != tokComment {
			s.tokens = append(s.tokens, t)
			s.modern = s.modern || t.kind == tokNumber && strings.ContainsAny(text[t.start:t.end], "_xXoObB")
		}
	}
	if lexErr != nil {
		return s, &Problem{SQLState: "42601", Rule: "unparsable", Message: lexErr.message, Position: characters(text, lexErr.at)}
	}
	s.broken = false
	s.bare = withoutComments(text, all)
	return s, s.withinLimits()
}

// withoutComments puts spaces in the place of comments, so that every byte stays where it is.
func withoutComments(text string, tokens []token) string {
	var bare []byte
	for _, t := range tokens {
		if t.kind != tokComment {
			continue
		}
		if bare == nil {
			bare = []byte(text)
		}
		for i := t.start; i < t.end; i++ {
			if bare[i] != '\n' {
				bare[i] = ' '
			}
		}
	}
	if bare == nil {
		return text
	}
	return string(bare)
}

func (s *scanned) withinLimits() *Problem {
	depth, counted, rows := 0, 0, -1 // rows: the depth of the VALUES we are in
	for i, t := range s.tokens {
		word := s.text[t.start:t.end]
		switch {
		case word == "(" || word == "[":
			depth++
		case word == ")" || word == "]":
			depth--
		case t.kind == tokIdent && strings.EqualFold(word, "values") && s.is(i+1, "("):
			rows = depth
		}
		if rows >= 0 && (depth < rows || depth == rows && word != ")" && word != "," && !strings.EqualFold(word, "values")) {
			rows = -1
		}
		if rows < 0 {
			counted++
		}
		if depth > maxNesting {
			return tooMuch("the statement is nested more than 500 deep", "Write it flatter.")
		}
	}
	if counted > maxTokens {
		return tooMuch("the statement has more than 50,000 tokens", "Send it in parts, or use COPY or a VALUES list.")
	}
	return nil
}

// is says whether token i is exactly word (for signs and keywords in lower case).
func (s *scanned) is(i int, word string) bool {
	if i < 0 || i >= len(s.tokens) {
		return false
	}
	t := s.tokens[i]
	return t.kind != tokQuoted && t.kind != tokString && len(word) == t.end-t.start && strings.EqualFold(s.text[t.start:t.end], word)
}

// word is token i as written.
func (s *scanned) word(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.text[s.tokens[i].start:s.tokens[i].end]
}

// find is the index of the first token that starts at byte or later.
func (s *scanned) find(at int) int {
	lo, hi := 0, len(s.tokens)
	for lo < hi {
		if mid := (lo + hi) / 2; s.tokens[mid].start < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// normal is the text with comments dropped and spaces folded.
func (s *scanned) normal() string {
	var b strings.Builder
	b.Grow(len(s.text))
	for i, t := range s.tokens {
		if i > 0 && s.tokens[i-1].end < t.start {
			b.WriteByte(' ')
		}
		b.WriteString(s.text[t.start:t.end])
	}
	return b.String()
}

// positionOf is the character in the text that is at a character of bare, whose comments have one for each byte.
func (s *scanned) positionOf(position int) int {
	if s.bare == s.text || position <= 0 {
		return position
	}
	for at := range s.bare {
		if position--; position == 0 {
			return characters(s.text, at)
		}
	}
	return utf8.RuneCountInString(s.text) + 1
}

func tooMuch(message, hint string) *Problem {
	return &Problem{SQLState: "54001", Rule: "limits", Message: message, Hint: hint}
}

// characters turns a byte offset into Postgres' position: characters from 1.
func characters(text string, at int) int {
	if at < 0 || at > len(text) {
		return 0
	}
	return utf8.RuneCountInString(text[:at]) + 1
}
