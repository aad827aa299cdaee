package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// startTime bounds a start on a machine that is busy with other tests.
const startTime = 120 * time.Second

// world is one `hoopd dev` with connections beside the sample's: db-free, db-open with every right of privacy to the same database, and the twins db-left and db-right, whose data
// differ in masked values alone. The agent may do there almost everything. Beside the host web-1, which has the sample's rules, the same
// machine is web-2, where developers and agents may do everything. The service prom is not there before a test starts it.
type world struct {
	dir     string
	ports   ports
	cmd     *exec.Cmd
	log     *text
	done    chan struct{}
	numbers map[string]string // of objects in the corpus' databases
	host    *sshd.Host
	service int    // the port of the service behind the connection prom, for who starts one there
	extra   *extra // nil: the sample's and the databases above
}

// extra is what a world has that is not the sample's: further connections, and another policy. Its databases are left empty.
type extra struct {
	connections, policy string
	files               map[string]string
}

type ports struct {
	Broker   int `json:"broker"`
	Provider int `json:"provider"`
	Metrics  int `json:"metrics"`
	Postgres int `json:"postgres"`
	Host     int `json:"host"`
}

// newWorld makes the folder, with its configuration, starts hoopd dev in it and fills the further databases.
func newWorld(dir string) (*world, error) { return newWorldWith(dir, nil) }

func newWorldWith(dir string, x *extra) (*world, error) {
	w := &world{dir: dir, log: &text{}, extra: x}
	if err := w.configure(); err != nil {
		return nil, err
	}
	if err := w.start(); err != nil {
		return nil, err
	}
	if x != nil {
		return w, nil
	}
	if err := w.fill(); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// ownWorld is for tests that kill it, or that change what others rely on.
func ownWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoop-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(filepath.Join(dir, "own"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("hoopd dev said:\n%s", w.log.tail(10_000))
		}
	})
	return w
}

func (w *world) configure() error {
	if err := os.Mkdir(w.dir, 0o711); err != nil {
		return err
	}
	if err := w.choosePorts(); err != nil {
		return err
	}
	kept, err := json.Marshal(map[string]any{"ports": w.ports, "given_database": false})
	if err != nil {
		return err
	}
	policy, err := policyText("")
	if err != nil {
		return err
	}
	place, err := sshd.Place(w.dir, "web-1")
	if err != nil {
		return err
	}
	if w.host, err = sshd.Prepare(place, ""); err != nil {
		return err
	}
	files := map[string]string{"dev.json": string(kept), "hoopd.yaml": w.config(), "policy.yaml": policy}
	if w.extra != nil {
		files["hoopd.yaml"] += w.extra.connections
		files["policy.yaml"] = w.extra.policy
		maps.Copy(files, w.extra.files)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// config is the sample's, with more connections.
func (w *world) config() string {
	issuer := fmt.Sprintf("http://127.0.0.1:%d", w.ports.Provider)
	b := &strings.Builder{}
	fmt.Fprintf(b, `state: state
broker:
  listen: 127.0.0.1:%d
  public_url: https://127.0.0.1:%d
  identity:
    - name: dev
      oidc: {issuer: %q, client_id: hoop, scopes: [openid, profile, email, groups, offline_access]}
      username_claim: preferred_username
      groups_claim: groups
      match:
        - {claims: {sub: agent}, as: agent, groups: [agents], type: agent, owner: {issuer: %q, subject: dev}}
gateway:
  recordings: {results: 1MiB}
  metrics: 127.0.0.1:%d
policy: policy.yaml
connections:
`, w.ports.Broker, w.ports.Broker, issuer, issuer, w.ports.Metrics)
	for name, database := range map[string]string{"db-prod": "app", "db-free": "free", "db-open": "free", "db-read": "free", "db-corpus": corpusDatabases[0], "db-left": "left", "db-right": "right"} {
		fmt.Fprintf(b, "  - {name: %s, kind: postgres, address: '127.0.0.1:%d', database: %s, credential: {user: hoop, password: {file: db-prod.password}}, tls: {mode: disable}}\n",
			name, w.ports.Postgres, database)
	}
	for _, name := range []string{"web-1", "web-2"} {
		fmt.Fprintf(b, "  - {name: %s, kind: ssh, address: '127.0.0.1:%d', host_keys: ['%s'], credential: {user: %s, certificate: {ca: {file: web-1.ca}, principals: [%s]}}}\n",
			name, w.ports.Host, w.host.HostKey, w.host.User, w.host.User)
	}
	fmt.Fprintf(b, "  - {name: status, kind: http, address: 'http://127.0.0.1:%d', credential: {none: {}}}\n", w.ports.Metrics)
	fmt.Fprintf(b, "  - {name: prom, kind: http, address: 'http://127.0.0.1:%d', credential: {none: {}}}\n", w.service)
	return b.String()
}

// policyText is the sample policy with short holds, and what the further connections need. More stands before its rules.
func policyText(more string) (string, error) {
	sample, err := os.ReadFile("../../cmd/hoopd/dev/policy.yaml")
	if err != nil {
		return "", err
	}
	changed := string(sample)
	for old, now := range map[string]string{
		"hold: 45s    ": "hold: 1s     ",
		"rules:\n": `  - {name: free, who: {users: [agent]}, on: {connections: [db-free, db-left, db-right, db-corpus]}, ttl: 1h}
  - {name: open, who: {users: [privacy]}, on: {connections: [db-open, db-read]}, ttl: 1h}

rules:
  - name: all-of-free
    who: {users: [agent]}
    on: {connections: [db-free, db-left, db-right, db-corpus]}
    effects: [read, write, delete, schema, execute, session, admin, transfer]
    verdict: allow
  - name: everything
    who: {users: [privacy]}
    on: {connections: [db-open]}
    effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown]
    verdict: allow
  - name: everything-on-web-2
    who: {groups: [developers, agents]}
    on: {connections: [web-2]}
    effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, shell, unknown]
    verdict: allow
  - name: files-on-web-2
    who: {groups: [developers, agents]}
    on: {connections: [web-2]}
    effects: [read, write, delete, privilege, execute, transfer, session, unknown]
    ssh: {channels: [sftp, scp, rsync, git]}
    verdict: allow
  - name: all-of-prom
    who: {groups: [developers]}
    on: {connections: [prom]}
    effects: [read, write, session]
    http: {paths: ["/**"]}
    verdict: allow
  - name: through-web-2
    who: {groups: [developers, agents]}
    on: {connections: [web-2]}
    ssh: {channels: [forward], forwards: ["127.0.0.1:*"]}
    verdict: allow

` + more,
		"masks:\n": "masks:\n  - {name: corpus, columns: [public.customer.c_phone, public.customer.c_address, public.supplier.s_phone], unless: {groups: [privacy]}, as: redact}\n",
	} {
		if strings.Count(changed, old) != 1 {
			return "", fmt.Errorf("the sample policy has %q %d times", old, strings.Count(changed, old))
		}
		changed = strings.Replace(changed, old, now, 1)
	}
	changed = strings.ReplaceAll(changed, "on: {kinds: [ssh]}", "on: {connections: [web-1]}")
	// Elsewhere these two would keep parts of the corpus from being tried.
	for _, rule := range []string{"no-unfiltered-write", "writes-need-a-dba"} {
		changed = strings.Replace(changed, "  - name: "+rule, "  - on: {connections: [db-prod]}\n    name: "+rule, 1)
	}
	return changed, nil
}

// setPolicy changes the policy in force, and waits for nothing.
func (w *world) setPolicy(t *testing.T, text string) {
	t.Helper()
	temp := filepath.Join(w.dir, "policy.new")
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(w.dir, "policy.yaml")); err != nil {
		t.Fatal(err)
	}
}

func (w *world) choosePorts() error {
	for _, port := range []*int{&w.ports.Broker, &w.ports.Provider, &w.ports.Metrics, &w.ports.Postgres, &w.ports.Host, &w.service} {
		free, err := freeport.Next()
		if err != nil {
			return err
		}
		*port = free
	}
	return nil
}

// start runs hoopd dev and waits until it says that it is ready.
func (w *world) start(limits ...string) error {
	args := append(limits, hoopd, "dev", "--state", w.dir)
	said := w.log.len()
	w.cmd, w.done = exec.Command(args[0], args[1:]...), make(chan struct{})
	w.cmd.Stderr = w.log
	w.cmd.Env = append(os.Environ(), "HOME="+filepath.Dir(w.dir))
	if err := w.cmd.Start(); err != nil {
		return err
	}
	done, cmd := w.done, w.cmd
	go func() { // ends with the process, which stop ends
		defer close(done)
		_ = cmd.Wait()
	}()
	err := await(startTime, func() bool {
		select {
		case <-w.done:
			return true
		default:
			return strings.Contains(w.log.String()[said:], "hoopd dev is ready.")
		}
	})
	select {
	case <-w.done:
		return fmt.Errorf("hoopd dev ended: %s", w.log.tail(5000))
	default:
	}
	if err != nil {
		return errors.Join(fmt.Errorf("hoopd dev is not ready: %s", w.log.tail(5000)), w.stop())
	}
	return nil
}

// stop ends hoopd dev as a person does.
func (w *world) stop() error {
	_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-w.done:
		return nil
	case <-time.After(60 * time.Second):
		_ = w.cmd.Process.Kill()
		<-w.done
		return errors.New("hoopd dev did not stop")
	}
}

// kill ends hoopd dev as a crash does.
func (w *world) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

func (w *world) restart(t *testing.T) {
	t.Helper()
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
}

func (w *world) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// targetLog is what reached the target through the gateway, from a place in its log on: whole entries of its role.
func (w *world) targetLog(t *testing.T, from int) string {
	t.Helper()
	var b strings.Builder
	ours := false
	for line := range strings.Lines(w.read(t, "postgres/log")[from:]) {
		if line[0] != '\t' && line[0] != '\n' && line[0] != ' ' {
			ours = strings.Contains(line, "] hoop@")
		}
		if ours {
			b.WriteString(line)
		}
	}
	return b.String()
}

// logged is the place at which the target's log ends now.
func (w *world) logged(t *testing.T) int {
	t.Helper()
	return len(w.read(t, "postgres/log"))
}

func (w *world) issuer() string { return "http://127.0.0.1:" + strconv.Itoa(w.ports.Provider) }
