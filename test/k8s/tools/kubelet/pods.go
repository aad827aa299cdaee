package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// pods does for pods what the scheduler and a kubelet do: it binds them to the node, calls them running, and ends the deleted ones.
type pods struct {
	client  kubernetes.Interface
	factory informers.SharedInformerFactory
	lister  listers.PodLister
	node    string
	port    int
}

func newPods(kubeconfig, node string, port int) (*pods, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 200, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	return &pods{client: client, factory: factory, lister: factory.Core().V1().Pods().Lister(), node: node, port: port}, nil
}

// exists tells whether the node has such a pod.
func (p *pods) exists(namespace, name string) bool {
	pod, err := p.lister.Pods(namespace).Get(name)
	return err == nil && pod.Spec.NodeName == p.node
}

// keep registers the node and looks after pods until the context ends.
func (p *pods) keep(ctx context.Context) error {
	changed := make(chan *corev1.Pod, 1024)
	seen := func(object any) {
		if pod, ok := object.(*corev1.Pod); ok {
			changed <- pod
		}
	}
	if _, err := p.factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: seen, UpdateFunc: func(_, object any) { seen(object) },
	}); err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	p.factory.Start(ctx.Done())
	p.factory.WaitForCacheSync(ctx.Done())
	if err := p.register(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case pod := <-changed:
			// A conflict means that the pod has changed meanwhile, and another event comes.
			if err := p.look(ctx, pod); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				slog.Error("could not look after a pod", "pod", pod.Namespace+"/"+pod.Name, "error", err)
			}
		}
	}
}

func (p *pods) register(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: p.node, Labels: map[string]string{"kubernetes.io/hostname": p.node, "stand-in": "true"}}}
	node, err := p.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("register the node: %w", err)
	}
	node.Status = corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(p.port)}},
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "StandIn", Message: "no kubelet: a stand-in for tests", LastHeartbeatTime: metav1.Now()}},
		NodeInfo:        corev1.NodeSystemInfo{KubeletVersion: "v0.0.0-stand-in", OperatingSystem: "linux", Architecture: "amd64"},
	}
	if _, err := p.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("say where the node is: %w", err)
	}
	return nil
}

func (p *pods) look(ctx context.Context, pod *corev1.Pod) error {
	api := p.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil:
		return api.Bind(ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: p.node}}, metav1.CreateOptions{})
	case pod.Spec.NodeName != p.node:
		return nil
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		return api.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	case pod.Status.Phase == corev1.PodRunning && len(pod.Status.EphemeralContainerStatuses) == len(pod.Spec.EphemeralContainers):
		return nil
	}
	pod = pod.DeepCopy()
	pod.Status = runningStatus(pod, metav1.NewTime(time.Now()))
	_, err := api.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// runningStatus is what a pod says whose containers all run.
func runningStatus(pod *corev1.Pod, now metav1.Time) corev1.PodStatus {
	s := corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "127.0.0.1", PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}, StartTime: &now}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	runs := func(name, image string) corev1.ContainerStatus {
		started := true
		return corev1.ContainerStatus{Name: name, Image: image, Ready: true, Started: &started, ContainerID: "standin://" + pod.Name + "/" + name,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}
	}
	for _, c := range pod.Spec.Containers {
		s.ContainerStatuses = append(s.ContainerStatuses, runs(c.Name, c.Image))
	}
	for _, c := range pod.Spec.EphemeralContainers {
		s.EphemeralContainerStatuses = append(s.EphemeralContainerStatuses, runs(c.Name, c.Image))
	}
	return s
}
