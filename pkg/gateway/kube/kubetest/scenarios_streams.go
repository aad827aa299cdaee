package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mebibyte is text that no filter changes and that fills more than one frame.
func mebibyte() string { return strings.Repeat("0123456789abcdef 0123456789abcd\n", 1<<15) }

func execute(s *script) {
	s.kubectl("exec", "web", "-c", "app", "--", "echo", "hello")
	s.kubectl("exec", "web", "-c", "app", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
	s.kubectl("exec", "web", "-c", "app", "--", "no-such-program")
	s.kubectl("exec", "--pod-running-timeout=1s", "deploy/api", "--", "true") // has no pods
	s.kubectlWith("typed\n", "exec", "-i", "web", "-c", "app", "--", "cat")
	s.kubectlWith(mebibyte(), "exec", "-i", "web", "-c", "app", "--", "sha256sum")
	out := s.kubectl("exec", "web", "-c", "app", "--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99 | wc -c; hostname >/dev/null; printf '%s\\n' \"$HOSTNAME\"")
	s.note("%d bytes", len(out))
	s.kubectl("exec", "web", "-n", "prod", "-c", "sidecar", "--", "printf", "%s|", "two words", "", "'quoted'")
}

// terminal types on a terminal of 31 lines of 97, which script(1) makes. What is typed waits for what it answers, so that echoes don't overtake.
func terminal(s *script) {
	s.typed("stty rows 31 cols 97; kubectl exec -it web -c app -- env 'PS1=READY>' sh",
		answered{"READY>", "stty -echo"},
		answered{"READY>", "test -t 0 && test -t 1 && echo on a terminal"},
		answered{"on a terminal", "until [ \"$(stty size)\" = '31 97' ]; do sleep 0.05; done; echo 31 lines of 97"},
		answered{"31 lines of 97", "sh -c 'echo begun; exec sleep 60'"},
		answered{"begun", "\x03"},
		answered{"READY>", "echo interrupted, $((20+3))"},
		answered{"interrupted, 23", "exit 4"})
}

// answered is what has to appear before something is typed.
type answered struct{ text, typed string }

// typed runs a line of shell on a terminal and notes what appeared, of what was awaited, and how it ended.
func (s *script) typed(line string, steps ...answered) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), commandTimeout)
	defer cancel()
	cmd := s.prepare(ctx, "script", []string{"-qec", line, "/dev/null"})
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.note("$ %s", line)
	screen := bufio.NewReader(out)
	for _, step := range steps {
		if seen, err := readUntil(screen, step.text); err != nil {
			s.t.Fatalf("%q did not appear: %v: %q", step.text, err, seen)
		}
		s.note("%s %s", step.text, strconv.Quote(step.typed))
		if !strings.HasPrefix(step.typed, "\x03") {
			step.typed += "\n"
		}
		if _, err := io.WriteString(stdin, step.typed); err != nil {
			s.t.Fatal(err)
		}
	}
	rest, _ := io.ReadAll(screen) // ends with the command
	_ = cmd.Wait()                // noted as its exit code
	s.note("%s", rest)
	s.note("exit code %d", cmd.ProcessState.ExitCode())
}

// readUntil reads up to and with the text.
func readUntil(r *bufio.Reader, text string) (string, error) {
	var seen strings.Builder
	for !strings.HasSuffix(seen.String(), text) {
		b, err := r.ReadByte()
		if err != nil {
			return seen.String(), err
		}
		seen.WriteByte(b)
	}
	return seen.String(), nil
}

func debug(s *script) {
	s.removes("/api/v1/namespaces/stg/pods/attached")
	s.kubectl("run", "attached", "--image=registry.example.com/attached:1")
	s.kubectl("wait", "--for=condition=Ready", "pod/attached", "--timeout=30s")
	s.kubectlWith("echo attached\nexit\n", "attach", "-i", "attached", "-c", "attached")
	s.kubectl("debug", "attached", "--image=registry.example.com/tools:1", "-c", "tools")
	s.kubectl("get", "pod", "attached", "-o", "jsonpath={.spec.ephemeralContainers[*].image}")
}

func logs(s *script) {
	s.removes("/api/v1/namespaces/stg/pods/logged")
	s.kubectl("run", "logged", "--image=registry.example.com/logged:1")
	s.kubectl("wait", "--for=condition=Ready", "pod/logged", "--timeout=30s")
	if err := os.RemoveAll(filepath.Dir(s.cluster.PodFiles("stg", "logged"))); err != nil {
		s.t.Fatal(err)
	}
	s.cluster.AppendLog(s.t, "stg", "logged", "logged", "one", "two", "three")
	s.kubectl("logs", "logged")
	s.kubectl("logs", "logged", "--tail=1")
	s.kubectl("logs", "logged", "--timestamps", "--limit-bytes=36")
	s.kubectl("logs", "-l", "run=logged", "--prefix")
	follow := s.begin("logs", "-f", "logged", "--tail=1")
	follow.await("three")
	for i := range 3 {
		s.cluster.AppendLog(s.t, "stg", "logged", "logged", "line "+strconv.Itoa(i))
		follow.await("line " + strconv.Itoa(i))
	}
	follow.end()
}

// forward carries bytes there and back through a port of the pod, twice, and tries one on which nobody listens.
func forward(s *script) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer echo.Close()
	go func() { // ends with the listener
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(echo.Addr().String())
	r := s.begin("port-forward", "--address=127.0.0.1", "pod/web", ":"+port)
	defer r.end()
	line, err := r.lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "Forwarding from 127.0.0.1:") {
		s.t.Fatalf("kubectl said %q: %v", line, err)
	}
	address := strings.Fields(line)[2]
	for range 2 {
		s.note("echoed %d bytes as they were", s.exchange(address, []byte(mebibyte())))
	}
}

// exchange sends and reads at once, and fails the test where not the same comes back.
func (s *script) exchange(address string, sent []byte) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	go func() { // ends with the connection
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	got := make([]byte, len(sent))
	if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
		s.t.Fatalf("%d of %d bytes came back: %v", n, len(sent), err)
	}
	return len(got)
}

func copying(s *script) {
	for _, name := range []string{"there.txt", "folder"} {
		if err := os.RemoveAll(filepath.Join(s.cluster.PodFiles("stg", "web"), name)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.file("here.txt", mebibyte())
	s.file("folder/a.txt", "a\n")
	s.file("folder/deep/b.txt", "b\n")
	s.kubectl("cp", "here.txt", "stg/web:there.txt", "-c", "app")
	s.kubectl("cp", "stg/web:there.txt", "back.txt", "-c", "app")
	s.kubectl("cp", "folder", "stg/web:folder", "-c", "app")
	s.kubectl("cp", "stg/web:folder", "folder-back", "-c", "app")
	for _, name := range []string{"here.txt", "back.txt", "folder-back/a.txt", "folder-back/deep/b.txt"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			s.t.Fatal(err)
		}
		s.note("%s: %d bytes %s", name, len(text), fmt.Sprintf("%x", sha256.Sum256(text)))
	}
}

func watching(s *script) {
	const path = "/api/v1/namespaces/stg/configmaps/watched"
	s.removes(path)
	s.kubectl("create", "configmap", "watched", "--from-literal=step=one")
	r := s.begin("get", "configmaps", "-w", "-o", "custom-columns=NAME:.metadata.name,STEP:.data.step", "--field-selector", "metadata.name=watched")
	defer r.end()
	r.await("one")
	for _, step := range []string{"two", "three", "four"} {
		if status, body := s.cluster.Do(s.t, "PATCH", path, `{"data":{"step":"`+step+`"}}`); status != 200 {
			s.t.Fatalf("%d: %s", status, body)
		}
		r.await(step)
	}
	s.kubectl("delete", "configmap", "watched")
	r.await("four") // a deletion shows what was deleted
}

func helm(s *script) {
	s.file("chart/Chart.yaml", "{apiVersion: v2, name: shop, version: 0.1.0, appVersion: \"1\"}\n")
	s.file("chart/values.yaml", "{replicas: 1, password: not-set}\n")
	s.file("chart/templates/all.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: app, image: "registry.example.com/shop:1"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData: {password: {{ .Values.password }}}
`)
	s.removes("/api/v1/namespaces/stg/secrets/shop", "/apis/apps/v1/namespaces/stg/deployments/shop", "/api/v1/namespaces/stg/secrets/sh.helm.release.v1.shop.v1",
		"/api/v1/namespaces/stg/secrets/sh.helm.release.v1.shop.v2", "/api/v1/namespaces/stg/secrets/sh.helm.release.v1.shop.v3")
	s.helm("install", "shop", "./chart", "--set", "password="+CanarySecret)
	s.helm("list")
	s.unordered("helm", "status", "shop")
	s.helm("get", "values", "shop")
	s.helm("upgrade", "shop", "./chart", "--set", "replicas=2,password="+CanarySecret)
	s.helm("history", "shop")
	s.helm("rollback", "shop", "1")
	s.kubectl("get", "deployment", "shop", "-o", "jsonpath={.spec.replicas}")
	s.helm("get", "manifest", "shop")
	s.helm("uninstall", "shop")
	s.helm("list", "--all-namespaces")
}
