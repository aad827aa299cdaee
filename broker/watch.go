package broker

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

const (
	watchEvery = 100 * time.Millisecond // how long a watcher waits for what was recorded
	judgeEvery = 500 * time.Millisecond // how long one may see what one may see no more
)

// watchSession sends the recording of an open session, from its beginning and then as it is written, in whole frames, until
// the session ends. That it was watched is written down before the first byte goes out. What is written of a session that
// is over needs the power to read it.
func (b *Broker) watchSession(c *call) (any, error) {
	s, err := b.session(c, policy.SessionsWatch)
	if err != nil {
		return nil, err
	}
	if s.State != sessionOpen {
		return nil, problem(api.CodeConflict, "The session is over.", "`hoop sessions replay "+s.ID+"` plays its recording.")
	}
	file, err := b.cfg.Recordings.Open(s.Recording)
	if err != nil {
		b.cfg.Logger.Error("a recording can't be opened", "session", s.ID, "error", err.Error())
		return nil, unavailable("The recording can't be opened.")
	}
	defer file.Close()
	if !b.streams.add(s.ID) {
		return nil, tooMany("Too many people watch this session.", 10)
	}
	defer b.streams.remove(s.ID)
	err = b.update(c.ctx(), func(tx store.Tx, _ *news) error {
		return b.audit(tx, "session_watched", c.who, s.ID, map[string]string{"connection": s.Connection})
	})
	if err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Accel-Buffering", "no")
	c.w.WriteHeader(http.StatusOK)
	if !b.follow(c, record.NewTail(file)) {
		panic(http.ErrAbortHandler) // so that nobody takes what came for all there was
	}
	return answered{}, nil
}

// follow writes frames as they come, and answers whether the session ended. Otherwise the watcher went, may not watch any
// more, or the recording can't be read.
func (b *Broker) follow(c *call, tail *record.Tail) (ended bool) {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	judge := time.NewTicker(judgeEvery)
	defer judge.Stop()
	over := false
	for {
		if err := b.sendFrames(c, tail); err != nil || over {
			return err == nil || errors.Is(err, io.EOF)
		}
		select {
		case <-c.ctx().Done():
			return false
		case <-b.done:
			return false
		case <-look.C:
		case <-judge.C:
			s, err := b.stillSees(c, policy.SessionsWatch)
			if err != nil {
				return false
			}
			over = s.State != sessionOpen // then the recording has all that it will have
		}
	}
}

// sendFrames writes what was recorded since the last time. io.EOF says that the recording is sealed.
func (b *Broker) sendFrames(c *call, tail *record.Tail) error {
	out := http.NewResponseController(c.w)
	for {
		frames, err := tail.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				b.cfg.Logger.Error("a recording can't be followed", "session", c.r.PathValue("id"), "error", err.Error())
			}
			return err
		}
		// Where deadlines can't be set there is a recorder in a test, not a network.
		_ = out.SetWriteDeadline(time.Now().Add(writeDeadline))
		if len(frames) == 0 {
			return out.Flush()
		}
		if _, err := c.w.Write(frames); err != nil {
			return err
		}
		if err := c.ctx().Err(); err != nil {
			return err
		}
	}
}

// stillSees is session for a call that goes on: its sign-in, locks and powers are judged anew.
func (b *Broker) stillSees(c *call, p policy.Power) (api.SessionInfo, error) {
	err := b.view(c.ctx(), func(tx store.Tx) error {
		in, err := tx.SignIn(c.signIn)
		if err != nil {
			return err
		}
		if in.Ended != "" || !b.now().Before(in.EndsAt) {
			return signInNeeded()
		}
		if c.who, err = current(tx, in.Identity); err != nil {
			return err
		}
		return refuseLocked(tx, c.who)
	})
	if err != nil {
		return api.SessionInfo{}, err
	}
	return b.session(c, p)
}
