// Kubelet is a stand-in for a node's kubelet, its container runtime and the scheduler, for tests: behind a Node object it serves exec,
// attach, logs and port forwarding with Kubernetes' own streaming servers (SPDY and WebSocket are theirs), and where a container would be
// it runs a process on this machine, in a folder of its own. It isolates nothing: whoever may exec may do what this program may.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const whatItIs = `kubelet: a stand-in for tests, not a kubelet.

It registers a Node, binds each pod that has none to it and calls the pod Running, without ever starting a container.
exec and attach run a process on this machine, as this user, in a folder of the pod: nothing is isolated.
Logs come from ROOT/NAMESPACE/POD/CONTAINER.log (the format of the CRI), port-forward dials this machine's loopback.
Each request and command is written to the event log before it is served: what is not in it did not arrive.

`

// options are what the command line says.
type options struct {
	kubeconfig, node, root, events string
	cert, key, clientCA            string
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "the cluster and who is its administrator")
	flag.StringVar(&o.node, "node", "node-1", "name of the Node object that is registered")
	flag.StringVar(&o.root, "root", "", "folder with the pods' folders and logs")
	flag.StringVar(&o.events, "events", "", "file to which events are appended, a JSON object a line")
	flag.StringVar(&o.cert, "cert", "", "certificate of the endpoint")
	flag.StringVar(&o.key, "key", "", "key of the endpoint")
	flag.StringVar(&o.clientCA, "client-ca", "", "who signs the API server's client certificate; nobody else is served")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), whatItIs)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, o options) error {
	slog.Info("this is a stand-in for a kubelet, for tests: commands run on this machine, without a container", "node", o.node, "root", o.root)
	events, err := openEvents(o.events)
	if err != nil {
		return err
	}
	defer events.Close()
	config, err := endpointTLS(o)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	pods, err := newPods(o.kubeconfig, o.node, listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newEndpoint(pods, events, o.root), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	kept := make(chan error, 1)
	go func() { kept <- pods.keep(ctx) }()
	select {
	case err = <-served:
	case err = <-kept:
	case <-ctx.Done():
	}
	return errors.Join(err, server.Close())
}

// endpointTLS serves nobody but the API server, as a kubelet with webhook authorization does in effect. Its upgrades need HTTP/1.1.
func endpointTLS(o options) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("load the endpoint's certificate: %w", err)
	}
	ca, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, fmt.Errorf("read the client CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", o.clientCA)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, NextProtos: []string{"http/1.1"}}, nil
}
