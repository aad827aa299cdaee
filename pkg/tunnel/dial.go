package tunnel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Target says where a gateway is and how it is known.
type Target struct {
	Addresses  []string       // host:port, tried in order
	ServerName string         // the name that the gateway's certificate must have
	Roots      *x509.CertPool // the only CAs that may have signed it; nil trusts nobody
}

// Credential gives the grant's certificate for one handshake. It is asked at each Dial, so that a renewed one is used.
type Credential func(ctx context.Context) (*tls.Certificate, error)

// Dial opens a tunnel. An error means that nothing was opened; errors.As finds an *api.Error in it, which says
// whether it may go better later: the gateway's own where it answered with one. Ending ctx ends the dialling
// and leaves an opened tunnel alone.
func Dial(ctx context.Context, t Target, cred Credential, h Hello) (Conn, Answer, error) {
	opening, err := AppendHello(nil, h)
	if err != nil {
		return nil, Answer{}, &api.Error{Code: api.CodeUsage, Message: "The connection's name can't be sent: " + err.Error() + "."}
	}
	conf, err := clientConfig(ctx, t, cred)
	if err != nil {
		return nil, Answer{}, err
	}
	failed := error(&api.Error{Code: api.CodeUnreachable, Message: "The broker named no gateway address.",
		Hint: "Ask an operator to look at gateway.public_addresses.", Retryable: false})
	for _, address := range t.Addresses {
		raw, err := dialTCP(ctx, address)
		if err != nil {
			failed = unreachable(address, err)
			continue
		}
		under := &gathering{Conn: raw}
		conn := tls.Client(under, conf)
		answer, err := greet(ctx, conn, address, opening)
		if err == nil {
			return &gathered{conn, under}, answer, nil
		}
		_ = raw.Close()
		failed = err
		var stays *api.Error
		if ctx.Err() != nil || errors.As(err, &stays) && !stays.Retryable {
			break
		}
	}
	return nil, Answer{}, failed
}

func clientConfig(ctx context.Context, t Target, cred Credential) (*tls.Config, error) {
	cert, err := cred(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the grant's certificate: %w", err)
	}
	roots := t.Roots
	if roots == nil {
		roots = x509.NewCertPool() // nil would mean the system's roots
	}
	if t.ServerName == "" {
		return nil, &api.Error{Code: api.CodeUnreachable, Message: "The broker gave the gateway no name to be known by."}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{Protocol},
		RootCAs:    roots,
		ServerName: t.ServerName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cert, nil
		},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // bulk results are worth more here than the first byte of a page
	}, nil
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	keepAlive(c)
	return c, nil
}

// answerWithin is how long a gateway may take to open the session at the target before it answers.
const answerWithin = 30 * time.Second

// greet does the handshake, sends the opening and reads the answer.
func greet(ctx context.Context, c *tls.Conn, address string, opening []byte) (Answer, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.NetConn().SetDeadline(time.Unix(1, 0)) })
	defer stop()
	hctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := c.HandshakeContext(hctx); err != nil {
		return Answer{}, handshakeError(address, err)
	}
	if c.ConnectionState().NegotiatedProtocol != Protocol {
		return Answer{}, &api.Error{Code: api.CodeUnreachable, Message: "What answers at " + address + " is no gateway.",
			Hint: "Ask an operator to look at gateway.public_addresses."}
	}
	if err := c.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return Answer{}, unreachable(address, err)
	}
	if _, err := c.Write(opening); err != nil {
		return Answer{}, handshakeError(address, err)
	}
	answer, err := ReadAnswer(c)
	if err != nil {
		return Answer{}, handshakeError(address, err)
	}
	if answer.Error != nil {
		return answer, answer.Error
	}
	if !stop() {
		return Answer{}, unreachable(address, ctx.Err())
	}
	return answer, c.SetDeadline(time.Time{})
}

// handshakeError tells the three ways in which a handshake ends badly apart: the gateway is not who it should be,
// the gateway does not accept this client, or the network failed.
func handshakeError(address string, err error) error {
	var wrongCA *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.As(err, &wrongCA):
		return fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUnreachable,
			Message: "What answers at " + address + " is not the gateway that the broker named.",
			Hint:    "Something stands in between, or the gateway's address is wrong; nothing was sent to it."}, err)
	case errors.As(err, &alert) || isRemoteAlert(err):
		return fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeGrantEnded,
			Message: "The gateway did not accept the grant's certificate.",
			Hint:    "Run `hoop connect` again for a new grant."}, err)
	case errors.Is(err, ErrFrame):
		return fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUnreachable,
			Message: "The gateway at " + address + " answered in another language.",
			Hint:    "The versions of hoop and the server may be too far apart."}, err)
	}
	return unreachable(address, err)
}

// isRemoteAlert finds the alert that crypto/tls wraps in a *net.OpError of the operation "remote error".
func isRemoteAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

func unreachable(address string, err error) error {
	return fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUnreachable,
		Message: "The gateway at " + address + " can't be reached.",
		Hint:    "Check the network to it.", Retryable: true}, err)
}
