//go:build !linux

package kubetest

import "syscall"

// attributes keeps a process out of the terminal's signals.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
