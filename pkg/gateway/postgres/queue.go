package postgres

import (
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// expectation is what the target still owes for one message that was sent to it.
type expectation struct {
	kind    byte // the message's type: P B D E C Q S
	pass    *guard.Pass
	segment uint64 // of a Query or Sync: the segment that its ReadyForQuery ends
	confirm func() // what the target's success changes
	// names are the changes of names of each statement of a Query's or Execute's text, in order; ended counts the
	// statements that the target has completed.
	names     []change
	ended     int
	redefines bool // a statement changes definitions
	refusal   *refused
	rows      int64
	tag       string
	failed    string // SQLSTATE of the error that this message met
	done      bool   // nothing more is owed
	// withheld: what runs may print masked values in its errors and notices, so their free text is replaced.
	withheld  bool
	warnings  []string   // told to the client before the first answer
	describes *statement // whose parameters a Describe asks for
	shapes    bool       // ParameterDescription comes first
	look      *look      // at the answers; nil: nothing does
	own       bool       // the answer is for the gateway alone
	quiet     bool       // the client did not send it, and sees no success of it
	cut       *refused   // why the rest of the answer is not for the client
	muted     bool       // its notices are withheld: a limit is reached
	overdue   *refused   // why it was cancelled, where the clock did
	selects   bool       // a lone SELECT: it changes no rows
	changes   bool       // it does more than read
	judged    *basis     // nil where definitions don't matter to it
}

// skipped is how a message failed that the target did not look at.
const skipped = "skipped"

// maxRoom is how long a queue may be whose memory is used again.
const maxRoom = 64

// queue holds the expectations in the order in which messages were sent. Its owner's lock guards it.
type queue struct {
	items    []*expectation
	room     []*expectation // what items grow in
	skipping bool           // the target skips everything up to the next Sync
	pushed   uint64         // how many ever were
}

func (q *queue) push(x *expectation) {
	if q.skipping && x.kind != 'S' {
		x.fail(skipped)
		return
	}
	q.skipping = false
	if len(q.items) == 0 {
		q.items = q.room[:0]
	}
	q.items = append(q.items, x)
	q.pushed++
	if cap(q.items) <= maxRoom {
		q.room = q.items
	}
}

func (q *queue) head() *expectation {
	if len(q.items) == 0 {
		return nil
	}
	return q.items[0]
}

func (q *queue) pop() *expectation {
	x := q.items[0]
	q.items[0] = nil
	x.done = true
	q.items = q.items[1:]
	return x
}

// skip drops everything up to the next Sync: the target answers nothing to what it skips after an error in an
// extended-query segment, simple queries among it.
func (q *queue) skip() {
	for len(q.items) > 0 && q.items[0].kind != 'S' {
		q.pop().fail(skipped)
	}
	q.skipping = len(q.items) == 0
}

// running answers whether a command is under way at the target.
func (q *queue) running() bool {
	for _, x := range q.items {
		if x.kind == 'E' || x.kind == 'Q' {
			return true
		}
	}
	return false
}

func (x *expectation) fail(state string) {
	if x.failed == "" {
		x.failed = state
	}
	if x.pass != nil {
		x.finish()
	}
}

// finish records the outcome of the command. A failed recorder refuses every later command, so the error needs no other
// handling here.
func (x *expectation) finish() {
	if x.pass == nil {
		return
	}
	o := guard.Outcome{Tag: x.tag, Rows: x.rows, Error: x.failed}
	if x.cut != nil {
		o.Error, o.Undone = x.cut.code, x.kind == 'E' && x.changes && x.tag != ""
	}
	_ = x.pass.Finish(o)
}
