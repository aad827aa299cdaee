//go:build unix && !linux

package owned

import "syscall"

// Attributes run a process as owner, or as ourselves where that is nil, apart from the terminal's Ctrl-C. Only Linux gives
// it the signal should hoopd be killed.
func Attributes(owner *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true}
}
