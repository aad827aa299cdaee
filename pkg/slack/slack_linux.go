package slack

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// usual is Wide where nobody says anything.
const usual = 50_000

// Widen begins this program anew, in the same process, with timers that may be late: a thread has that from the one that made it, and
// the monitor is made before any code of a program runs. It is for the very begin of main. Where timers may be as late already, as in
// the program that it began, or where it can't be done, it does nothing.
func Widen() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	runtime.LockOSThread() // the slack is of the thread that begins the program
	defer runtime.UnlockOSThread()
	if now := current(); now < 0 || now >= Wide {
		return
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, Wide, 0, 0, 0)
	if current() < Wide { // Linux takes it from no task of real time, and says that it does
		return
	}
	var files unix.Rlimit
	err = unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &files)
	_ = syscall.Exec(self, os.Args, os.Environ())
	if err == nil {
		_ = unix.Prlimit(0, unix.RLIMIT_NOFILE, &files, nil) // Exec has put back what Go's runtime raised
	}
}

// current is how late this thread's timers may be; below 0: nobody knows.
func current() int {
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return -1
	}
	return now
}

// Narrow has start begin another program, whose timers may be late as usual: it has that from this thread.
func Narrow(start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if current() == Wide && unix.Prctl(unix.PR_SET_TIMERSLACK, usual, 0, 0, 0) == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, Wide, 0, 0, 0) }()
	}
	return start()
}
