package kubetest_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// kubectl runs a kubectl with a token and answers what it printed.
func kubectl(t *testing.T, c *kubetest.Cluster, version, token string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(kubetest.Kubectl(t, version), args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=" + c.Kubeconfig(t, token)}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTheAuditLogHoldsEveryRequestThatReachedTheServer(t *testing.T) {
	c := kubetest.Start(t)
	if status, body := c.Do(t, "GET", "/api/v1/namespaces/stg/secrets/db-credentials?marker=one", ""); status != 200 {
		t.Fatalf("%d: %s", status, body)
	}
	of := func(marker string) int {
		return len(c.Audited(t, func(e kubetest.Event) bool {
			return e.RequestURI == "/api/v1/namespaces/stg/secrets/db-credentials?marker="+marker
		}))
	}
	if one, two := of("one"), of("two"); one == 0 || two != 0 {
		t.Fatalf("%d events of the request that was sent, %d of one that was not", one, two)
	}
}

func TestTheKubeletsLogHoldsEveryCommandThatReachedAContainer(t *testing.T) {
	c := kubetest.Start(t)
	for _, version := range []string{kubetest.Oldest, kubetest.Newest} {
		marker := "marker-" + version
		if out, err := kubectl(t, c, version, c.RobotToken, "exec", "web", "-c", "app", "--", "echo", marker); err != nil || out != marker+"\n" {
			t.Fatalf("%v: %s", err, out)
		}
		ran := c.Ran(t, func(e kubetest.KubeletEvent) bool {
			return e.Kind == "exec" && e.Pod == "stg/web" && e.Container == "app" && slices.Equal(e.Argv, []string{"echo", marker})
		})
		if len(ran) != 1 {
			t.Errorf("%s: %d executions in the log: %s", version, len(ran), c.KubeletLog(t))
		}
	}
	if strings.Contains(c.KubeletLog(t), "marker-v1") {
		t.Error("the log holds what nobody ran")
	}
}

// SPDY begins with a POST, a WebSocket with a GET, and the audit log tells them apart by the verb.
func TestTheOldestClientSpeaksSPDYAndTheNewestWebSocket(t *testing.T) {
	c := kubetest.Start(t)
	for version, verb := range map[string]string{kubetest.Oldest: "create", kubetest.Newest: "get"} {
		command := "spoken-by-" + version
		if out, err := kubectl(t, c, version, c.RobotToken, "exec", "web", "-c", "app", "--", "echo", command); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		asked := c.Audited(t, func(e kubetest.Event) bool {
			return e.ObjectRef.Subresource == "exec" && strings.Contains(e.RequestURI, command)
		})
		if len(asked) == 0 || asked[0].Verb != verb {
			t.Errorf("%s: %+v, and %s was expected", version, asked, verb)
		}
	}
}

func TestTokensMayDoWhatTheClusterSaysOfThem(t *testing.T) {
	c := kubetest.Start(t)
	for _, q := range []struct {
		who, token string
		may        bool
		what       []string
	}{
		{"admin", c.AdminToken, true, []string{"delete", "nodes"}},
		{"robot", c.RobotToken, true, []string{"create", "clusterroles.rbac.authorization.k8s.io"}},
		{"gateway", c.GatewayToken, true, []string{"impersonate", "users"}},
		{"gateway", c.GatewayToken, true, []string{"impersonate", "groups"}},
		{"gateway", c.GatewayToken, true, []string{"create", "serviceaccounts/deployer", "--subresource=token", "-n", "hoop"}},
		{"gateway", c.GatewayToken, false, []string{"create", "serviceaccounts/default", "--subresource=token", "-n", "hoop"}},
		{"gateway", c.GatewayToken, false, []string{"get", "pods"}},
		{"weak", c.WeakToken, true, []string{"list", "pods", "-n", "stg"}},
		{"weak", c.WeakToken, false, []string{"list", "pods", "-n", "prod"}},
		{"weak", c.WeakToken, false, []string{"get", "secrets", "-n", "stg"}},
		{"developer", c.DeveloperToken, true, []string{"delete", "deployments.apps", "-n", "stg"}},
		{"developer", c.DeveloperToken, true, []string{"get", "pods", "--subresource=log", "-n", "prod"}},
		{"developer", c.DeveloperToken, false, []string{"delete", "pods", "-n", "prod"}},
	} {
		out, _ := kubectl(t, c, kubetest.Newest, q.token, append([]string{"auth", "can-i"}, q.what...)...)
		if got := strings.HasSuffix(strings.TrimSpace(out), "yes"); got != q.may {
			t.Errorf("%s %v: %s", q.who, q.what, out)
		}
	}
}

func TestTokensAndCertificatesCanBeMadeForOthers(t *testing.T) {
	c := kubetest.Start(t)
	status, body := c.Do(t, "POST", "/api/v1/namespaces/hoop/serviceaccounts/deployer/token", `{"spec":{"expirationSeconds":600}}`)
	var made struct{ Status struct{ Token string } }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 201 {
		t.Fatalf("%d: %v: %s", status, err, body)
	}
	if out, err := kubectl(t, c, kubetest.Newest, made.Status.Token, "auth", "whoami"); err != nil || !strings.Contains(out, "system:serviceaccount:hoop:deployer") {
		t.Errorf("%v: %s", err, out)
	}
	cert, key := c.ClientCertificate(t, "cara", "developers")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true}}}
	answer, err := client.Get(c.URL + "/api/v1/namespaces/stg/secrets")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("%s for a developer with a certificate", answer.Status)
	}
}

// The stand-in runs what it is told to run on this machine.
func TestTheStandInServesNobodyButTheAPIServer(t *testing.T) {
	c := kubetest.Start(t)
	_, body := c.Do(t, "GET", "/api/v1/nodes/node-1", "")
	var node struct {
		Status struct {
			DaemonEndpoints struct{ KubeletEndpoint struct{ Port int } }
		}
	}
	if err := json.Unmarshal([]byte(body), &node); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Post("https://127.0.0.1:"+strconv.Itoa(node.Status.DaemonEndpoints.KubeletEndpoint.Port)+"/exec/stg/web/app?command=stranger&output=1", "", nil)
	if err == nil {
		defer answer.Body.Close()
		t.Errorf("%s for a stranger", answer.Status)
	}
	if strings.Contains(c.KubeletLog(t), "stranger") {
		t.Error("a stranger's request arrived")
	}
}
