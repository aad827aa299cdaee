package argv

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits bound the work that a line may make. A zero field is its default, the strict one.
type Limits struct {
	Bytes    int           // of the text, default 16 KiB
	Depth    int           // of groups, substitutions and scripts in one another, default 8
	Commands int           // simple commands, those in scripts included, default 64
	Words    int           // of one command, default 512
	Time     time.Duration // for all of it, default 1 s
}

// Err is the error of a line that is no text, or that is over a limit. Such a line is refused whatever the policy says: it
// can't even be shown to a person who would approve it.
type Err struct{ Reason string }

func (e *Err) Error() string { return "command line: " + e.Reason }

func (l Limits) filled() Limits {
	return Limits{
		Bytes:    cmp.Or(l.Bytes, 16<<10),
		Depth:    cmp.Or(l.Depth, 8),
		Commands: cmp.Or(l.Commands, 64),
		Words:    cmp.Or(l.Words, 512),
		Time:     cmp.Or(l.Time, time.Second),
	}
}

// sound answers an error for what can't be a command line. A server that hands the text to a C string would cut it at a NUL,
// and shells use bytes of their own between the others (bash's 0x01 and 0x7f) while they read.
func sound(text string, l Limits) error {
	switch {
	case len(text) > l.Bytes:
		return &Err{fmt.Sprintf("it has %d bytes, %d at most", len(text), l.Bytes)}
	case strings.TrimSpace(text) == "":
		return &Err{"it is empty"}
	case !utf8.ValidString(text):
		return &Err{"it is not valid UTF-8"}
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return &Err{fmt.Sprintf("it has the control character 0x%02x at byte %d", c, i)}
		}
	}
	return nil
}

var errSlow = errors.New("it takes too long to understand")

// clock hands a text to the parser in pieces and stops it when its time is over.
type clock struct {
	r     io.Reader
	until time.Time
}

func (c *clock) Read(p []byte) (int, error) {
	if time.Now().After(c.until) {
		return 0, errSlow
	}
	return c.r.Read(p[:min(len(p), 256)])
}
