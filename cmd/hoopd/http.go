package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// drainTime is what calls that are under way get at the end.
const drainTime = 10 * time.Second

func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveHTTP serves until ctx ends, and then lets calls that are under way finish.
func serveHTTP(ctx context.Context, srv *http.Server, l net.Listener) error {
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err := srv.Shutdown(late)
		if err != nil {
			err = srv.Close()
		}
		drained <- err
	})
	err := srv.Serve(l)
	if stop() {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return <-drained
}
