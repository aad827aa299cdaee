package kubetest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

const (
	applyPatch     = "application/apply-patch+yaml"
	strategicPatch = "application/strategic-merge-patch+json"
	selected       = `"selector":{"matchLabels":{"app":"applied"}},"template":{"metadata":{"labels":{"app":"applied"}}`
	asApp          = `"serviceAccountName":"app","serviceAccount":"app"`
	wholeApplied   = `"replicas":0,` + selected + `,"spec":{` + asApp + `,"containers":[{"name":"app","image":"i"}]}}`
)

func appliedObject(name, spec string) string {
	return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"` + name + `"},"spec":{` + spec + `}}`
}

// What a field manager applied before and leaves out is taken away, and it may be the account as which pods run. What it never applied stays.
func TestNoAccountIsAppliedAway(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, guarded, nil)
	type step struct {
		mediaType, manager, content string
		refused                     bool
	}
	const jsonPatch = "application/json-patch+json"
	manager := func(name, fields string) string { // who applied these of a pod's fields
		return `{"manager":"` + name + `","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:template":{"f:spec":` + fields + `}}}}`
	}
	owner := `[{"op":"add","path":"/metadata/managedFields/-","value":` + manager("e", `{"f:serviceAccountName":{},"f:serviceAccount":{}}`) + `}]`
	const containers = `{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:name":{},"f:image":{}}}}`
	nobodys := `[{"op":"replace","path":"/metadata/managedFields","value":[` + manager("y", containers) + `,` + manager("z", `{}`) + `,` + manager("x", containers) + `]}]`
	for name, steps := range map[string][]step{
		"emptied": {
			{applyPatch, "b&force=true", appliedObject("emptied", `"template":{"spec":{"serviceAccountName":"","serviceAccount":""}}`), true},
			{applyPatch, "b&force=true", appliedObject("emptied", `"template":{"spec":null}`), true},
		},
		"left-out": {
			{applyPatch, "b", appliedObject("left-out", `"replicas":0,`+selected+`}`), false},
			{strategicPatch, "m", `{"spec":{"template":{"spec":{"containers":[{"name":"second","image":"i"}]}}}}`, false},
			{applyPatch, "c&force=true", appliedObject("left-out", `"template":{"spec":{"containers":[{"name":"app","image":"j"}]}}`), false},
			{applyPatch, "a", appliedObject("left-out", `"replicas":0`), true},
			{applyPatch, "a&dryRun=All", appliedObject("left-out", `"replicas":0`), true},
			{applyPatch, "b", appliedObject("left-out", `"replicas":0`), false},
		},
		"shared": {
			{applyPatch, "b", appliedObject("shared", `"template":{"spec":{`+asApp+`}}`), false},
			{applyPatch, "a", appliedObject("shared", `"replicas":0`), true},
			{applyPatch, "b", appliedObject("shared", `"replicas":0`), true},
		},
		"made-its-manager": {
			{jsonPatch, "m", owner, false},
			{applyPatch, "a", appliedObject("made-its-manager", wholeApplied), false},
			{applyPatch, "e", appliedObject("made-its-manager", `"replicas":0`), true},
		},
		"nobodys": { // what no manager has stays where others are taken away beside it and above it
			{jsonPatch, "m", nobodys, false},
			{applyPatch, "z", appliedObject("nobodys", `"replicas":0`), false},
			{applyPatch, "y", appliedObject("nobodys", `"replicas":0`), false},
			{applyPatch, "x", appliedObject("nobodys", `"template":{"spec":{"containers":[{"name":"app","image":"i"}]}}`), false},
		},
	} {
		path := deployments + "/" + name
		if status, text := d.asks(t, "PATCH", path+"?fieldManager=a", applyPatch, appliedObject(name, wholeApplied)); status != 201 {
			t.Fatalf("%d %s", status, text)
		}
		defer c.Do(t, "DELETE", path, "")
		for i, s := range steps {
			status, text := d.asks(t, "PATCH", path+"?fieldManager="+s.manager, s.mediaType, s.content)
			if s.refused != (status == 403 && strings.Contains(text, "HoopRefusal") && strings.Contains(text, "name it")) || !s.refused && status != 200 {
				t.Errorf("%s, step %d: %s: %d %s", name, i, s.content, status, text)
			}
		}
		if _, text := c.Do(t, "GET", path, ""); !strings.Contains(text, `"serviceAccountName":"app"`) {
			t.Errorf("%s came to %s", name, text)
		}
	}
	if status, text := d.asks(t, "PATCH", deployments+"/new?fieldManager=a", applyPatch, appliedObject("new", `"replicas":0,`+selected+`,"spec":{"containers":[{"name":"app","image":"i"}]}}`)); status != 403 {
		t.Errorf("what is not there yet would run as another account: %d %s", status, text)
	}
}

// What the gateway looks at before an apply is what the apply is for: a cluster takes none for another version of the object, and makes none
// where it is gone.
func TestAnApplyForAnotherVersionIsNotTaken(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, everything, nil)
	path, removed := made(t, c, deployments, "pinned", deployment("pinned"))
	defer removed()
	for at, metadata := range map[string]string{path: `"name":"pinned","resourceVersion":"1"`, path + "-not": `"name":"pinned-not","uid":"a4e4b2a0-0000-4000-8000-000000000000","resourceVersion":"1"`} {
		status, text := d.asks(t, "PATCH", at+"?fieldManager=b&force=true", applyPatch, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{`+metadata+`},"spec":{"replicas":0,`+selected+`,"spec":{"containers":[{"name":"app","image":"i"}]}}}}`)
		if status != 409 {
			t.Errorf("%s: %d %s", metadata, status, text)
		}
	}
}

// forAccounts is a policy in which nothing is masked but Secrets.
const forAccounts = `version: 1
rules:
  - {name: look, effects: [read, session], verdict: allow}
  - {name: change, effects: [write], kube: {namespaces: [stg], resources: [deployments.apps], service_accounts: [app]}, verdict: allow}
`

// kubectl moves what it applied by itself to server-side apply with an apply of its annotation alone, by a manager of its own.
func TestKubectlMovesToServerSideApplyUnderARuleForAccounts(t *testing.T) {
	c := kubetest.Start(t)
	dir, free, masked := t.TempDir(), opened(t, c, forAccounts, nil).kubeconfig(t), opened(t, c, guarded, nil).kubeconfig(t)
	for i, image := range []string{"i:1", "i:2", "i:3"} {
		text := appliedObject("moved", strings.Replace(strings.Replace(wholeApplied, `"i"`, `"`+image+`"`, 1), `,"serviceAccount":"app"`, "", 1))
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(text), 0o600))
	}
	for _, version := range []string{kubetest.Newest, kubetest.Oldest} {
		kubectl := func(config string, args ...string) string {
			cmd := exec.CommandContext(t.Context(), kubetest.Kubectl(t, version), args...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "KUBECONFIG="+config)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s %v: %v %s", version, args, err, out)
			}
			return string(out)
		}
		kubectl(free, "apply", "-f", "0.json")
		if out := kubectl(masked, "apply", "--server-side", "-f", "0.json"); version == kubetest.Newest && !strings.Contains(out, "kubectl annotate … kubectl.kubernetes.io/last-applied-configuration-") {
			t.Errorf("who is not shown the annotation is told %s", out)
		}
		for _, args := range [][]string{{"-f", "1.json"}, {"--force-conflicts", "-f", "2.json"}, {"-f", "1.json"}} {
			if out := kubectl(free, append([]string{"apply", "--server-side"}, args...)...); strings.Contains(out, "Warning") {
				t.Errorf("%s apply %v: %s", version, args, out)
			}
		}
		_, text := c.Do(t, "GET", deployments+"/moved", "")
		if !strings.Contains(text, `"serviceAccountName":"app"`) || !strings.Contains(text, `"image":"i:2"`) || version == kubetest.Newest && !strings.Contains(text, `"manager":"kubectl-last-applied"`) {
			t.Errorf("%s: it came to %s", version, text)
		}
		kubectl(masked, "annotate", "deployment/moved", "kubectl.kubernetes.io/last-applied-configuration-")
		if out := kubectl(masked, "apply", "--server-side", "-f", "1.json"); strings.Contains(out, "Warning") {
			t.Errorf("%s, without the annotation: %s", version, out)
		}
		c.Do(t, "DELETE", deployments+"/moved", "")
	}
}
