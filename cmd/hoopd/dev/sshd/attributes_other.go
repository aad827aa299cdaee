//go:build unix && !linux

package sshd

import "syscall"

// attributes runs a process as owner, apart from the terminal's Ctrl-C.
func attributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true}
}
