package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

const (
	serviceCommand = "service"
	reverseCommand = "reverse"
)

// smallAnswer is what the service answers to most requests: a kibibyte of JSON.
func smallAnswer() []byte {
	return append(append([]byte(`{"text":"`), bytes.Repeat([]byte("0123456789abcdef"), 63)...), `"}`...)
}

// service is an HTTP service over TLS: `service LISTEN PEM`.
func service(args []string) error {
	if len(args) != 2 {
		return errors.New("service LISTEN PEM")
	}
	small, piece := smallAnswer(), bytes.Repeat([]byte("0123456789abcdef\n"), 64<<10/17)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /small", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(small)
	})
	mux.HandleFunc("GET /bulk", func(w http.ResponseWriter, r *http.Request) {
		mib, _ := strconv.Atoi(r.URL.Query().Get("mib"))
		w.Header().Set("Content-Type", "text/plain")
		for left := mib << 20; left > 0; left -= len(piece) {
			if _, err := w.Write(piece[:min(len(piece), left)]); err != nil {
				return
			}
		}
	})
	return serveTLS(args[0], args[1], mux)
}

// reverse is a plain reverse proxy with TLS on both sides: `reverse LISTEN ORIGIN PEM`.
func reverse(args []string) error {
	if len(args) != 3 {
		return errors.New("reverse LISTEN ORIGIN PEM")
	}
	origin, err := url.Parse(args[1])
	if err != nil {
		return err
	}
	conf, err := mutual(args[2])
	if err != nil {
		return err
	}
	proxy := httputil.NewSingleHostReverseProxy(origin)
	proxy.Transport = &http.Transport{TLSClientConfig: conf, MaxIdleConnsPerHost: 100, DisableCompression: true}
	return serveTLS(args[0], args[2], proxy)
}

func serveTLS(listen, file string, h http.Handler) error {
	s := &http.Server{Addr: listen, Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	return s.ListenAndServeTLS(file, file)
}
