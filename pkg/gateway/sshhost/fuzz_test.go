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
