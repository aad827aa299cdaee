package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// idle is how long a stream without traffic stays open, as in a kubelet.
const idle = 4 * time.Hour

// endpoint is what the API server reaches of a node.
type endpoint struct {
	pods   *pods
	events *events
	root   string
}

func newEndpoint(p *pods, e *events, root string) http.Handler {
	s := &endpoint{pods: p, events: e, root: root}
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", s.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", s.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", s.portForward)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := e.write(event{Kind: "request", Method: r.Method, URI: r.URL.RequestURI()}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// pod answers namespace/name of the path's pod; a pod that does not exist is answered for.
func (s *endpoint) pod(w http.ResponseWriter, r *http.Request) (string, bool) {
	namespace, name := r.PathValue("namespace"), r.PathValue("pod")
	if !s.pods.exists(namespace, name) {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return "", false
	}
	return namespace + "/" + name, true
}

// streams answers the path's pod and which streams the query asks for; nil: what is wrong was answered.
func (s *endpoint) streams(w http.ResponseWriter, r *http.Request) (string, *remotecommand.Options) {
	pod, ok := s.pod(w, r)
	if !ok {
		return "", nil
	}
	o, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return "", nil
	}
	return pod, o
}

func (s *endpoint) exec(w http.ResponseWriter, r *http.Request) {
	pod, o := s.streams(w, r)
	if o == nil {
		return
	}
	remotecommand.ServeExec(w, r, s, pod, "", r.PathValue("container"), r.URL.Query()["command"], o, idle,
		remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *endpoint) attach(w http.ResponseWriter, r *http.Request) {
	pod, o := s.streams(w, r)
	if o == nil {
		return
	}
	remotecommand.ServeAttach(w, r, s, pod, "", r.PathValue("container"), o, idle,
		remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *endpoint) portForward(w http.ResponseWriter, r *http.Request) {
	pod, ok := s.pod(w, r)
	if !ok {
		return
	}
	o, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, s, pod, "", o, idle, remotecommand.DefaultStreamCreationTimeout, portforward.SupportedProtocols)
}

// ExecInContainer runs argv as a process of this machine, in the pod's folder.
func (s *endpoint) ExecInContainer(_ context.Context, pod, _, container string, argv []string, in io.Reader, out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	return s.run("exec", process{pod: pod, container: container, argv: argv, in: in, out: out, errs: errs, tty: tty, resize: resize})
}

// AttachContainer starts a shell: no process of the container runs to which one could attach.
func (s *endpoint) AttachContainer(_ context.Context, pod, _, container string, in io.Reader, out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	return s.run("attach", process{pod: pod, container: container, argv: []string{"sh"}, in: in, out: out, errs: errs, tty: tty, resize: resize})
}

func (s *endpoint) run(kind string, p process) error {
	p.folder = filepath.Join(s.root, filepath.FromSlash(p.pod), "files")
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return fmt.Errorf("make the pod's folder: %w", err)
	}
	e := event{Kind: kind, Pod: p.pod, Container: p.container, Argv: p.argv, TTY: p.tty}
	if err := s.events.write(e); err != nil {
		return err
	}
	err := p.run()
	e.Kind = "ended"
	if err != nil {
		e.Error = err.Error()
	}
	if failed := s.events.write(e); failed != nil {
		return failed
	}
	return err
}

// PortForward carries a stream to a port of this machine's loopback.
func (s *endpoint) PortForward(_ context.Context, pod, _ string, port int32, stream io.ReadWriteCloser) error {
	if err := s.events.write(event{Kind: "portforward", Pod: pod, Port: port}); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return fmt.Errorf("dial the pod's port: %w", err)
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(conn, stream) // an end is an end, however it came
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(stream, conn)
	_ = stream.Close()
	<-sent
	return nil
}
