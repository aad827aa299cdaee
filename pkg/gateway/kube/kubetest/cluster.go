// Package kubetest runs private Kubernetes clusters for tests: a real kube-apiserver on etcd, on loopback, and a stand-in for the kubelet that runs
// a container's commands as processes of this machine (test/k8s/tools/kubelet). The API server's audit log and the stand-in's event
// log are the oracles of the tests: what a gateway refused must not stand in either.
package kubetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// startTimeout bounds the wait for a cluster that was just started, on a machine that is busy with other tests.
const startTimeout = 3 * time.Minute

// Cluster is a running cluster. Nobody schedules and no controller runs: a Deployment makes no pods. Pods are bound and called Running by the
// stand-in, and what objects.go lists is there from the start.
type Cluster struct {
	URL    string // https://127.0.0.1:PORT
	CAFile string // who signed the API server's certificate

	AdminToken     string // user admin of system:masters
	RobotToken     string // user hoop-robot, bound to cluster-admin: a credential that acts by itself
	GatewayToken   string // user hoop-gateway, who may impersonate, and ask for tokens of hoop/deployer, and nothing else
	WeakToken      string // user weak, who may get, list and watch pods in stg
	DeveloperToken string // user dev of the group developers, who may do everything in stg and look at pods in prod

	dir       string
	authority *authority
	client    *client
	processes []*process
}

var (
	shared  = sync.OnceValues(New)
	isInUse atomic.Bool
)

// Start answers the cluster that all tests of a binary share; the first call starts it. A test binary that calls it has a TestMain with Main.
func Start(t testing.TB) *Cluster {
	t.Helper()
	isInUse.Store(true)
	c, err := shared()
	if err != nil {
		t.Fatalf("start a private cluster: %v", err)
	}
	return c
}

// Main runs the tests, stops the cluster where Start was called, and answers the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if isInUse.Load() {
		if c, err := shared(); err == nil {
			c.Close()
		}
	}
	return code
}

// New runs a cluster until Close. A port that was free when it was looked for may be somebody's a moment later, so it tries again then.
func New() (c *Cluster, err error) {
	for range 3 {
		if c, err = boot(); err == nil || !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return c, err
}

func boot() (*Cluster, error) {
	dir, err := os.MkdirTemp("", "hoop-k8s-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the cluster: %w", err)
	}
	c := &Cluster{dir: dir, CAFile: filepath.Join(dir, "ca.crt"), AdminToken: rand.Text(), RobotToken: rand.Text(), GatewayToken: rand.Text(), WeakToken: rand.Text(), DeveloperToken: rand.Text()}
	if err := c.boot(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the cluster's processes at once and removes its folder.
func (c *Cluster) Close() {
	for _, p := range c.processes {
		_ = p.cmd.Process.Kill() // an error means that it is gone
		<-p.done
	}
	_ = os.RemoveAll(c.dir)
}

func (c *Cluster) boot() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var err error
	if c.authority, err = newAuthority(); err != nil {
		return err
	}
	number, err := freeport.Next()
	if err != nil {
		return err
	}
	port := strconv.Itoa(number)
	c.URL = "https://" + net.JoinHostPort("127.0.0.1", port)
	if err := errors.Join(c.authority.writeCertificates(c.dir), c.writeFiles()); err != nil {
		return err
	}
	etcd, err := c.startEtcd()
	if err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, etcd, port); err != nil {
		return err
	}
	if err := c.populate(ctx); err != nil {
		return err
	}
	return c.startKubelet(ctx)
}

// writeFiles writes what the API server reads at its start: who has which token, and what it audits. A request is written to the audit log
// before it is looked at, and again with its outcome.
func (c *Cluster) writeFiles() error {
	tokens := fmt.Sprintf("%s,admin,1,system:masters\n%s,hoop-robot,2\n%s,hoop-gateway,3\n%s,weak,4\n%s,dev,5,developers\n", c.AdminToken, c.RobotToken, c.GatewayToken, c.WeakToken, c.DeveloperToken)
	policy := `{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["ResponseStarted"],"rules":[{"level":"Metadata"}]}`
	for name, text := range map[string]string{"tokens": tokens, "audit-policy": policy, "kubeconfig": c.kubeconfigText(c.AdminToken)} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the file of %s: %w", name, err)
		}
	}
	return nil
}

func (c *Cluster) startEtcd() (string, error) {
	path, err := exec.LookPath("etcd")
	if err != nil {
		return "", fmt.Errorf("find etcd (Debian's etcd-server): %w", err)
	}
	var urls [2]string
	for i := range urls {
		port, err := freeport.Next()
		if err != nil {
			return "", err
		}
		urls[i] = "http://127.0.0.1:" + strconv.Itoa(port)
	}
	_, err = c.start("etcd", path, "--name=kubetest", "--data-dir="+filepath.Join(c.dir, "etcd"), "--listen-client-urls="+urls[0], "--advertise-client-urls="+urls[0],
		"--listen-peer-urls="+urls[1], "--initial-advertise-peer-urls="+urls[1], "--initial-cluster=kubetest="+urls[1])
	return urls[0], err
}

func (c *Cluster) startAPIServer(ctx context.Context, etcd, port string) error {
	path, err := program("kube-apiserver")
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(c.dir, name) }
	_, err = c.start("kube-apiserver", path,
		"--etcd-servers="+etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+port, "--endpoint-reconciler-type=none",
		"--tls-cert-file="+in("apiserver.crt"), "--tls-private-key-file="+in("apiserver.key"), "--client-ca-file="+c.CAFile,
		"--authorization-mode=Node,RBAC", "--token-auth-file="+in("tokens"), "--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-signing-key-file="+in("accounts.key"), "--service-account-key-file="+in("accounts.crt"),
		"--audit-policy-file="+in("audit-policy"), "--audit-log-path="+in("audit.log"), "--audit-log-mode=blocking", "--audit-log-maxsize=0",
		"--kubelet-client-certificate="+in("kubelet-client.crt"), "--kubelet-client-key="+in("kubelet-client.key"), "--kubelet-certificate-authority="+c.CAFile, "--kubelet-preferred-address-types=InternalIP")
	if err != nil {
		return err
	}
	if c.client, err = newClient(c.URL, c.AdminToken, c.authority.pem); err != nil {
		return err
	}
	return c.await(ctx, "the API server", func() (bool, error) {
		answer, err := c.client.do(ctx, "GET", "/readyz", nil)
		return err == nil && answer.status == 200, err
	})
}

func (c *Cluster) startKubelet(ctx context.Context) error {
	path, err := program("kubelet")
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(c.dir, name) }
	_, err = c.start("kubelet", path, "--kubeconfig="+in("kubeconfig"), "--root="+in("pods"), "--events="+in("kubelet-events.log"),
		"--cert="+in("kubelet.crt"), "--key="+in("kubelet.key"), "--client-ca="+c.CAFile)
	if err != nil {
		return err
	}
	for _, path := range []string{"/api/v1/namespaces/stg/pods/web", "/api/v1/namespaces/prod/pods/web"} {
		if err := c.await(ctx, path, func() (bool, error) {
			var pod struct{ Status struct{ Phase string } }
			err := c.client.get(ctx, path, &pod)
			return pod.Status.Phase == "Running", err
		}); err != nil {
			return err
		}
	}
	return nil
}

// await asks until the answer is yes, a process has ended, or time is up.
func (c *Cluster) await(ctx context.Context, what string, ready func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok {
			return nil
		}
		for _, p := range c.processes {
			if ended := p.ended(); ended != nil {
				return ended
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", what, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}
