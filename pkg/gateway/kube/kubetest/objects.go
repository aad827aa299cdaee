package kubetest

import (
	"context"
	"encoding/base64"
	"fmt"
)

// The canaries: values that a mask has to keep from everybody. A Secret's stand in the API as base64, see Canaries.
const (
	CanarySecret    = "canary-secret-Zq81LxP0"    // stg/db-credentials and prod/db-credentials, key password
	CanaryConfigMap = "canary-configmap-Vn27TbK4" // stg/app-config, key password
	CanaryEnv       = "canary-env-Hd55WcR9"       // pods web, container app, variable API_KEY
	CanaryLog       = "canary-log-Mx90GsJ3"       // in the log of stg/web, container app
)

// Canaries are the canaries in each form in which they may appear.
func Canaries() []string {
	var all []string
	for _, c := range []string{CanarySecret, CanaryConfigMap, CanaryEnv, CanaryLog} {
		all = append(all, c, base64.StdEncoding.EncodeToString([]byte(c)))
	}
	return all
}

// object is what is created at the start, and where.
type object struct{ path, json string }

// populate makes: the namespaces stg (env=stg), prod (env=prod) and hoop, each with the account default; a pod web with the containers app and
// sidecar, Secrets and a ConfigMap with canaries, a Deployment and a Service api in stg and prod; widgets of example.com; who may do what.
func (c *Cluster) populate(ctx context.Context) error {
	all := []object{namespace("stg", "stg"), namespace("prod", "prod"), namespace("hoop", "none")}
	for _, ns := range []string{"stg", "prod", "hoop", "default"} {
		all = append(all, object{"/api/v1/namespaces/" + ns + "/serviceaccounts", `{"metadata":{"name":"default"}}`})
	}
	for _, ns := range []string{"stg", "prod"} {
		all = append(all, inhabitants(ns)...)
	}
	all = append(all, rights()...)
	all = append(all, object{"/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets})
	for _, o := range all {
		if err := c.client.create(ctx, o.path, o.json); err != nil {
			return err
		}
	}
	for _, ns := range []string{"stg", "prod"} {
		if err := c.appendLog(ns, "web", "app", "started", "listening on :8080", "password="+CanaryLog, "ready"); err != nil {
			return fmt.Errorf("write a container's log: %w", err)
		}
	}
	return nil
}

func namespace(name, env string) object {
	return object{"/api/v1/namespaces", fmt.Sprintf(`{"metadata":{"name":%q,"labels":{"env":%q}}}`, name, env)}
}

func inhabitants(ns string) []object {
	base := "/api/v1/namespaces/" + ns
	secret := base64.StdEncoding.EncodeToString([]byte(CanarySecret))
	return []object{
		{base + "/secrets", fmt.Sprintf(`{"metadata":{"name":"db-credentials","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"password\":%s},\"kind\":\"Secret\"}"}},"type":"Opaque","data":{"username":"YXBw","password":%q}}`, `\"`+secret+`\"`, secret)},
		{base + "/secrets", fmt.Sprintf(`{"metadata":{"name":"registry"},"type":"kubernetes.io/dockerconfigjson","stringData":{".dockerconfigjson":"{\"auths\":{\"registry.example.com\":{\"password\":\"%s\"}}}"}}`, CanarySecret)},
		{base + "/configmaps", fmt.Sprintf(`{"metadata":{"name":"app-config"},"data":{"LOG_LEVEL":"info","password":%q}}`, CanaryConfigMap)},
		{base + "/pods", fmt.Sprintf(`{"metadata":{"name":"web","labels":{"app":"web"}},"spec":{"containers":[
			{"name":"app","image":"registry.example.com/web:1.27","env":[{"name":"MODE","value":"live"},{"name":"API_KEY","value":%q}],"ports":[{"containerPort":8080}]},
			{"name":"sidecar","image":"registry.example.com/proxy:3"}]}}`, CanaryEnv)},
		{base + "/services", `{"metadata":{"name":"api"},"spec":{"selector":{"app":"api"},"ports":[{"port":80,"targetPort":8080}]}}`},
		{"/apis/apps/v1/namespaces/" + ns + "/deployments", `{"metadata":{"name":"api"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"api"}},
			"template":{"metadata":{"labels":{"app":"api"}},"spec":{"containers":[{"name":"app","image":"registry.example.com/api:2.4"}]}}}}`},
	}
}

// rights are the roles that the tokens of a Cluster speak of. No controller fills the aggregated roles (view, edit, admin): they grant nothing here.
func rights() []object {
	const rbac = "/apis/rbac.authorization.k8s.io/v1"
	user := func(name string) string {
		return fmt.Sprintf(`[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":%q}]`, name)
	}
	developers := `[{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"developers"}]`
	all := []object{
		{"/api/v1/namespaces/hoop/serviceaccounts", `{"metadata":{"name":"deployer"}}`},
		{rbac + "/clusterroles", `{"metadata":{"name":"hoop-gateway"},"rules":[{"apiGroups":[""],"resources":["users","groups","serviceaccounts"],"verbs":["impersonate"]}]}`},
		{rbac + "/clusterrolebindings", `{"metadata":{"name":"hoop-gateway"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"hoop-gateway"},"subjects":` + user("hoop-gateway") + `}`},
		{rbac + "/clusterrolebindings", `{"metadata":{"name":"hoop-robot"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":` + user("hoop-robot") + `}`},
		{rbac + "/clusterrolebindings", `{"metadata":{"name":"platform"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[
			{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"platform"},{"kind":"ServiceAccount","namespace":"hoop","name":"deployer"}]}`},
	}
	for _, r := range []struct{ ns, name, rules, subjects string }{
		{"hoop", "tokens", `[{"apiGroups":[""],"resources":["serviceaccounts/token"],"resourceNames":["deployer"],"verbs":["create"]}]`, user("hoop-gateway")},
		{"stg", "watcher", `[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list","watch"]}]`, user("weak")},
		{"stg", "developer", `[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]`, developers},
		{"prod", "developer", `[{"apiGroups":[""],"resources":["pods","pods/log"],"verbs":["get","list","watch"]}]`, developers},
	} {
		base := rbac + "/namespaces/" + r.ns
		all = append(all, object{base + "/roles", fmt.Sprintf(`{"metadata":{"name":%q},"rules":%s}`, r.name, r.rules)},
			object{base + "/rolebindings", fmt.Sprintf(`{"metadata":{"name":%q},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":%q},"subjects":%s}`, r.name, r.name, r.subjects)})
	}
	return all
}

// widgets are resources that only their definition knows, with a subresource.
const widgets = `{"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget"},
	"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`
