package sshd

import "syscall"

// attributes runs a process as owner, apart from the terminal's Ctrl-C, and lets it shut down in order should hoopd be
// killed.
func attributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
