package broker_test

import (
	"database/sql"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func (w *world) open(g api.Grant, id string) api.SessionInfo {
	w.t.Helper()
	s := api.SessionInfo{ID: id, GrantID: g.ID, Client: "psql", Recording: "2026/01/02/" + id + ".hrec"}
	w.must(w.broker.OpenSession(w.t.Context(), s))
	return s
}

func TestASessionIsIndexedWithWhatTheGrantSays(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	s := w.open(g, "se_000001")
	s.Commands, s.Refused, s.Head, s.HeadSeq = 3, 1, "ab", 7
	w.must(w.broker.UpdateSession(t.Context(), s))
	s.State, s.EndReason, s.Commands, s.HeadSeq, s.Head = "sealed", "client closed", 4, 9, "cd"
	w.must(w.broker.CloseSession(t.Context(), s))
	got, err := dev.SessionInfo(t.Context(), s.ID)
	if err != nil || got.Identity.User != "dev" || got.Connection != "db-prod" || got.Kind != "postgres" || got.State != "sealed" ||
		got.Commands != 4 || got.Refused != 1 || got.HeadSeq != 9 || got.Head != "cd" || got.EndedAt.IsZero() || got.Client != "psql" {
		t.Errorf("%+v, %v", got, err)
	}
	w.must(w.broker.VerifyIndex(t.Context()))
}

// C5: who, where and what kind are the grant's, whatever the session says.
func TestASessionCanNotSayWhoOrWhereItIs(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	wantCode(t, w.broker.OpenSession(t.Context(), api.SessionInfo{ID: "se_000001", GrantID: g.ID, Connection: "db-secret"}), api.CodeDenied)
	s := api.SessionInfo{ID: "se_000001", GrantID: g.ID, Kind: "ssh", State: "sealed", Identity: api.Identity{User: "root"}, EndReason: "x"}
	w.must(w.broker.OpenSession(t.Context(), s))
	got, err := dev.SessionInfo(t.Context(), s.ID)
	if err != nil || got.Kind != "postgres" || got.State != "open" || got.Identity.User != "dev" || got.EndReason != "" {
		t.Errorf("%+v, %v", got, err)
	}
	wantCode(t, w.broker.OpenSession(t.Context(), s), api.CodeConflict)
	for _, id := range []string{"", "000001", "se_", "se_../../x", "se_a b c d e"} {
		wantCode(t, w.broker.OpenSession(t.Context(), api.SessionInfo{ID: id, GrantID: g.ID}), api.CodeUsage)
	}
	wantCode(t, w.broker.OpenSession(t.Context(), api.SessionInfo{ID: "se_000002", GrantID: "gr_none"}), api.CodeGrantEnded)
}

func TestTheHeadOfARecordingNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	g, _ := w.grant(w.signIn("dev", "developers"))
	s := w.open(g, "se_000001")
	s.Head, s.HeadSeq = "aa", 5
	w.must(w.broker.UpdateSession(t.Context(), s))
	w.must(w.broker.UpdateSession(t.Context(), s)) // the same again is no step back
	for _, bad := range []api.SessionInfo{{HeadSeq: 4, Head: "bb"}, {HeadSeq: 5, Head: "bb"}, {}} {
		bad.ID, bad.State = s.ID, "sealed"
		wantCode(t, w.broker.UpdateSession(t.Context(), bad), api.CodeConflict)
		wantCode(t, w.broker.CloseSession(t.Context(), bad), api.CodeConflict)
	}
	s.State = "open"
	wantCode(t, w.broker.CloseSession(t.Context(), s), api.CodeUsage)
	s.State = "sealed"
	w.must(w.broker.CloseSession(t.Context(), s))
	s.HeadSeq = 9
	wantCode(t, w.broker.UpdateSession(t.Context(), s), api.CodeConflict)
}

func TestSessionsThatABrokerLeftOpenAreCrashed(t *testing.T) {
	w := newWorld(t)
	g, _ := w.grant(w.signIn("dev", "developers"))
	w.open(g, "se_000001")
	closed := w.open(g, "se_000002")
	closed.State = "sealed"
	w.must(w.broker.CloseSession(t.Context(), closed))
	if crashed, err := w.broker.CrashedSessions(t.Context()); err != nil || len(crashed) != 0 {
		t.Errorf("of this broker's own: %+v, %v", crashed, err)
	}
	w.stop()
	w.clock.add(time.Second)
	w.start()
	w.open(g, "se_000003")
	crashed, err := w.broker.CrashedSessions(t.Context())
	if err != nil || len(crashed) != 1 || crashed[0].ID != "se_000001" {
		t.Fatalf("%+v, %v", crashed, err)
	}
	crashed[0].State, crashed[0].EndReason = "crashed", "gateway was killed"
	w.must(w.broker.CloseSession(t.Context(), crashed[0]))
	if again, err := w.broker.CrashedSessions(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestARemovedOrAlteredSessionIsMissed(t *testing.T) {
	for what, statement := range map[string]string{
		"removed":            "DELETE FROM sessions WHERE id = 'se_000002'",
		"given away":         `UPDATE sessions SET doc = replace(doc, 'sub-dev', 'sub-other') WHERE id = 'se_000002'`,
		"pointed elsewhere":  `UPDATE sessions SET doc = replace(doc, 'se_000002.hrec', 'se_000001.hrec') WHERE id = 'se_000002'`,
		"slipped in":         `INSERT INTO sessions SELECT 'se_000009', issuer, subject, grant_id, state, created_at, doc FROM sessions WHERE id = 'se_000002'`,
		"out of the chain":   `DELETE FROM chain WHERE name = 'sessions' AND n = 2`,
		"out of the audit":   `DELETE FROM chain WHERE name = 'audit' AND n = 1`,
		"out of everything":  `DELETE FROM sessions WHERE id = 'se_000002'; DELETE FROM chain WHERE name = 'sessions' AND n = 2`,
		"an altered listing": `UPDATE chain SET doc = replace(doc, 'sub-dev', 'sub-other') WHERE name = 'sessions' AND n = 2`,
	} {
		w := newWorld(t)
		g, _ := w.grant(w.signIn("dev", "developers"))
		for _, id := range []string{"se_000001", "se_000002", "se_000003"} {
			w.open(g, id)
		}
		w.must(w.broker.VerifyIndex(t.Context()))
		db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "hoop.db"))
		w.must(err)
		_, err = db.ExecContext(t.Context(), statement)
		w.must(err)
		w.must(db.Close())
		if err := w.broker.VerifyIndex(t.Context()); !errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: %v, want that it is missed", what, err)
		}
	}
}

func TestSessionsAreSeenByTheirOwnerAndByPower(t *testing.T) {
	w := newWorld(t)
	dev, other, security := w.signIn("dev", "developers"), w.signIn("other", "developers"), w.signIn("sec", "security")
	g, _ := w.grant(dev)
	s := w.open(g, "se_000001")
	w.files[s.Recording] = "the recording"
	_, err := other.SessionInfo(t.Context(), s.ID)
	missing := wantCode(t, err, api.CodeNotFound)
	_, err = other.SessionInfo(t.Context(), "se_none01")
	if none := wantCode(t, err, api.CodeNotFound); none.Message != missing.Message {
		t.Errorf("%q and %q", none.Message, missing.Message)
	}
	_, err = other.Recording(t.Context(), s.ID)
	wantCode(t, err, api.CodeNotFound)
	_, err = other.EndSession(t.Context(), s.ID, "")
	wantCode(t, err, api.CodeNotFound)
	if list, err := other.Sessions(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, u := range []user{dev, security} {
		if list, err := u.Sessions(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%s lists %+v, %v", u.session.Identity.User, list, err)
		}
	}
	w.policy.set(func(p *fakePolicy) { p.only[policy.SessionsRead] = "db-secret" })
	_, err = security.SessionInfo(t.Context(), s.ID)
	wantCode(t, err, api.CodeNotFound)
	if list, err := security.Sessions(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("with the power on another connection: %+v, %v", list, err)
	}
}

// M8: who reads a recording is written down before the first byte goes out.
func TestReadingARecordingIsAudited(t *testing.T) {
	w := newWorld(t)
	dev, security := w.signIn("dev", "developers"), w.signIn("sec", "security")
	g, _ := w.grant(dev)
	s := w.open(g, "se_000001")
	_, err := security.Recording(t.Context(), s.ID)
	wantCode(t, err, api.CodeUnavailable)
	w.files[s.Recording] = "the recording"
	body, err := security.Recording(t.Context(), s.ID)
	w.must(err)
	text, err := io.ReadAll(body)
	w.must(errors.Join(err, body.Close()))
	if string(text) != "the recording" {
		t.Errorf("%q", text)
	}
	if got := w.auditKinds(s.ID); !slices.Equal(got, []string{"recording_read"}) {
		t.Errorf("audit: %v", got)
	}
}

func TestEndingASessionEndsThatOneAlone(t *testing.T) {
	w := newWorld(t)
	dev, security := w.signIn("dev", "developers"), w.signIn("sec", "security")
	g, hash := w.grant(dev)
	w.open(g, "se_000001")
	feed := w.broker.Endings(t.Context())
	_, err := security.EndSession(t.Context(), "se_000001", "incident")
	w.must(err)
	if e := nextEnding(t, feed); e.SessionID != "se_000001" || e.GrantID != "" || e.Reason != api.EndingEnded {
		t.Errorf("%+v", e)
	}
	if _, err := w.broker.Grant(t.Context(), g.ID, hash); err != nil {
		t.Errorf("the grant: %v", err)
	}
	if got := w.auditKinds("se_000001"); !slices.Equal(got, []string{"session_ended"}) {
		t.Errorf("audit: %v", got)
	}
}

// C7: a thousand sessions of one person are told to end within a second.
func TestALockReachesAThousandSessions(t *testing.T) {
	w := newWorld(t)
	dev, security := w.signIn("dev", "developers"), w.signIn("sec", "security")
	g, _ := w.grant(dev)
	w.must(w.store.Update(t.Context(), func(tx store.Tx) error {
		for n := range 1000 {
			s := api.SessionInfo{ID: "se_many_" + time.Duration(n).String(), GrantID: g.ID, Connection: "db-prod", State: "open", Identity: dev.session.Identity}
			if err := tx.PutSession(s); err != nil {
				return err
			}
		}
		return nil
	}))
	feed := w.broker.Endings(t.Context())
	began := time.Now()
	_, err := security.Lock(t.Context(), "dev", "")
	w.must(err)
	ended := map[string]bool{}
	for len(ended) < 1001 {
		e := nextEnding(t, feed)
		ended[e.GrantID+e.SessionID] = true
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestTheFeedShowsThatItIsAlive(t *testing.T) {
	w := newWorld(t)
	select {
	case e := <-w.broker.Endings(t.Context()):
		if e != (api.Ending{}) {
			t.Errorf("%+v", e)
		}
	case <-time.After(5 * time.Second):
		t.Error("no heartbeat")
	}
}
