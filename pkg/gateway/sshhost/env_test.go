package sshhost_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
)

// anyEnv is a host that takes every variable, so that what it gets is what the gateway lets through.
func anyEnv(t testing.TB) (*sshd.Server, func(*gateway.Target)) {
	t.Helper()
	return anotherHost(t, "AcceptEnv *")
}

func TestVariablesReachTheHostByTheListOfTheConnection(t *testing.T) {
	host, reach := anyEnv(t)
	never := []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "BASH_FUNC_ls", "IFS", "PS4", "PROMPT_COMMAND", "GIT_SSH_COMMAND",
		"GIT_EXEC_PATH", "PYTHONPATH", "PERL5OPT", "NODE_OPTIONS", "LESSOPEN", "PAGER", "MANPAGER", "EDITOR", "HOME", "SSH_AUTH_SOCK", "http_proxy", "ld_preload",
		"TAR_OPTIONS", "RSYNC_RSH", "TERMINFO", "LOCPATH", "GCONV_PATH", "SYSTEMD_PAGER", "JAVA_TOOL_OPTIONS", "PGSERVICEFILE", "1X", "A B", "A=B", "", "LANG\x00",
	}
	for name, x := range map[string]struct {
		list        []string
		yes, alsoNo []string
	}{
		"without a list":        {nil, []string{"LANG", "LC_ALL", "LC_x", "GIT_PROTOCOL"}, []string{"LANGUAGE", "COLORTERM", "LC", "DEPLOY_ID"}},
		"with a list":           {[]string{"DEPLOY_*", "TZ"}, []string{"DEPLOY_ID", "DEPLOY_", "TZ"}, []string{"LANG", "LC_ALL", "TZX", "GIT_PROTOCOL"}},
		"with a star, for most": {[]string{"*"}, []string{"LANG", "COLORTERM", "Z"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, allowAll, reach, func(to *gateway.Target) { to.Env = x.list })
			got := s.runWith(t, "env", func(session *ssh.Session) {
				for _, v := range x.yes {
					must(t, session.Setenv(v, "value-of:"+v))
				}
				for _, v := range append(x.alsoNo, never...) {
					if session.Setenv(v, "value-of:"+v) == nil {
						t.Errorf("%q was taken", v)
					}
				}
			})
			for _, v := range x.yes {
				if !strings.Contains("\n"+got.out, "\n"+v+"=value-of:"+v+"\n") {
					t.Errorf("%s did not arrive: %s", v, got.out)
				}
			}
			if n := strings.Count(got.out, "value-of:"); n != len(x.yes) {
				t.Errorf("%d variables arrived: %s", n, got.out)
			}
			if text := s.recording(t); strings.Count(text, `"code":"env"`) != len(x.alsoNo)+len(never) || strings.Contains(text, "value-of:PATH") {
				t.Errorf("the recording lacks what was refused, or has its value: %s", text)
			}
		})
	}
	if text := logOf(t, host); strings.Contains(text, "LD_PRELOAD") || strings.Contains(text, "BASH_ENV") {
		t.Error("the host was told of them")
	}
}

func TestAListOfVariablesIsReadStrictly(t *testing.T) {
	for _, good := range []string{"LANG", "LC_*", "*", "DEPLOY_*", "TZ", "GIT_PROTOCOL", "x_1"} {
		if err := sshhost.CheckEnv(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "**", "A*B", "A*_*", "1A", "A-B", "A=B", "LD_*", "LD_PRELOAD", "PATH", "IFS", "GIT_*", "GIT_P*", "BASH_ENV", "ld_preload", "PYTHON*", "LC_\n"} {
		if sshhost.CheckEnv(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
