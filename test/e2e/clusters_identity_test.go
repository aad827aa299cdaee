package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// sees answers the last event of a request that a test marks; nil: none reached the cluster.
func (w *clusterWorld) sees(t *testing.T, mark string) *kubetest.Event {
	t.Helper()
	seen := w.cluster.Audited(t, func(e kubetest.Event) bool { return strings.Contains(e.RequestURI, mark) })
	if len(seen) == 0 {
		return nil
	}
	return &seen[len(seen)-1]
}

const deployer = "system:serviceaccount:hoop:deployer"

// A connection with token_request acts as the service account, by a token that it asked for with one that may do nothing else.
func TestAClusterSeesTheAccountWhoseTokenWasAskedFor(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	tokens := func() int {
		return len(w.cluster.Audited(t, func(e kubetest.Event) bool {
			return e.Stage == "ResponseComplete" && e.ObjectRef.Subresource == "token" && e.ObjectRef.Name == "deployer" && e.User.Username == "hoop-gateway" && e.ResponseStatus.Code == 201
		}))
	}
	before := tokens()
	if r := dev.kubectl(t, kubetest.Newest, "k8s-minted", "-n", "stg", "get", "pods", "-l", "mark!=minted", "-o", "name"); r.code != 0 || r.stdout != "pod/web\n" || r.stderr != "" {
		t.Fatalf("exit %d %q %q", r.code, r.stdout, r.stderr)
	}
	if e := w.sees(t, "minted"); e == nil || e.User.Username != deployer || e.ImpersonatedUser != nil {
		t.Errorf("the cluster saw %+v", e)
	}
	if tokens() == before {
		t.Error("no token was asked for")
	}
	if strings.Contains(w.log.String(), "eyJ") {
		t.Error("the gateway's log has a token")
	}
}

// With impersonate beside it the account says who asks: by templates for the user, groups and the fields of the cluster's log.
func TestAClusterIsToldWhoAsksByTemplates(t *testing.T) {
	w := withClusters(t)
	for user, groups := range map[string]string{"dev": "developers", "agent": "agents"} {
		if r := w.user(t, user).kubectl(t, kubetest.Oldest, "k8s-told", "-n", "stg", "get", "pods", "-l", "mark!=told-"+user, "-o", "name"); r.code != 0 || r.stdout != "pod/web\n" {
			t.Fatalf("exit %d %q %q", r.code, r.stdout, r.stderr)
		}
		e := w.sees(t, "told-"+user)
		if e == nil || e.User.Username != deployer || e.ImpersonatedUser == nil {
			t.Fatalf("the cluster saw %+v", e)
		}
		as := *e.ImpersonatedUser
		if want := []string{"hoop:" + groups, "hoop:people", "system:authenticated"}; as.Username != "hoop:"+user || !slices.Equal(as.Groups, want) {
			t.Errorf("the cluster took %s for %s of %v", user, as.Username, as.Groups)
		}
		want := map[string][]string{"hoop.example.com/issuer": {w.issuer()}, "hoop.example.com/groups": {"of " + groups, "by hoop"}}
		if !maps.EqualFunc(as.Extra, want, slices.Equal) {
			t.Errorf("the cluster was told %v of %s", as.Extra, user)
		}
	}
}

// A rule by labels holds for what the namespace bears now.
func TestARuleByLabelsHoldsForTheNamespaceAsItIs(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	const path = "/api/v1/namespaces/hoop"
	defer w.cluster.Do(t, "PATCH", path, `{"metadata":{"labels":{"env":"none"}}}`)
	for _, step := range []struct {
		labels, name string
		passes       bool
	}{
		{`{"env":"dev"}`, "labels-dev", true}, {`{"env":"prod"}`, "labels-prod", false}, {`{"env":null}`, "labels-none", false}, {`{"env":"stg"}`, "labels-stg", true},
	} {
		if status, text := w.cluster.Do(t, "PATCH", path, `{"metadata":{"labels":`+step.labels+`}}`); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		r := dev.kubectl(t, kubetest.Newest, "k8s-told", "-n", "hoop", "create", "configmap", step.name)
		if step.passes != (r.code == 0) || strings.Contains(r.stderr, "not known") {
			t.Errorf("%s: exit %d %s%s", step.name, r.code, r.stdout, r.stderr)
		}
		if status, _ := w.cluster.Do(t, "GET", path+"/configmaps/"+step.name, ""); (status == 200) != step.passes {
			t.Errorf("%s: the cluster has it: %d", step.name, status)
		}
		w.cluster.Do(t, "DELETE", path+"/configmaps/"+step.name, "")
	}
}

// Where the gateway can't read a namespace's labels, rules by labels refuse: those that would allow admit nothing, those that deny hold,
// the refusal says why, and the cluster knows nothing of it.
func TestWhereLabelsCantBeReadARuleByLabelsRefuses(t *testing.T) {
	w := withClusters(t)
	dev := w.user(t, "dev")
	for said, args := range map[string][]string{
		"no rule allows dev the effect write on stg/configmaps/blind (k8s-blind)": {"-n", "stg", "create", "configmap", "blind", "--field-manager", "refused-blind-write"},
		"Services of production are not looked at":                                {"-n", "stg", "get", "services", "-l", "mark!=refused-blind-read"},
	} {
		for _, version := range kubectls {
			r := dev.kubectl(t, version, "k8s-blind", args...)
			if r.code == 0 || !strings.Contains(r.stderr, said+"; the labels of the namespace stg, which a rule asks for, are not known") {
				t.Errorf("%s %v: exit %d %s%s", version, args, r.code, r.stdout, r.stderr)
			}
		}
	}
	if e := w.sees(t, "refused-blind"); e != nil {
		t.Errorf("it reached the cluster: %+v", e)
	}
	if r := dev.kubectl(t, kubetest.Newest, "k8s-blind", "-n", "stg", "get", "pods", "-o", "name"); r.code != 0 {
		t.Errorf("what no rule by labels is about: exit %d %s", r.code, r.stderr)
	}
	if !strings.Contains(w.log.String(), "labels of a namespace not read") {
		t.Error("the gateway's log does not say why")
	}
}
