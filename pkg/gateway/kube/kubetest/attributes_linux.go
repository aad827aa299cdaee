package kubetest

import "syscall"

// attributes ends a process with the test that started it, however that test ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
