package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/apiserver/pkg/util/flushwriter"
	cri "k8s.io/cri-api/pkg/apis"
	runtimev1 "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
)

// logs answers a container's log as a kubelet does, read by the kubelet's reader.
func (s *endpoint) logs(w http.ResponseWriter, r *http.Request) {
	pod, ok := s.pod(w, r)
	if !ok {
		return
	}
	want, err := asked(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := filepath.Join(s.root, filepath.FromSlash(pod), r.PathValue("container")+".log")
	if err := touch(path); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out := flushwriter.Wrap(w)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	// Whatever ends the reading ends the answer; the client sees what was read.
	_ = logs.ReadLogs(r.Context(), path, r.PathValue("container"), want, running{}, out, out)
}

// asked reads what the client wants to see of a log: the fields of v1.PodLogOptions.
func asked(q url.Values, now time.Time) (*logs.LogOptions, error) {
	o := &logs.LogOptions{Follow: q.Get("follow") == "true", Timestamp: q.Get("timestamps") == "true"}
	var since *int64
	for name, field := range map[string]**int64{"tailLines": &o.TailLines, "limitBytes": &o.LimitBytes, "sinceSeconds": &since} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		*field = &n
	}
	if since != nil {
		o.Since = now.Add(-time.Duration(*since) * time.Second)
	}
	if q.Has("sinceTime") {
		t, err := time.Parse(time.RFC3339, q.Get("sinceTime"))
		if err != nil {
			return nil, fmt.Errorf("read sinceTime: %w", err)
		}
		o.Since = t
	}
	return o, nil
}

// touch makes an empty log for a container that has said nothing.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// running is a runtime whose containers never end: the reader of logs asks while it follows one.
type running struct{ cri.RuntimeService }

// ContainerStatus says that the container runs.
func (running) ContainerStatus(context.Context, string, bool) (*runtimev1.ContainerStatusResponse, error) {
	return &runtimev1.ContainerStatusResponse{Status: &runtimev1.ContainerStatus{State: runtimev1.ContainerState_CONTAINER_RUNNING}}, nil
}
