package gateway_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/grant"
)

func TestOnlyAGrantOfTheBrokersRecordOpensItsOwnConnection(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	s.heartbeat()
	foreign, err := grant.LoadOrCreateAuthority(filepath.Join(s.dir, "foreign"))
	if err != nil {
		t.Fatal(err)
	}
	s.grant("db", time.Hour)
	for name, c := range map[string]struct {
		by         *grant.Authority
		id         string
		connection string
		want       string
	}{
		"another authority":           {foreign, grantID, "db", api.CodeGrantEnded},
		"a grant that nobody knows":   {s.authority, "gr_zzzzzzzzzz", "db", api.CodeGrantEnded},
		"another connection's name":   {s.authority, grantID, "other", api.CodeNoSuchConnection},
		"no connection's name at all": {s.authority, grantID, "d", api.CodeNoSuchConnection},
	} {
		if _, err := s.dial(c.by, c.id, c.connection); code(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if len(s.echo.targets) != 0 {
		t.Error("a target was opened")
	}
}

func TestWithoutTheBrokerNothingNewIsOpened(t *testing.T) {
	t.Run("the feed was not heard for 11 s", func(t *testing.T) {
		var ahead atomic.Int64
		s := start(t, func(c *gateway.Config) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		s.heartbeat()
		s.grant("db", 2*time.Hour)
		_ = s.open()
		ahead.Store(int64(11 * time.Second))
		if _, err := s.dial(s.authority, grantID, "db"); code(err) != api.CodeUnavailable || s.gateway.Ready() == nil {
			t.Errorf("got %v", err)
		}
		s.heartbeat()
		_ = s.open()
	})
	t.Run("the grant can't be looked up", func(t *testing.T) {
		s := start(t, func(*gateway.Config) {})
		s.heartbeat()
		s.grant("db", time.Hour)
		s.office.failing = errors.New("store down")
		if _, err := s.dial(s.authority, grantID, "db"); code(err) != api.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnEndingClosesItsOwnSessions(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	s.heartbeat()
	for reason, want := range map[string]string{api.EndingEnded: "ended", api.EndingLocked: "locked", api.EndingPolicy: "policy", api.EndingSignIn: "sign-in"} {
		s.grant("db", time.Hour)
		c := s.open()
		s.office.endings <- api.Ending{GrantID: "gr_other", Reason: reason}
		began := time.Now()
		s.office.endings <- api.Ending{GrantID: grantID, Reason: reason}
		last, err := io.ReadAll(io.LimitReader(c, 1000))
		if err != nil || !strings.Contains(string(last), want) || time.Since(began) > time.Second {
			t.Errorf("%s: got %q after %v, %v", reason, last, time.Since(began), err)
		}
	}
}

func TestAnIdleSessionEndsWithItsGrant(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	s.heartbeat()
	s.grant("db", 300*time.Millisecond)
	last, err := io.ReadAll(io.LimitReader(s.open(), 1000))
	if err != nil || !strings.Contains(string(last), "time is over") {
		t.Errorf("got %q, %v", last, err)
	}
}

func TestASessionGoesOnWithARenewedGrant(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	s.heartbeat()
	s.grant("db", 300*time.Millisecond)
	c := s.open()
	began := time.Now()
	s.grant("db", 900*time.Millisecond)
	last, err := io.ReadAll(io.LimitReader(c, 1000))
	if took := time.Since(began); err != nil || !strings.Contains(string(last), "time is over") || took < 800*time.Millisecond {
		t.Errorf("got %q after %s, %v", last, took, err)
	}
}

func TestASessionThatCantBeRecordedIsNotOpened(t *testing.T) {
	s := start(t, func(c *gateway.Config) {
		if err := os.WriteFile(c.Recordings, nil, 0o600); err != nil { // a file where the folder should be
			t.Fatal(err)
		}
	})
	s.heartbeat()
	s.grant("db", time.Hour)
	c, err := s.dial(s.authority, grantID, "db")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.LimitReader(c, 1000))
	if err != nil || string(got) != "refused unrecorded" || len(s.echo.targets) != 0 {
		t.Errorf("got %q, %v; %d targets", got, err, len(s.echo.targets))
	}
}

func TestCanSaysWhatTheSessionWouldSay(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	who := api.Identity{User: "dev"}
	got, err := s.gateway.Can(t.Context(), who, api.CanRequest{Connection: "db", Command: "x"})
	if err != nil || got.Verdict != "allow" || got.Rule != "read" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.gateway.Can(t.Context(), who, api.CanRequest{Connection: "nosuch"}); code(err) != api.CodeNoSuchConnection {
		t.Errorf("got %v", err)
	}
	all, err := s.gateway.Can(t.Context(), who, api.CanRequest{Connection: "db"})
	if err != nil || len(all.Rules) != 1 || all.Rules[0].Rule != "read" {
		t.Errorf("%+v, %v", all, err)
	}
	report, err := s.gateway.TestPolicy(t.Context(), []byte("version: 1\nrules: [{name: a, verdit: deny}]\n"))
	if err != nil || report.OK || len(report.Problems) == 0 || report.Problems[0].Line != 2 {
		t.Errorf("%+v, %v", report, err)
	}
}
