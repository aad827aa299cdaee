package localproxy

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// loopback is the literal address: a name could be made to mean something else.
const loopback = "127.0.0.1"

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
