package guard

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Stage says whether a command would run or is only made ready.
type Stage uint8

// The stages. The zero Stage is the strict one.
const (
	Execute Stage = iota
	Prepare
)

// Command is one unit of intent as a protocol decoded it.
type Command struct {
	Stage Stage
	Facts policy.Command
	// Text is the command as its sender wrote it. It is shown to reviewers and never stored outside an approval.
	Text string
	// Recorded is Text with secrets blanked; it is what recordings hold.
	Recorded string
	// Normal is Text without what can't change its meaning (comments, white space). The digest covers it.
	Normal string
	// NormalOf, if not nil, stands in Normal's place, and is asked where one is needed: for commands that wait for a person.
	NormalOf func() string
	// Rewritten is what is sent in Text's place.
	Rewritten string
	Params    []Param
	// Context is everything else that gives the command its meaning: the catalog's version, role, search path, settings.
	// It is asked for where an approval is.
	Context func() []string
	// Masked names the masked columns that it reads.
	Masked []string
	// Reviewed says that making the command ready runs no foreign code.
	Reviewed bool
	// Memo, if not nil, is of a command that may come again with other parameters and is otherwise the same.
	Memo *Memo
	// Unshown says why a person can't be shown all of it, so that nobody can approve it; "" where they can.
	Unshown string
	// NoWait has Admit answer ErrWaits, and do nothing, for a command that must wait: for a person, or for the disk. So does
	// it for one that is refused.
	NoWait bool
	// Units are how many statements it holds that do more than steer the session; 0 counts as one.
	Units   int
	Control Control
	// Cut says that a limit on what it answers may cut it off: nothing that it did by then need be undone.
	Cut bool
	Hooks
	// Anew, if not nil, understands the command again after a person was asked: what would run then must be what was
	// approved.
	Anew func(context.Context) (Command, error)
}

// Memo is what the guard remembers of a command that comes again. Its owner takes a new one when the command's text, what is
// sent in its place, its facts or its masks change.
type Memo struct{ fixed atomic.Pointer[record.Fixed] }

// Hooks are what a protocol does around the wait for a person. They are the same for all commands of a session.
type Hooks struct {
	// NoHold answers why the command can't wait for a person here, or "" when it can. Nil: it can't.
	NoHold func(context.Context) string
	// Waiting, if not nil, tells the client that the command waits for a person. It is called before and while it waits.
	Waiting func(message string)
	// Holding, if not nil, is called when the command begins to wait. The context that it answers ends when the client
	// goes or, with the cause ErrCancelled, takes the command back; release is called when the wait is over.
	Holding func(context.Context) (held context.Context, release func())
	// Values, if not nil, has detectors look at the texts in a parameter's value, of which value is a copy to edit, and
	// answers what is left of it. blank says that nothing is. Nil: a value is a text.
	Values func(p Param, value []byte, d Detectors) (left []byte, blank bool)
}

// Param is a value bound to a command.
type Param struct {
	Type   uint32 // the protocol's type number, 0 unknown
	Format int16
	Null   bool
	Value  []byte
	Shown  string // the value in words, for reviewers
	Blank  bool   // it is compared with or written to a masked column, so recordings hold a mask
}

// digest is the SHA-256, in hex, of exactly what would run, for whom and where. Each part is preceded by its length,
// so that no two different commands have the same bytes.
func (s *Session) digest(c Command) string {
	h := sha256.New()
	var n [8]byte
	if c.NormalOf != nil {
		c.Normal = c.NormalOf()
	}
	put := func(b []byte) {
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, part := range []string{
		"hoop/digest/1", s.cfg.Identity.Issuer, s.cfg.Identity.Subject,
		s.cfg.Connection.Kind, s.cfg.Connection.Name, c.Normal, c.Rewritten,
	} {
		put([]byte(part))
	}
	put(binary.BigEndian.AppendUint64(nil, uint64(len(c.Params))))
	for _, p := range c.Params {
		head := binary.BigEndian.AppendUint32(nil, p.Type)
		head = binary.BigEndian.AppendUint16(head, uint16(p.Format))
		if p.Null {
			head = append(head, 1)
		}
		put(head)
		put(p.Value)
	}
	var context []string
	if c.Context != nil {
		context = c.Context()
	}
	put(binary.BigEndian.AppendUint64(nil, uint64(len(context))))
	for _, x := range context {
		put([]byte(x))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Outcome is what became of a command that ran.
type Outcome struct {
	Tag      string // the protocol's own words: "DELETE 3"
	Rows     int64
	Bytes    int64  // of streams; those of results are counted as they come
	Error    string // the protocol's error code; empty: it succeeded
	Undone   bool   // it ran to its end, and what it changed was undone for a limit
	Finished time.Time
}
