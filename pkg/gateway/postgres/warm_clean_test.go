package postgres

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

// The look sees by itself what a reset takes away: it does not rely on it.
func TestTheLookSeesWhatASessionLeft(t *testing.T) {
	config, err := pgconn.ParseConfig(pgtest.Start(t).DSN())
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["standard_conforming_strings"], config.RuntimeParams["client_encoding"] = "on", "UTF8"
	for leave, want := range map[string]string{
		"":                           "",
		"PREPARE canary AS SELECT 1": "prepared statements",
		"DECLARE canary CURSOR WITH HOLD FOR SELECT 1": "cursors",
		"LISTEN canary":                        "channels listened to",
		"SELECT pg_advisory_lock(1)":           "advisory locks",
		"SELECT pg_advisory_lock_shared(1, 2)": "advisory locks",
		"CREATE TEMP TABLE canary(id int)":     "temporary objects",
		"SET statement_timeout = 77":           "settings",
		"SET search_path = pg_catalog":         "settings",
		"SET ROLE pg_monitor":                  "settings",
		"SET DateStyle = German":               "settings",
		"SET enable_seqscan = off":             "changed settings",
		"BEGIN":                                "a transaction",
	} {
		t.Run(leave, func(t *testing.T) {
			conn, err := connect(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			u, err := takeOver(t.Context(), conn, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = u.Close() }()
			if leave != "" {
				if _, err := u.self().Exec(t.Context(), leave).ReadAll(); err != nil {
					t.Fatal(err)
				}
			}
			err = u.unchanged(t.Context(), true)
			if want == "" && err != nil || want != "" && (!errors.Is(err, errNotClean) || !strings.HasSuffix(err.Error(), ": "+want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestATargetThatSaysAnythingUnaskedIsNotSilent(t *testing.T) {
	for name, say := range map[string]func(net.Conn){
		"a byte":      func(c net.Conn) { _, _ = c.Write([]byte{'S'}) },
		"its goodbye": func(c net.Conn) { _ = c.Close() },
	} {
		here, there := net.Pipe()
		go say(there)
		if silent(here) {
			t.Errorf("%s was not noticed", name)
		}
	}
	here, _ := net.Pipe()
	if err := here.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !silent(here) {
		t.Error("a target that said nothing counts as one that did")
	}
}
