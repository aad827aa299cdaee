// Informers watches pods and secrets as a controller does, with client-go's informers, and prints what it saw: for comparing a long watch
// through a gateway with one beside it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// counts are the events of one resource. Resyncs are not counted: only what arrived.
type counts struct {
	Added   int `json:"added"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Left    int `json:"left"` // what the cache holds at the end
}

// report is what is printed at the end.
type report struct {
	mu      sync.Mutex
	Pods    counts `json:"pods"`
	Secrets counts `json:"secrets"`
	Errors  int    `json:"errors"` // watches and lists that failed
	Last    string `json:"last_error,omitempty"`

	until string
	ends  int
	end   func()
}

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "the cluster")
	namespace := flag.String("namespace", "", "one namespace; all where it is empty")
	length := flag.Duration("for", time.Minute, "how long to watch")
	until := flag.String("until", "", "end earlier: once a pod and a secret of this name were seen")
	accept := flag.String("accept", "", "media types to ask for, such as application/vnd.kubernetes.protobuf; the library's own where it is empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *length)
	defer cancel()
	if err := watch(ctx, *kubeconfig, *namespace, *until, *accept); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// watch prints "synced" once both caches are filled, and the report once the context ends or the last objects were seen.
func watch(ctx context.Context, kubeconfig, namespace, until, accept string) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.AcceptContentTypes = accept
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	r := &report{until: until, end: end}
	utilruntime.ErrorHandlers = append(utilruntime.ErrorHandlers, func(_ context.Context, err error, _ string, _ ...any) { r.failed(err) })
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods, secrets := factory.Core().V1().Pods().Informer(), factory.Core().V1().Secrets().Informer()
	for informer, c := range map[cache.SharedIndexInformer]*counts{pods: &r.Pods, secrets: &r.Secrets} {
		if _, err := informer.AddEventHandler(r.counting(c)); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { r.failed(err) }); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced, secrets.HasSynced) {
		return fmt.Errorf("the caches were not filled: %s", r.Last)
	}
	fmt.Println("synced")
	<-ctx.Done()
	factory.Shutdown()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Pods.Left, r.Secrets.Left = len(pods.GetStore().ListKeys()), len(secrets.GetStore().ListKeys())
	return json.NewEncoder(os.Stdout).Encode(r)
}

func (r *report) counting(c *counts) cache.ResourceEventHandler {
	count := func(n *int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		*n++
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if o, ok := object.(metav1.Object); ok && o.GetName() == r.until {
				r.seenLast()
				return
			}
			count(&c.Added)
		},
		UpdateFunc: func(any, any) { count(&c.Updated) },
		DeleteFunc: func(any) { count(&c.Deleted) },
	}
}

// seenLast ends the watch once a pod and a secret were the last; they are not counted.
func (r *report) seenLast() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ends++; r.ends == 2 {
		r.end()
	}
}

func (r *report) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Errors++
	r.Last = err.Error()
}
