package owned

import "syscall"

// Attributes run a process as owner, or as ourselves where that is nil, apart from the terminal's Ctrl-C. Should hoopd be
// killed the process gets the signal, by which it ends in order.
func Attributes(owner *syscall.Credential, killed syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Pdeathsig: killed, Setpgid: true}
}
