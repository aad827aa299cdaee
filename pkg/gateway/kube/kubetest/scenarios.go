package kubetest

// AsAnother is the name of the scenario in which a client asks to be impersonated.
const AsAnother = "as another user"

// Scenarios are what people do with a cluster, one after the other: reading, writing, running, copying, helm. They need the rights of a cluster-admin.
func Scenarios() []Scenario {
	return []Scenario{
		{"get", get}, {"describe", describe}, {"errors", failures}, {"auth can-i", canI}, {AsAnother, asAnother}, {"apply", apply}, {"edit", edit}, {"patch and scale", change}, {"create and replace", create}, {"administer", administer}, {"delete", remove},
		{"exec", execute}, {"exec on a terminal", terminal}, {"attach and debug", debug}, {"logs", logs}, {"port-forward", forward}, {"cp", copying}, {"watch", watching}, {"helm", helm},
	}
}

func get(s *script) {
	s.kubectl("get", "pods")
	s.kubectl("get", "pods", "--all-namespaces", "-o", "wide")
	s.kubectl("get", "pod", "web", "-o", "yaml")
	s.kubectl("get", "pod", "web", "-o", "json")
	s.kubectl("get", "pods", "-l", "app=web", "-o", "name")
	s.kubectl("get", "pods", "--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}")
	s.kubectl("get", "pods", "-o", "custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image")
	s.kubectl("get", "all")
	s.kubectl("get", "nodes")
	s.kubectl("get", "namespaces", "--show-labels")
	s.kubectl("get", "secrets,configmaps")
	s.kubectl("get", "secret", "db-credentials", "-o", "yaml")
	s.kubectl("get", "deployments.apps", "api", "-o", "yaml", "-n", "prod")
	s.kubectl("get", "--raw", "/api/v1/namespaces/stg/configmaps/app-config")
	s.kubectl("get", "pods", "--chunk-size=1", "--all-namespaces")
	s.kubectl("api-resources", "--api-group=apps")
	s.kubectl("api-versions")
	s.kubectl("explain", "pod.spec.containers.image")
	s.kubectl("cluster-info")
	s.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
}

func describe(s *script) {
	for _, what := range []string{"pod/web", "deployment/api", "service/api", "namespace/stg", "crd/widgets.example.com"} {
		s.kubectl("describe", what)
	}
	s.unordered("kubectl", "describe", "secret/db-credentials")
	s.unordered("kubectl", "describe", "configmap/app-config")
}

func failures(s *script) {
	s.kubectl("get", "pod", "absent")
	s.kubectl("get", "nonsense")
	s.kubectl("get", "pods", "-n", "absent")
	s.kubectl("exec", "web", "-c", "absent", "--", "true")
	s.kubectl("logs", "absent")
	s.file("invalid.json", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"invalid"},"spec":{"replicas":-1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"c"}},"spec":{"containers":[]}}}}`)
	s.kubectl("apply", "-f", "invalid.json", "--validate=false")
	s.kubectl("create", "configmap", "app-config", "--from-literal=a=b")
}

func canI(s *script) {
	s.kubectl("auth", "can-i", "delete", "pods")
	s.kubectl("auth", "can-i", "--list")
	s.kubectl("auth", "can-i", "get", "/healthz")
}

// asAnother asks to be somebody else: through a gateway that names people itself it is not the same.
func asAnother(s *script) {
	s.kubectl("auth", "can-i", "get", "secrets", "--as", "weak")
	s.kubectl("auth", "can-i", "get", "pods", "--as", "weak", "--as-group", "somebody")
	s.kubectl("get", "secrets", "--as", "weak", "-o", "name")
}

const applied = `apiVersion: v1
kind: ConfigMap
metadata: {name: applied, labels: {by: scenario}}
data: {colour: green}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: applied, labels: {by: scenario}}
spec:
  replicas: 1
  selector: {matchLabels: {app: applied}}
  template:
    metadata: {labels: {app: applied}}
    spec: {containers: [{name: app, image: "registry.example.com/applied:1"}]}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: applied, labels: {by: scenario}}
spec: {size: 3}
`

func apply(s *script) {
	s.removes("/api/v1/namespaces/stg/configmaps/applied", "/apis/apps/v1/namespaces/stg/deployments/applied", "/apis/example.com/v1/namespaces/stg/widgets/applied")
	s.file("applied.yaml", applied)
	s.kubectl("apply", "-f", "applied.yaml", "--dry-run=server")
	s.kubectl("get", "-f", "applied.yaml")
	s.kubectl("apply", "-f", "applied.yaml")
	s.kubectl("apply", "-f", "applied.yaml")
	s.kubectlWith("{apiVersion: v1, kind: ConfigMap, metadata: {name: applied, labels: {by: scenario}}, data: {colour: red, shape: round}}\n", "apply", "-f", "-")
	s.kubectl("get", "configmap", "applied", "-o", "yaml")
	s.kubectl("diff", "-f", "applied.yaml")
	s.kubectl("apply", "-f", "applied.yaml", "--server-side", "--force-conflicts")
	s.kubectl("get", "-f", "applied.yaml", "-o", "yaml")
	s.kubectl("delete", "-f", "applied.yaml")
	s.kubectl("get", "-f", "applied.yaml", "--ignore-not-found")
}

func edit(s *script) {
	s.removes("/api/v1/namespaces/stg/configmaps/edited")
	s.kubectl("create", "configmap", "edited", "--from-literal=colour=green")
	s.file("editor", "#!/bin/sh\nsed -i s/green/blue/ \"$1\"\n")
	s.kubectl("edit", "configmap", "edited")
	s.kubectl("get", "configmap", "edited", "-o", "jsonpath={.data}")
	s.kubectl("edit", "configmap", "edited") // nothing is green any more
}

func change(s *script) {
	s.removes("/apis/apps/v1/namespaces/stg/deployments/changed")
	s.kubectl("create", "deployment", "changed", "--image=registry.example.com/changed:1")
	s.kubectl("scale", "deployment", "changed", "--replicas=3")
	s.kubectl("set", "image", "deployment/changed", "changed=registry.example.com/changed:2")
	s.kubectl("label", "deployment", "changed", "tier=back")
	s.kubectl("annotate", "deployment", "changed", "example.com/why=scenario")
	s.kubectl("rollout", "restart", "deployment/changed")
	s.kubectl("patch", "deployment", "changed", "-p", `{"spec":{"paused":true}}`)
	s.kubectl("patch", "deployment", "changed", "--type=json", "-p", `[{"op":"remove","path":"/metadata/annotations/example.com~1why"}]`)
	s.kubectl("get", "deployment", "changed", "-o", "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image} {.metadata.labels}")
}

func remove(s *script) {
	s.removes("/api/v1/namespaces/stg/pods/doomed", "/api/v1/namespaces/stg/configmaps/doomed-1", "/api/v1/namespaces/stg/configmaps/doomed-2")
	s.kubectl("run", "doomed", "--image=registry.example.com/doomed:1")
	s.kubectl("wait", "--for=condition=Ready", "pod/doomed", "--timeout=30s")
	s.kubectl("delete", "pod", "doomed", "--now")
	s.kubectl("get", "pod", "doomed")
	for _, name := range []string{"doomed-1", "doomed-2"} {
		s.kubectl("create", "configmap", name)
		s.kubectl("label", "configmap", name, "doomed=yes")
	}
	s.kubectl("delete", "configmaps", "-l", "doomed=yes")
	s.kubectl("delete", "configmap", "doomed-1")
	s.kubectl("delete", "configmap", "doomed-1", "--ignore-not-found")
}

func create(s *script) {
	const apps, core = "/apis/apps/v1/namespaces/stg/deployments/created", "/api/v1/namespaces/stg/"
	s.removes(apps, core+"services/created", core+"secrets/created", core+"configmaps/created", "/apis/autoscaling/v2/namespaces/stg/horizontalpodautoscalers/created", "/apis/batch/v1/namespaces/stg/jobs/created")
	s.kubectl("create", "deployment", "created", "--image=registry.example.com/created:1")
	s.kubectl("expose", "deployment", "created", "--port=80")
	s.kubectl("autoscale", "deployment", "created", "--max=3")
	s.kubectl("set", "env", "deployment/created", "MODE=live")
	s.kubectl("create", "job", "created", "--image=registry.example.com/created:1", "--", "true")
	s.kubectl("create", "secret", "generic", "created", "--from-literal=password="+CanarySecret)
	s.kubectl("get", "secret", "created", "-o", "jsonpath={.data.password}")
	s.file("created.json", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"created"},"data":{"colour":"green"}}`)
	s.kubectl("create", "-f", "created.json")
	s.file("created.json", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"created"},"data":{"colour":"red"}}`)
	s.kubectl("replace", "-f", "created.json")
	s.kubectl("get", "configmap", "created", "-o", "jsonpath={.data}")
	s.kubectl("delete", "deployment/created", "service/created", "job/created", "secret/created", "configmap/created", "hpa/created")
}

func administer(s *script) {
	const rbac = "/apis/rbac.authorization.k8s.io/v1"
	s.removes("/api/v1/namespaces/administered", rbac+"/clusterroles/administered", rbac+"/namespaces/stg/roles/administered", rbac+"/namespaces/stg/rolebindings/administered")
	s.kubectl("cordon", "node-1")
	s.kubectl("uncordon", "node-1")
	s.kubectl("taint", "node", "node-1", "scenario=yes:NoSchedule")
	s.kubectl("taint", "node", "node-1", "scenario-")
	s.kubectl("create", "role", "administered", "--verb=get", "--resource=pods")
	s.kubectl("create", "rolebinding", "administered", "--role=administered", "--user=weak")
	s.kubectl("create", "clusterrole", "administered", "--verb=get", "--resource=nodes")
	s.kubectl("delete", "role/administered", "rolebinding/administered", "clusterrole/administered")
	s.kubectl("create", "token", "deployer", "-n", "hoop", "--duration=10m")
	s.kubectl("get", "--raw", "/readyz")
	s.kubectl("top", "nodes") // no metrics
}
