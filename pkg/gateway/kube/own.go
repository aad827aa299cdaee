package kube

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

const (
	ownWithin = 10 * time.Second // one request of the gateway's own
	ownSize   = 1 << 20          // its answer
)

// own asks the cluster something that the gateway itself needs to know, signed with fields of the gateway's, on a connection of its own.
func (c *cluster) own(ctx context.Context, signed http1.Fields, method, path string, content []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, ownWithin)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(ownWithin)); err != nil {
		return err
	}
	head := http1.Request{Method: method, Path: c.prefix + path, Minor: 1, Length: int64(len(content)), Close: true, Fields: http1.Fields{
		{Name: "Host", Value: c.base.Host}, {Name: "User-Agent", Value: "hoop"}, {Name: "Accept", Value: typeJSON},
	}}
	if len(content) > 0 {
		head.Fields = append(head.Fields, http1.Field{Name: "Content-Type", Value: typeJSON})
	}
	head.Fields = append(head.Fields, signed...)
	if _, err := conn.Write(append(http1.AppendRequest(nil, &head), content...)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	a, err := http1.ReadAnswer(r, method)
	if err != nil {
		return err
	}
	if a.Status != 200 && a.Status != 201 {
		return fmt.Errorf("the cluster answers %d", a.Status)
	}
	text, err := io.ReadAll(io.LimitReader(a.Body(r), ownSize))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// labels are those of a namespace, and when they were read.
type labels struct {
	all  map[string]string
	read time.Time
}

// labelsFor is how long they are taken for true.
const labelsFor = 2 * time.Second

// namespaceLabels are those of the namespace that a request is about, where the policy asks for them. Nil: they are not known.
func (c *cluster) namespaceLabels(ctx context.Context, t *Tuple, now *guard.Standing) map[string]string {
	if t.Namespace == "" || now == nil || !now.NamespaceLabels {
		return nil
	}
	c.mu.Lock()
	known, ok := c.labels[t.Namespace]
	c.mu.Unlock()
	if ok && time.Since(known.read) < labelsFor {
		return known.all
	}
	var got struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	begun := time.Now()
	token, err := c.token(ctx)
	if err == nil {
		err = c.own(ctx, bearer(token), "GET", "/api/v1/namespaces/"+t.Namespace, nil, &got)
	}
	if err != nil {
		c.log.Warn("labels of a namespace not read", "namespace", t.Namespace, "error", err)
		return nil
	}
	if got.Metadata.Labels == nil {
		got.Metadata.Labels = map[string]string{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.labels) > 1000 {
		clear(c.labels)
	}
	c.labels[t.Namespace] = labels{got.Metadata.Labels, begun}
	return got.Metadata.Labels
}
