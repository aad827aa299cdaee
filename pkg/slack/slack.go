// Package slack lets timers of this process be late by a millisecond, where Linux lets them be by 50 µs.
//
// Go's monitor thread asks to be woken in 20 µs, again and again, as long as goroutines have just come to run; messages that follow each
// other within microseconds keep it at that. At 50 µs it was woken 7,500 times a second under such a load, and took a tenth of the
// processor time of hoopd, and of a local proxy. Nothing in either waits for times that a millisecond matters to.
package slack

// Wide is by how much timers may be late, in nanoseconds (prctl(2), PR_SET_TIMERSLACK).
const Wide = 1_000_000
