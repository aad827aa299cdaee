package sshhost_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
)

// FuzzStrict: a peer is let through only where its bytes hold the word, however they were cut; once refused it stays so.
func FuzzStrict(f *testing.F) {
	f.Add(append([]byte("SSH-2.0-x\r\n"), kexInit("curve25519-sha256,"+sshhost.StrictClient)...))
	f.Add(append([]byte("SSH-2.0-x\r\n"), kexInit("curve25519-sha256")...))
	f.Add([]byte("hello\nSSH-2.0-x\n\x00\x00\x00\x01\x00\x14"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for end := range len(in) + 1 {
			done, err := sshhost.LookForStrict(in[:end], sshhost.StrictClient)
			if done && (err != nil || !bytes.Contains(in[:end], []byte(sshhost.StrictClient)) || !bytes.Contains(in[:end], []byte("SSH-"))) {
				t.Fatalf("%q passed (%v)", in[:end], err)
			}
			if later, lerr := sshhost.LookForStrict(in, sshhost.StrictClient); err != nil && lerr == nil && later {
				t.Fatalf("%q was refused (%v), and passed with more behind it", in[:end], err)
			}
			if done || err != nil {
				return
			}
		}
	})
}

// FuzzRequests: what is passed on of a request is text, of the allowed names, and what the bytes hold.
func FuzzRequests(f *testing.F) {
	f.Add(ssh.Marshal(struct{ Name, Value string }{"LANG", "C.UTF-8"}))
	f.Add(ssh.Marshal(struct{ Command string }{"ls -l"}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		name, value, allowed, command, err := sshhost.DecodeAll(in)
		if allowed && (!strings.HasPrefix(name, "LC_") && name != "LANG" && name != "GIT_PROTOCOL" || strings.ContainsAny(name+value, "/\x00\n ")) {
			t.Fatalf("the variable %q=%q is let through", name, value)
		}
		if err == nil && (!utf8.ValidString(command) || strings.ContainsRune(command, 0) || !bytes.Equal(in, ssh.Marshal(struct{ C string }{command}))) {
			t.Fatalf("%q is taken for the command %q", in, command)
		}
	})
}

// FuzzDestinations: what a connection may be asked for has one form, which reads as itself, and is no address in disguise.
func FuzzDestinations(f *testing.F) {
	for _, text := range []string{"db.internal", "LOCALHOST.", "127.0.0.1", "::ffff:127.0.0.1", "fe80::1%eth0", "0x7f.1", "017700000001", "127.1.", "a..b", "[::1]", "/run/x.sock", "/run//x", "224.0.0.1", "ſ.test", "１２７.0.0.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if sshhost.CanonicalSocket(in) == "" && (in[0] != '/' || strings.Contains(in, "//") || strings.ContainsAny(in, "\x00\n\x1b") || strings.Contains(in+"/", "/../") || strings.Contains(in+"/", "/./")) {
			t.Fatalf("%q is taken for the path of a socket", in)
		}
		name, addr, problem := sshhost.CanonicalHost(in)
		if problem != "" {
			return
		}
		if (name == "") == !addr.IsValid() {
			t.Fatalf("%q is the name %q and the address %v", in, name, addr)
		}
		if name == "" {
			if addr.Is4In6() || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
				t.Fatalf("%q is taken for %v", in, addr)
			}
			name = addr.String()
		} else if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Trim(name[strings.LastIndexByte(name, '.')+1:], "0123456789") == "" || name == "localhost" {
			t.Fatalf("%q is taken for the name %q", in, name)
		}
		again, same, problem := sshhost.CanonicalHost(name)
		if problem != "" || again != name && again != "" || same != addr {
			t.Fatalf("%q reads as %q, and that as %q, %v (%s)", in, name, again, same, problem)
		}
	})
}

// FuzzVariables: no list lets a variable through that makes a loader or a shell do something else.
func FuzzVariables(f *testing.F) {
	for _, name := range []string{"LD_PRELOAD", "ld_preload", "PATH", "BASH_ENV", "BASH_FUNC_ls%%", "GIT_SSH", "IFS", "LC_ALL", "LC_ALL=x", "A\x00"} {
		f.Add("*", name)
		f.Add(name[:1]+"*", name)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if sshhost.CheckEnv(pattern) != nil || !sshhost.VariableAllowed([]string{pattern}, name) {
			return
		}
		upper := strings.ToUpper(name)
		for _, never := range []string{"LD_", "DYLD_", "BASH", "GIT_", "PYTHON", "SSH_"} {
			if strings.HasPrefix(upper, never) && name != "GIT_PROTOCOL" {
				t.Fatalf("%q lets %q through", pattern, name)
			}
		}
		if upper == "PATH" || upper == "IFS" || upper == "ENV" || upper == "SHELLOPTS" || strings.Trim(upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Fatalf("%q lets %q through", pattern, name)
		}
	})
}
