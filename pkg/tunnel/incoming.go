package tunnel

import (
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Incoming is a tunnel whose client proved to hold a grant's key and has said Hello.
// It belongs to who accepted it: Accept or Refuse it, once.
type Incoming struct {
	PeerCertificates []*x509.Certificate // the first is the grant's; Config.Verify has accepted it
	Hello            Hello
	Remote           net.Addr

	conn *gathered
}

// Accept opens the session: the client gets the session's name, and the connection is the protocol's from now on.
func (in *Incoming) Accept(session string) (Conn, error) {
	if err := in.answer(Answer{Session: session}); err != nil {
		_ = in.Close()
		return nil, err
	}
	return in.conn, nil
}

// Refuse tells the client why there is no session, and closes. Words that are too long for an Answer are cut.
func (in *Incoming) Refuse(why *api.Error) error {
	short := *why
	short.Message, short.Hint = clip(short.Message), clip(short.Hint)
	err := in.answer(Answer{Error: &short})
	if err == nil {
		_ = in.conn.CloseWrite()
		drain(in.conn, time.Second)
	}
	_ = in.Close()
	return err
}

// Close ends the tunnel without an answer.
func (in *Incoming) Close() error {
	Abort(in.conn)
	return nil
}

func (in *Incoming) answer(a Answer) error {
	frame, err := AppendAnswer(nil, a)
	if err != nil {
		return err
	}
	if err := in.conn.SetWriteDeadline(time.Now().Add(Timeout)); err != nil {
		return err
	}
	if _, err := in.conn.Write(frame); err != nil {
		return err
	}
	return in.conn.SetWriteDeadline(time.Time{})
}

// clip keeps two texts of an Answer within MaxFrame even where every byte of them is escaped in JSON.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
