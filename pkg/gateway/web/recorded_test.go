package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTheHeadOfAnAnswerIsRecordedAsItWasShown(t *testing.T) {
	answer := http.Header{
		"Content-Type": {"application/json"}, "X-Trace": {"kept-trace"}, "X-Owner": {foundMail}, "Location": {"/next?by=" + secretToken}, "X-Long": {strings.Repeat("y", 3000)},
		"Set-Cookie": {"sid=canary-session; Path=/kept; HttpOnly", "lang=canary-lang"}, "X-Auth-Token": {"canary-token"}, "X-Session-Id": {"canary-id"}, "Www-Authenticate": {"canary-realm"},
	}
	target := mirror(t, &journal{}, answer)
	target.ShownCookies = []string{"lang"}
	s := open(t, target, maskedStreams)
	a := s.Ask("GET /x", "", "")
	if a.Header.Get("X-Auth-Token") != "canary-token" || !strings.Contains(a.Header["Set-Cookie"][1], "canary-lang") || strings.Contains(fmt.Sprint(a.Header), foundMail) {
		t.Errorf("the client got %v", a.Header)
	}
	text := s.Recording()
	for _, want := range []string{`"what":"answer"`, `"status":200`, `{"name":"X-Trace","value":"kept-trace"}`, `sid=(not recorded); Path=/kept; HttpOnly`, `{"name":"X-Auth-Token","value":"(not recorded)"}`, `yyy (1976 bytes more)`, `/next?by=***`} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording lacks %s:\n%s", want, text)
		}
	}
	for _, bad := range []string{"canary", foundMail, secretToken, standInPrefix} {
		if strings.Contains(text, bad) {
			t.Errorf("the recording has %s:\n%s", bad, text)
		}
	}
}

func TestOfManyFieldsTheFirstAreRecorded(t *testing.T) {
	answer := http.Header{}
	for i := range 150 {
		answer[fmt.Sprintf("X-%03d", i)] = []string{strings.Repeat("z", 100)}
	}
	s := open(t, mirror(t, &journal{}, answer), allowAll)
	if a := s.Ask("GET /x", "", ""); len(a.Header) < 150 {
		t.Errorf("the client got %d fields", len(a.Header))
	}
	if text := s.Recording(); !strings.Contains(text, `"more_fields":`) || strings.Count(text, "zzz\"") > 90 || strings.Count(text, "zzz\"") < 50 {
		t.Errorf("%d fields in:\n%s", strings.Count(text, "zzz\""), text)
	}
}
