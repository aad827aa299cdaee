// Package pump serves sockets in a loop: where a goroutine would wait for each, one goroutine waits for many with an epoll
// of its own, and does what is short and never blocks as it goes along.
//
// A Conn is a net.Conn that others may use like any other. Two things are different.
//
// Park: the goroutine that would wait in Read for the next message leaves a function behind, which the loop calls each time
// that there may be something to read. In there Read never waits, but answers ErrNothing. The goroutine comes back once
// the function answers false, and goes on in the ordinary way: with what may block, or with an error. So the quick and the
// thorough way of doing something are the same code, and whoever is in doubt takes the thorough one.
//
// Write never waits: what the kernel does not take the loop writes as soon as it can, and Drain waits for that. Who writes
// more than a little at a time drains before writing on; more than MaxUnsent bytes fail the connection.
//
// On systems without epoll Adopt answers errors.ErrUnsupported, and connections stay what they are.
package pump

import "net"

// MaxUnsent is how many bytes a Conn keeps of what was written and the kernel did not take: more than the largest message
// that is written whole.
const MaxUnsent = 20 << 20

// Room is the size in bytes of the room that the loop lends to the functions that it calls: more than is behind one read,
// whatever encryption adds or takes away.
const Room = received + 16<<10

// received is how much the loop reads from a socket at once, in bytes.
const received = 128 << 10

// Busy is how often a loop looks for events where peers answer within microseconds. It bounds what a message costs a loop that is otherwise
// idle, 10 to 20 us of processor time.
const Busy = 20

// ErrNothing says that there is nothing to read now. TLS goes on where it was after an error that calls itself temporary.
var ErrNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing to read now" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }
