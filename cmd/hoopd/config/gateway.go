package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

func (d *decoder) gateway(n *strict.Node, g *Gateway) {
	apart := d.Later("a gateway that runs apart", "leave it out: in `hoopd serve` the gateway shares broker.listen")
	d.Mapping(n, "gateway", strict.Fields{
		"listen":           apart,
		"public_addresses": apart,
		"recordings":       func(n *strict.Node) { d.recordings(n, g) },
		"metrics": func(n *strict.Node) {
			d.listen(&g.Metrics)(n)
			if g.Metrics != "" && !IsLoopback(g.Metrics) {
				d.warn(n, "metrics are served without TLS and sign-in to whoever reaches "+g.Metrics, "listen on 127.0.0.1")
			}
		},
	})
}

func (d *decoder) recordings(n *strict.Node, g *Gateway) {
	d.Mapping(n, "recordings", strict.Fields{
		"store": func(n *strict.Node) { g.Recordings = d.recordingStore(n) },
		"results": func(n *strict.Node) {
			if size, ok := resultCap(d.Text(n)); ok {
				g.ResultCap = size
				return
			}
			d.Report(n, fmt.Sprintf("%q is not how much of a command's results to keep", n.Text), "write full, or a size like 64KiB or 1MiB; 0 keeps none")
		},
		"recipients": d.Later("encryption of recordings", "leave it out, and keep the folder private"),
		"keep":       d.Later("deletion of old recordings", "leave it out: recordings are kept"),
	})
}

func (d *decoder) recordingStore(n *strict.Node) string {
	text := d.Text(n)
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "file" && rest != "":
		return d.abs(strings.TrimPrefix(rest, "//"))
	case scheme == "s3":
		d.Later("a store in S3", "write file:PATH")(n)
	default:
		d.Report(n, "this is not a place for recordings", "write file:PATH")
	}
	return ""
}

// resultCap reads `full` or a size in bytes: 4096, 64KiB, 1MiB, 1GiB.
func resultCap(text string) (int64, bool) {
	if text == "full" {
		return unlimited, true
	}
	unit := int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = rest, size
			break
		}
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 || size > math.MaxInt32 {
		return 0, false
	}
	return size * unit, true
}
