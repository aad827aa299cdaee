package broker

import (
	"net/http"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func (b *Broker) listSessions(c *call) (any, error) {
	out := api.Sessions{Sessions: []api.SessionInfo{}}
	filter := store.SessionFilter{Limit: maxListed}
	if !b.mayAny(c.who, policy.SessionsRead) {
		filter.Owner = key(c.who)
	}
	err := b.view(c.ctx(), func(tx store.Tx) error {
		sessions, err := tx.Sessions(filter)
		for _, s := range sessions {
			if b.sees(c.who, s, policy.SessionsRead) {
				out.Sessions = append(out.Sessions, s)
			}
		}
		return err
	})
	return out, err
}

// sees says whether a session is the caller's own or within a power of theirs.
func (b *Broker) sees(who api.Identity, s api.SessionInfo, p policy.Power) bool {
	return key(s.Identity) == key(who) || b.may(who, p, s.Connection)
}

func (b *Broker) session(c *call, p policy.Power) (s api.SessionInfo, err error) {
	err = b.view(c.ctx(), func(tx store.Tx) error {
		s, err = tx.Session(c.r.PathValue("id"))
		if err == nil && !b.sees(c.who, s, p) {
			err = store.ErrNotFound
		}
		return err
	})
	return s, err
}

func (b *Broker) showSession(c *call) (any, error) { return b.session(c, policy.SessionsRead) }

// recording sends a recording's bytes. That it was read is written down before the first of them goes out.
func (b *Broker) recording(c *call) (any, error) {
	s, err := b.session(c, policy.SessionsRead)
	if err != nil {
		return nil, err
	}
	file, err := b.cfg.Recordings.Open(s.Recording)
	if err != nil {
		b.cfg.Logger.Error("a recording can't be opened", "session", s.ID, "error", err.Error())
		return nil, unavailable("The recording can't be opened.")
	}
	defer file.Close()
	err = b.update(c.ctx(), func(tx store.Tx, _ *news) error {
		return b.audit(tx, "recording_read", c.who, s.ID, map[string]string{"connection": s.Connection})
	})
	if err != nil {
		return nil, err
	}
	// A slow reader may take long; one that stopped reading is cut by the deadline.
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+s.ID+`.hrec"`)
	http.ServeContent(c.w, c.r, "", time.Time{}, file)
	return answered{}, nil
}

// endSession tells the gateway to close one session: one's own, or with the power sessions.end.
func (b *Broker) endSession(c *call) (any, error) {
	in, err := readOptional[api.EndRequest](c)
	if err != nil {
		return nil, err
	}
	if !validReason(in.Reason) {
		return nil, usage("The reason is longer than 1 KiB or not UTF-8.", "Shorten it.")
	}
	var s api.SessionInfo
	err = b.update(c.ctx(), func(tx store.Tx, n *news) error {
		if s, err = tx.Session(c.r.PathValue("id")); err != nil {
			return err
		}
		if !b.sees(c.who, s, policy.SessionsEnd) {
			return store.ErrNotFound
		}
		if s.State != sessionOpen {
			return nil
		}
		n.endings = append(n.endings, api.Ending{
			SessionID: s.ID, Reason: api.EndingEnded, Message: "The session was ended by " + c.who.User + ".",
		})
		return b.audit(tx, "session_ended", c.who, s.ID, map[string]string{"why": in.Reason})
	})
	return s, err
}
