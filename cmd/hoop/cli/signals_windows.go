package cli

import (
	"os"
	"syscall"
)

// passedOn are the signals that end hoop, or are passed on to the program that it runs.
func passedOn() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func closeOnExec(fd uintptr) { syscall.CloseOnExec(syscall.Handle(fd)) }
