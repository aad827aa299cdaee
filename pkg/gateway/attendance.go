package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// attendance is one tunnel under a grant, from its acceptance to its end.
type attendance struct {
	gateway    *Gateway
	id         string
	grantID    string
	keyHash    [32]byte // of the grant's key
	remote     string
	client     string
	ssh        *tunnel.SSH // what the opening said of SSH
	grant      api.Grant
	connection Connection
	tally      *guard.Tally
	ctx        context.Context // the life of this attendance: ended by stop, with the reason as its cause
	end        context.CancelCauseFunc

	mu      sync.Mutex
	gate    *guard.Session
	session Session
	info    api.SessionInfo
}

// serve runs the session: greet, recording, target, gate, and the way back. Nothing is dialled before the recording is
// open and the broker knows of it.
func (a *attendance) serve(conn net.Conn) {
	cfg := a.gateway.cfg
	protocol := cfg.Protocols[a.connection.Kind]
	stop := context.AfterFunc(a.ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	if err := conn.SetReadDeadline(time.Now().Add(openTime)); err != nil {
		return
	}
	hello, err := protocol.Greet(a.ctx, conn, Visit{GrantID: a.grantID, SSH: a.ssh})
	stop()
	if err != nil || hello.Done() {
		return
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return
	}
	w, err := a.open(hello)
	if err != nil {
		cfg.Log.Error("session not opened", "session", a.id, "grant", a.grantID, "error", err)
		protocol.Refuse(hello, &api.Error{
			Code: "unrecorded", Message: "The session can't be recorded, so it is not opened.", Hint: "Ask who runs the gateway.", Retryable: true,
		})
		return
	}
	why := a.run(protocol, hello, w)
	a.close(w, why)
}

// open begins the recording and then tells the broker of the session, so that the index names no session without one. Both
// are on the disk when it returns without an error.
func (a *attendance) open(hello Greeting) (*record.Writer, error) {
	cfg := a.gateway.cfg
	now := cfg.Now().UTC()
	name, err := record.Path(a.id, now)
	if err != nil {
		return nil, err
	}
	who := a.grant.Identity
	a.info = api.SessionInfo{
		ID: a.id, GrantID: a.grantID, Connection: a.connection.Name, Kind: a.connection.Kind, Identity: who,
		Client: hello.Client(), State: "open", StartedAt: now, Recording: name,
	}
	w, err := record.Create(filepath.Join(cfg.Recordings, name), record.Header{
		Session: a.id, Grant: a.grantID, Connection: a.connection.Name, Kind: a.connection.Kind,
		Identity: record.Identity{Issuer: who.Issuer, Subject: who.Subject, User: who.User, Groups: who.Groups, Type: who.Type},
		Reason:   a.grant.Reason, Client: fmt.Sprintf("%s %s %s", a.remote, a.client, hello.Client()), Started: now,
		Version: cfg.Version, PolicyVersion: cfg.Policy().Version(),
	}, record.Options{Signer: cfg.Signer, Logger: cfg.Log, OnCheckpoint: a.witness, Folders: &a.gateway.folders, Buffers: &a.gateway.buffers})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, openTime)
	defer cancel()
	if err := cfg.Authority.OpenSession(ctx, a.info); err != nil {
		return nil, errors.Join(fmt.Errorf("tell the broker of the session: %w", err), w.Seal("not opened"))
	}
	return w, nil
}

// witness gives the broker the head of the recording's latest checkpoint.
func (a *attendance) witness(h record.Head) {
	a.mu.Lock()
	if a.info.State != "open" || a.gate == nil {
		a.mu.Unlock()
		return
	}
	a.count()
	a.info.Head, a.info.HeadSeq = hex.EncodeToString(h.Hash[:]), h.Seq
	info := a.info
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
	defer cancel()
	if err := a.gateway.cfg.Authority.UpdateSession(ctx, info); err != nil {
		a.gateway.cfg.Log.Warn("checkpoint not witnessed", "session", a.id, "error", err)
	}
}

// count takes the guard's counts into the index. mu is held.
func (a *attendance) count() {
	if a.gate != nil {
		a.info.Commands, a.info.Refused = a.gate.Counts()
	}
}

// run opens the target and serves the session until it ends, and answers why.
func (a *attendance) run(protocol Protocol, hello Greeting, w *record.Writer) error {
	target, err := a.target()
	if err != nil {
		protocol.Refuse(hello, err)
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, openTime)
	session, openErr := protocol.Open(ctx, hello, target)
	cancel()
	if openErr != nil {
		return a.notOpened(protocol, hello, openErr)
	}
	defer func() { _ = session.Close() }()
	gate, gateErr := a.guard(w)
	if gateErr != nil {
		return a.notOpened(protocol, hello, gateErr)
	}
	database, role, settings := session.About()
	if err := appendEvent(w, record.SessionOpen{Database: database, Role: role, Settings: settings, ReadOnly: target.ReadOnly}); err != nil {
		return a.notOpened(protocol, hello, err)
	}
	a.mu.Lock()
	a.gate, a.session = gate, session
	a.mu.Unlock()
	timed, over := context.WithCancel(a.ctx)
	defer over()
	go a.expire(timed)
	a.gateway.cfg.Metrics.opened(a.connection.Kind, w)
	defer a.gateway.cfg.Metrics.closed(a.connection.Kind, w)
	return session.Serve(a.ctx, gate)
}

func (a *attendance) notOpened(protocol Protocol, hello Greeting, err error) error {
	var e *api.Error
	if !errors.As(err, &e) {
		a.gateway.cfg.Log.Error("session not opened", "session", a.id, "error", err)
		e = &api.Error{Code: api.CodeInternal, Message: "The session could not be opened.", Hint: "Ask who runs the gateway: its log says more."}
	}
	a.gateway.cfg.Log.Warn("session not opened", "session", a.id, "connection", a.connection.Name, "code", e.Code)
	protocol.Refuse(hello, e)
	return e
}

// target reads the credential anew, so that a rotated one is taken up.
func (a *attendance) target() (Target, *api.Error) {
	return a.gateway.target(a.ctx, a.connection, subject(a.grant.Identity))
}

func asked(c Connection) policy.Connection {
	return policy.Connection{Name: c.Name, Kind: c.Kind, Labels: c.Labels}
}

func subject(i api.Identity) policy.Subject {
	return policy.Subject{Issuer: i.Issuer, ID: i.Subject, User: i.User, Groups: i.Groups, Type: i.Type}
}

func (a *attendance) guard(w *record.Writer) (*guard.Session, error) {
	cfg := a.gateway.cfg
	return guard.New(guard.Config{
		ID: a.id, GrantID: a.grantID, Identity: a.grant.Identity, Subject: subject(a.grant.Identity), Connection: asked(a.connection),
		Policy: func() guard.Policy {
			if p := cfg.Policy(); p != nil {
				return p
			}
			return nil
		},
		Recorder: w, Approvals: cfg.Approvals, Metrics: cfg.Metrics, Log: cfg.Log, Now: cfg.Now, ResultCap: cfg.ResultCap,
		Tally: a.tally,
	})
}

// stop ends the session now: what runs is cancelled, and the client is told why.
func (a *attendance) stop(why *api.Error) {
	a.mu.Lock()
	gate := a.gate
	a.mu.Unlock()
	if gate != nil {
		gate.End(api.Refusal{Code: why.Code, Rule: "grant", Message: why.Message, Remedy: []api.Remedy{{Kind: "reconnect", Text: why.Hint}}})
	}
	a.end(why)
}

// expire waits for the grant's end, as long as it is not renewed.
func (a *attendance) expire(ctx context.Context) {
	for until := a.grant.ExpiresAt; ; {
		timer := time.NewTimer(until.Sub(a.gateway.cfg.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		later, renewed := a.renewed(ctx, until)
		if !renewed {
			a.expired()
			return
		}
		until = later
	}
}

// renewed asks the broker whether the grant goes on. Without an answer in half a second it does not.
func (a *attendance) renewed(ctx context.Context, until time.Time) (time.Time, bool) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	g, err := a.gateway.cfg.Authority.Grant(ctx, a.grantID, a.keyHash)
	if err == nil {
		a.tally.Renew(g.ExpiresAt)
	}
	return g.ExpiresAt, err == nil && g.ExpiresAt.After(until)
}

// expired refuses new commands and gives a running one a minute.
func (a *attendance) expired() {
	why := &api.Error{Code: api.CodeGrantEnded, Message: "The grant's time is over.", Hint: "Connect again with hoop connect."}
	a.mu.Lock()
	gate, session := a.gate, a.session
	a.mu.Unlock()
	if gate == nil || session.Idle() {
		a.stop(why)
		return
	}
	gate.End(api.Refusal{Code: why.Code, Rule: "grant", Message: why.Message, Remedy: []api.Remedy{{Kind: "reconnect", Text: why.Hint}}})
	go a.drain(session, why)
}

// drain waits for the running command, for a minute at most. It ends with the attendance.
func (a *attendance) drain(session Session, why *api.Error) {
	late := time.NewTimer(runningGrace)
	defer late.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-late.C:
			a.stop(why)
			return
		case <-look.C:
			if session.Idle() {
				a.stop(why)
				return
			}
		}
	}
}

// close seals the recording and tells the broker how the session ended.
func (a *attendance) close(w *record.Writer, why error) {
	reason := "client left"
	if why != nil {
		reason = why.Error()
	}
	a.mu.Lock()
	a.count()
	info := a.info
	a.info.State = "closing" // the head of the seal comes with the end of the session: no witness is asked for it before
	a.mu.Unlock()
	log := a.gateway.cfg.Log
	if err := stageEvent(w, record.SessionClose{Reason: reason, Commands: info.Commands, Refused: info.Refused}); err != nil { // the seal writes it
		log.Error("end of session not recorded", "session", a.id, "error", err)
	}
	info.State = "sealed"
	if err := w.Seal(reason); err != nil {
		log.Error("recording not sealed", "session", a.id, "error", err)
		info.State = "crashed"
	}
	head := w.Head()
	info.EndedAt, info.EndReason = a.gateway.cfg.Now().UTC(), reason
	info.Head, info.HeadSeq = hex.EncodeToString(head.Hash[:]), head.Seq
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
	defer cancel()
	if err := a.gateway.cfg.Authority.CloseSession(ctx, info); err != nil {
		log.Error("end of session not told to the broker", "session", a.id, "error", err)
	}
	log.Info("session closed", "session", a.id, "connection", a.connection.Name, "reason", reason, "commands", info.Commands, "refused", info.Refused)
}

func appendEvent(w *record.Writer, b record.Body) error {
	body, err := record.Encode(b)
	if err != nil {
		return err
	}
	_, err = w.Append(b.Type(), body)
	return err
}

// stageEvent leaves the writing to what is recorded next.
func stageEvent(w *record.Writer, b record.Body) error {
	body, err := record.Encode(b)
	if err != nil {
		return err
	}
	_, err = w.Stage(b.Type(), body)
	return err
}
