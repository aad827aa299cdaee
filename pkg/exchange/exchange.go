// Package exchange serves a client's socket of HTTP/1.1 through the gate: it reads one request after the other, has its
// protocol say what each means, asks the guard, sends what was understood, and brings the answer back through masks and
// the recording. What a request means is the protocol's to say, and whether it runs the guard's.
package exchange

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// Words are how a protocol says what is none of its target's answers.
type Words interface {
	// Refuse is the answer to a request that does not run.
	Refuse(r *guard.Refusal) Reply
	// Fail is the answer where nothing was judged or no answer came: a malformed request, a target that is gone.
	Fail(status int, why *api.Error) Reply
}

// Protocol gives requests their meaning, and refusals their words.
type Protocol interface {
	Words
	// Understand says what a request would do, what is sent in its place, and how its answer is shown. With a refusal, which
	// is recorded, nothing is sent; the Meaning, never nil, then says what the recording holds of the request. It may be asked
	// again for one request, after a person was.
	Understand(ctx context.Context, q *Request) (*Meaning, *api.Refusal)
}

// Meaning is what a request would do.
type Meaning struct {
	// Command is what is judged. Its hooks for the wait for a person are the exchange's, other than NoHold.
	Command guard.Command
	// Send is the head that goes to the target; its Host, credential, and the fields of framing are added to it.
	Send http1.Request
	// Body goes with it. Rest says that what Understand left of the client's body follows.
	Body []byte
	Rest bool
	// Follows is shown each piece of what follows before the target gets it; nil: nobody looks. With a refusal nothing more of the body
	// is sent.
	Follows func(piece []byte) *api.Refusal
	// Shows settles what of an answer the client sees. It must not keep the answer. An error has the client get none of it.
	Shows func(p *guard.Pass, a *http1.Answer) (Shown, error)
	// Carry takes over behind a verified answer of 101, where Send asks for an upgrade. It returns when either side is done.
	Carry func(ctx context.Context, w Switched) guard.Outcome
}

// Shown is what the client sees of an answer.
type Shown struct {
	Fields http1.Fields // without those of framing
	Filter Filter       // nil: the body passes as it is
	Kept   Filter       // what is shown passes through it on the way into the recording; nil: it is recorded as it is shown
}

// Filter is what a body passes through.
type Filter interface {
	// Write appends to dst what may be shown by now. After an error nothing more may be shown.
	Write(dst, p []byte) ([]byte, error)
	// Close appends what is left, once the body is over.
	Close(dst []byte) ([]byte, error)
}

// Switched is a connection that has left HTTP. What its sides have read ahead is read first.
type Switched struct {
	Pass   *guard.Pass
	Answer *http1.Answer
	Client io.ReadWriter
	// Send lends the target's side for more of what was admitted, and SendAs for a command of its own.
	Send   func(func(io.Writer) error) error
	SendAs func(*guard.Pass, func(io.Writer) error) error
	Gate   *guard.Session
	Target io.Reader
	// End closes the target's side, so that a read of it returns.
	End func()
	// Hush has reads from the client return.
	Hush func()
	// Patience is how long the next reads from the client may take, 0 for ever. Once the session is to end they have none.
	Patience func(time.Duration)
	// Hurry has what is written to the client now be taken soon. It stands before the last words.
	Hurry func()
	// Take hands over the client's bare connection to who carries streams of its own framing, deadlines and all: who takes it has to have
	// its waits return when ctx ends. What stands in Client is read first all the same, as what stands in Target is.
	Take func() net.Conn
	// TargetConn is the target's.
	TargetConn net.Conn
}

// Reply is an answer of our own.
type Reply struct {
	Status int
	Fields http1.Fields
	Body   []byte
}
