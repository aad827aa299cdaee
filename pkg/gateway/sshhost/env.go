package sshhost

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultEnv are the variables that clients may set where a connection names none: the language of messages, and git's
// version of its protocol.
func DefaultEnv() []string { return []string{"LANG", "LC_*", "GIT_PROTOCOL"} }

// variables are names of which clients may set variables. A star at the end stands for any further characters.
type variables []string

// allow says whether a client may set a variable. No star lets one through that makes programs run or load something.
func (v variables) allow(name string) bool {
	return variableName(name) && !steers(name) && slices.ContainsFunc(v, func(pattern string) bool {
		start, open := strings.CutSuffix(pattern, "*")
		return pattern == name || open && strings.HasPrefix(name, start)
	})
}

// CheckEnv says what is wrong with an entry of a connection's list.
func CheckEnv(pattern string) error {
	start, open := strings.CutSuffix(pattern, "*")
	switch {
	case !(variableName(start) || open && start == ""):
		return fmt.Errorf("%q is neither a variable's name nor the beginning of one with a * behind it", pattern)
	case steers(start) && pattern != "GIT_PROTOCOL", open && slices.ContainsFunc(steeringPrefixes(), func(p string) bool { return strings.HasPrefix(start, p) }):
		return fmt.Errorf("%q makes programs at the host run or load something, so it is never passed on", pattern)
	}
	return nil
}

func variableName(name string) bool {
	return name != "" && len(name) <= maxEnv && !(name[0] >= '0' && name[0] <= '9') && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// steers says that a variable has shells, loaders, interpreters or common programs do something else than they are told:
// what a rule admitted would not be what runs.
func steers(name string) bool {
	upper := strings.ToUpper(name)
	return upper != "GIT_PROTOCOL" && (slices.Contains(steeringNames(), upper) ||
		slices.ContainsFunc(steeringPrefixes(), func(p string) bool { return strings.HasPrefix(upper, p) }) ||
		strings.HasSuffix(upper, "_PROXY") || strings.HasSuffix(upper, "PATH") || strings.HasSuffix(upper, "_OPTIONS") ||
		strings.HasSuffix(upper, "_COMMAND") || strings.HasSuffix(upper, "PAGER") || strings.HasSuffix(upper, "EDITOR"))
}

func steeringPrefixes() []string {
	return []string{
		"LD_", "DYLD_", "_RLD", "GLIBC_", "MALLOC_", "GCONV_", "BASH", "GIT_", "SSH_", "SUDO_", "DOAS_", "PYTHON", "PERL", "RUBY", "NODE_",
		"NPM_", "LUA_", "PHP", "JAVA_", "_JAVA", "JDK_", "MAVEN_", "GRADLE_", "GO", "CARGO_", "RUST", "R_", "LESS", "SYSTEMD_", "XDG_", "DBUS_",
		"TERMINFO", "RSYNC_", "TAR_", "OPENSSL_", "SSL_", "KRB5", "GNUPG", "CURL_", "WGET", "AWS_", "GOOGLE_", "AZURE_", "KUBE", "DOCKER_",
		"ANSIBLE_", "TF_", "VAULT_", "PG", "MYSQL_", "REDIS", "X11_", "XAUTH", "GDK_", "GTK_", "QT_", "TMUX", "SCREEN",
	}
}

func steeringNames() []string {
	return []string{
		"PATH", "ENV", "SHELLOPTS", "IFS", "CDPATH", "GLOBIGNORE", "POSIXLY_CORRECT", "PS0", "PS1", "PS2", "PS3", "PS4", "FIGNORE", "FPATH",
		"ZDOTDIR", "INPUTRC", "HISTFILE", "HISTCONTROL", "EXECIGNORE", "MAIL", "MAILCHECK", "TIMEFORMAT", "HOME", "SHELL", "USER", "LOGNAME",
		"PWD", "OLDPWD", "TMPDIR", "TMP", "TEMP", "TERMCAP", "VISUAL", "BROWSER", "MANOPT", "MANROFFOPT", "GREP_OPTIONS", "HOSTALIASES",
		"LOCALDOMAIN", "RES_OPTIONS", "NETRC", "DISPLAY", "WAYLAND_DISPLAY", "MAKEFLAGS", "MAKEFILES", "CC", "CXX", "CFLAGS", "LDFLAGS",
		"FCEDIT", "EXINIT", "VIMINIT", "MYVIMRC", "GVIMINIT", "NLSPATH", "GPG_AGENT_INFO", "GPG_TTY", "CVS_RSH", "SVN_SSH", "HGRCPATH", "DEBUGINFOD_URLS",
	}
}
