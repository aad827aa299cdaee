package sshhost_test

import (
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// rudeHost has sessions reach a host that is played by serve, once for each connection, with a key that is pinned.
func rudeHost(t testing.TB, serve func(*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request)) func(*gateway.Target) {
	t.Helper()
	key := stranger(t)
	return rudeTarget(t, marshal(key), func(raw net.Conn) {
		c := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return &ssh.Permissions{}, nil }}
		c.AddHostKey(key)
		conn, channels, requests, err := ssh.NewServerConn(raw, c)
		if err != nil {
			t.Error("the gateway does not sign in:", err)
			return
		}
		serve(conn, channels, requests)
	})
}

// rudeTarget has sessions reach what speaks as it likes.
func rudeTarget(t testing.TB, hostKey string, speak func(net.Conn)) func(*gateway.Target) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { // ends with the listener
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = raw.Close() }()
				speak(raw)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return func(to *gateway.Target) { to.Address, to.HostKeys = l.Addr().String(), []string{hostKey} }
}
