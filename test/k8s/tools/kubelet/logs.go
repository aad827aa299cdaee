package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	"k8s.io/client-go/kubernetes/scheme"
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
	var o corev1.PodLogOptions
	if err := scheme.ParameterCodec.DecodeParameters(r.URL.Query(), corev1.SchemeGroupVersion, &o); err != nil {
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
	_ = logs.ReadLogs(r.Context(), path, r.PathValue("container"), asked(&o, time.Now()), running{}, out, out)
}

// asked is what the client wants to see of a log.
func asked(o *corev1.PodLogOptions, now time.Time) *logs.LogOptions {
	want := &logs.LogOptions{TailLines: o.TailLines, LimitBytes: o.LimitBytes, Follow: o.Follow, Timestamp: o.Timestamps}
	if o.SinceSeconds != nil {
		want.Since = now.Add(-time.Duration(*o.SinceSeconds) * time.Second)
	}
	if o.SinceTime != nil {
		want.Since = o.SinceTime.Time
	}
	return want
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
