package localproxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// loopback is the literal address: a name could be made to mean something else.
const loopback = "127.0.0.1"

// bindPort opens the listener on a port of loopback.
func (p *Proxy) bindPort() (err error) {
	if p.ln, err = listenTCP(p.opts.Port, p.opts.Prefer); err != nil {
		return err
	}
	p.endpoint.Host, p.endpoint.Port = loopback, p.ln.Addr().(*net.TCPAddr).Port
	return nil
}

// bindSocket opens the listener on a Unix socket, whose file has a name that the kind's programs look for.
func (p *Proxy) bindSocket(file string) (err error) {
	if p.ln, err = listenUnix(p.opts.SocketDir, file); err != nil {
		return err
	}
	p.endpoint.Host, p.endpoint.Socket = p.opts.SocketDir, p.ln.Addr().String()
	return nil
}

// noSocket refuses --socket for a kind whose programs can't use one.
func noSocket(kind, why string) error {
	return &api.Error{Code: api.CodeUsage, Message: "--socket is not served for connections of kind " + kind + ".", Hint: "Leave it out: " + why + "."}
}

// ours tells whether a process of this user is at the other end of a Unix socket.
func ours(c net.Conn) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	uid, err := peerUID(u)
	return err == nil && uid == os.Getuid()
}

// listenTCP takes the asked port or fails; without one it takes the preferred port, else any.
func listenTCP(asked, prefer int) (net.Listener, error) {
	if asked != 0 {
		ln, err := takePort(asked)
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeListener, Message: fmt.Sprintf("Port %d can't be had.", asked),
				Hint: "Stop what listens there, ask for another --port, or leave --port out."}, err)
		}
		return ln, nil
	}
	if prefer != 0 {
		if ln, err := takePort(prefer); err == nil {
			return ln, nil
		}
	}
	ln, err := takePort(0)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeListener, Message: "No port on " + loopback + " can be had."}, err)
	}
	return ln, nil
}

// takePort binds 127.0.0.1 and makes sure that nobody else sits on the same port of ::1, where programs that are
// told "localhost" would end up.
func takePort(port int) (net.Listener, error) {
	ln, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	if port == 0 {
		return ln, nil
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err == nil {
		return ln, six.Close()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil // no IPv6 here
}
