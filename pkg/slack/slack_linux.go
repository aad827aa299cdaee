package slack

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

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
	if now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || now >= Wide {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, Wide, 0, 0, 0) == nil {
		_ = syscall.Exec(self, os.Args, os.Environ())
	}
}

// Narrow has start begin another program, whose timers are late as usual: it has from this thread by how much they may be.
func Narrow(start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil && now == Wide && unix.Prctl(unix.PR_SET_TIMERSLACK, usual, 0, 0, 0) == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, Wide, 0, 0, 0) }()
	}
	return start()
}
