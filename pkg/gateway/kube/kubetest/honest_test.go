package kubetest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// sensible is a policy as people write one who deploy: pods run as one account, and Secrets are written and not read.
const sensible = `version: 1
rules:
  - {name: look, effects: [read, session], verdict: allow}
  - name: deploy
    effects: [write]
    kube: {namespaces: [stg], resources: [pods, deployments.apps, "deployments.apps/scale", jobs.batch], privileged: false, host_path: false, service_accounts: [app]}
    verdict: allow
  - {name: beside, effects: [write], kube: {namespaces: [stg], resources: [services, configmaps, secrets, horizontalpodautoscalers.autoscaling]}, verdict: allow}
  - {name: remove, effects: [delete], kube: {namespaces: [stg]}, verdict: allow}
  - {name: run, effects: [read, write, execute], kube: {namespaces: [stg], resources: ["pods/exec"]}, verdict: allow}
`

const honestManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: honest}
spec:
  replicas: 1
  selector: {matchLabels: {app: honest}}
  template:
    metadata: {labels: {app: honest}}
    spec: {serviceAccountName: app, containers: [{name: app, image: "registry.example.com/honest:1"}]}
`

// honestly are commands of a day's work, each with what it is told: "" where it has to work, and be told nothing by hoop.
var honestly = []struct{ command, told string }{
	{"kubectl create -f d.yaml", ""},
	{"kubectl apply -f d.yaml", ""},
	{"kubectl apply --server-side -f d.yaml", ""},
	{"kubectl apply --server-side --force-conflicts -f d.yaml", ""},
	{"kubectl apply --server-side --force-conflicts --field-manager=scaler -f replicas.yaml", ""},
	{"kubectl patch deploy honest --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]'", ""},
	{"kubectl scale deploy honest --replicas=3", ""},
	{"kubectl scale deploy honest --replicas=1 --current-replicas=3", ""},
	{"kubectl rollout restart deploy/honest", ""},
	{"kubectl label deploy honest a=b", ""},
	{"kubectl annotate deploy honest why=x", ""},
	{"kubectl set image deploy/honest app=registry.example.com/honest:2", ""},
	{"kubectl set env deploy/honest MODE=live", ""},
	{"kubectl set serviceaccount deploy/honest app", ""},
	{"kubectl set serviceaccount deploy/honest admin", "rule deploy would, but it asks for service_accounts: [app], and this names admin"},
	{"kubectl expose deploy honest --port=80", ""},
	{"kubectl autoscale deploy honest --max=3", ""},
	{"kubectl create configmap honest --from-literal=a=b", ""},
	{"kubectl create secret generic honest --from-literal=a=b", ""},
	{"kubectl create secret generic honest --from-literal=a=c --dry-run=client -o yaml | kubectl apply -f -", ""},
	{"kubectl label secret honest a=b", ""},
	{"kubectl patch secret honest --type=merge -p '{\"type\":\"other\"}'", "type: Invalid value: ***: field is immutable"},
	{"kubectl get secret honest -o yaml | kubectl replace -f -", "is what a mask showed"},
	{"kubectl create deployment bare --image=i", "and this names default (as it pods run whose serviceAccountName nobody sets: name it)"},
	{"kubectl run honest --image=i --overrides='{\"spec\":{\"serviceAccountName\":\"app\"}}'", ""},
	{"kubectl wait --for=condition=Ready pod/honest --timeout=30s", ""},
	{"kubectl exec honest -- ls /", ""},
	{"kubectl cp honest:/etc/hostname hostname", ""},
	{"kubectl cp d.yaml honest:/tmp/d.yaml", "rule run is one, but unknown is not among its effects"},
	{"kubectl create role honest --verb=get --resource=pods", "no rule allows dev the effect privilege"},
	{"kubectl delete pod honest --now --ignore-not-found", ""},
	{"kubectl delete deploy,service,hpa,configmap,secret honest", ""},
	{"helm install shop ./chart", "helm keeps its releases in Secrets"},
	{"helm list", "helm keeps its releases in Secrets"},
	{"kubectl delete deploy,service shop", ""},
	{"kubectl delete secret -l owner=helm", "helm keeps its releases in Secrets"},
}

// releasing are those of who is shown what is in Secrets.
var releasing = []string{
	"helm install shop ./chart", "helm list", "helm upgrade shop ./chart --set replicas=2", "helm rollback shop 1", "helm history shop", "helm uninstall shop",
}

func TestAnHonestDayUnderASensiblePolicy(t *testing.T) {
	c := kubetest.Start(t)
	_, removed := made(t, c, "/api/v1/namespaces/stg/serviceaccounts", "app", `{"metadata":{"name":"app"}}`)
	defer removed()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "chart", "templates"), 0o700))
	for name, text := range map[string]string{
		"d.yaml": honestManifest, "replicas.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: honest}\nspec: {replicas: 2}\n",
		"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n", "chart/values.yaml": "replicas: 1\n",
		"chart/templates/all.yaml": strings.ReplaceAll(strings.Replace(honestManifest, "replicas: 1", "replicas: {{ .Values.replicas }}", 1), "honest", "shop") +
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80}], selector: {app: shop}}\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	masked := opened(t, c, sensible, nil).kubeconfig(t)
	shown := opened(t, c, sensible+"masks: [{name: secrets, unless: {groups: [developers]}, fields: [\"secrets.data.*\"], as: redact}]\n", nil).kubeconfig(t)
	say := func(version, config, command, told string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "KUBECONFIG="+config, "PATH="+filepath.Dir(kubetest.Kubectl(t, version))+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if told == "" && (err != nil || strings.Contains(string(out), "hoop")) || !strings.Contains(string(out), told) {
			t.Errorf("%s %s: %v\n%s", version, command, err, out)
		}
	}
	for _, h := range honestly {
		say(kubetest.Newest, masked, h.command, h.told)
	}
	for _, version := range []string{kubetest.Newest, kubetest.Oldest} {
		for _, command := range releasing {
			say(version, shown, command, "")
		}
	}
}
