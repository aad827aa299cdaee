package kube_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// Who is not shown what is in Secrets is told why helm finds no release.
func TestWhoSeesNoReleasesOfHelmIsToldWhy(t *testing.T) {
	target := at(httpform.Site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[]}`)
	}))
	const shown = "version: 1\nrules: [{name: all, effects: [read], verdict: allow}]\nmasks: [{name: open, unless: {users: [alice, dev]}, fields: [\"secrets.data.*\"], as: redact}]\n"
	const stg = "GET /api/v1/namespaces/stg/"
	for line, c := range map[string]struct {
		rules string
		told  bool
	}{
		stg + "secrets?labelSelector=owner%3Dhelm%2Cname%3Dshop": {strings.ReplaceAll(shown, "alice, dev", "bob"), true},
		stg + "secrets/sh.helm.release.v1.shop.v1":               {strings.ReplaceAll(shown, "alice, dev", "bob"), true},
		stg + "secrets": {strings.ReplaceAll(shown, "alice, dev", "bob"), false},
		stg + "configmaps?labelSelector=owner%3Dhelm":                    {strings.ReplaceAll(shown, "alice, dev", "bob"), false},
		"GET /api/v1/secrets?labelSelector=owner%3Dhelm":                 {shown, false},
		"GET /api/v1/namespaces/prod/secrets/sh.helm.release.v1.shop.v1": {shown, false},
	} {
		a := open(t, target, c.rules).Ask(line, "", "")
		if told := strings.Contains(a.Header.Get("Warning"), "helm keeps its releases in Secrets"); told != c.told || a.StatusCode != 200 {
			t.Errorf("%s: %s %v", line, a.Status, a.Header)
		}
	}
}
