package pgtest

import "syscall"

// attributes runs a process as owner and ends it with the test that started it, however that test ends.
func attributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
}
