package web

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

func asserter(t *testing.T) (*Asserter, string) {
	t.Helper()
	dir := t.TempDir()
	a, err := LoadOrCreateAsserter(dir, "https://hoop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func TestAServiceIsToldWhomItServes(t *testing.T) {
	a, _ := asserter(t)
	target := people(t, &journal{})
	target.Assertion = &gateway.Assertion{Header: "X-Hoop-Identity", Audience: "grafana"}
	s, err := newService(target, a, newJar([32]byte{}))
	if err != nil {
		t.Fatal(err)
	}
	head := &http1.Request{Method: "GET", Path: "/things/1", Minor: 1, Fields: s.asked(&http1.Request{Fields: http1.Fields{
		{Name: "x-hoop-identity", Value: "forged"}, {Name: "X-Hoop_Identity", Value: "forged"}, {Name: "Accept", Value: "*/*"},
	}}, false)}
	if err := s.signer(target, a)(context.Background(), head); err != nil {
		t.Fatal(err)
	}
	said := head.Fields.Values("X-Hoop-Identity")
	if len(said) != 1 || strings.Contains(strings.Join(said, ""), "forged") {
		t.Fatalf("the service is told %q", said)
	}
	text, err := json.Marshal(a.Public())
	if err != nil {
		t.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseSigned(said[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var registered jwt.Claims
	var own asserted
	if err := token.Claims(keys, &registered, &own); err != nil {
		t.Fatalf("the published key does not verify it: %v", err)
	}
	if err := registered.Validate(jwt.Expected{Issuer: "https://hoop.example.com", Subject: "1", AnyAudience: jwt.Audience{"grafana"}, Time: time.Now()}); err != nil {
		t.Error(err)
	}
	if err := registered.Validate(jwt.Expected{Time: time.Now().Add(3 * time.Minute)}); err == nil {
		t.Error("it is good for longer than a minute and the usual leeway")
	}
	if own.User != "dev" || own.Provider != "https://idp.example.com" || len(own.Groups) != 1 || own.Method != "GET" || own.Path != "/things/1" {
		t.Errorf("it says %+v", own)
	}
}

func TestTheKeyOfAssertionsIsPrivateAndStays(t *testing.T) {
	a, dir := asserter(t)
	again, err := LoadOrCreateAsserter(dir, "https://hoop.example.com")
	if err != nil || again.id != a.id {
		t.Errorf("another key: %v", err)
	}
	name := filepath.Join(dir, "assertions.key")
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateAsserter(dir, "x"); err == nil {
		t.Error("a key that others can read is used")
	}
}

func TestAConnectionThatWantsAssertionsIsNotServedWithoutAKey(t *testing.T) {
	target := people(t, &journal{})
	target.Assertion = &gateway.Assertion{Header: "X-Hoop-Identity", Audience: "grafana"}
	if _, err := newService(target, nil, newJar([32]byte{})); err == nil {
		t.Error("it is served")
	}
}
