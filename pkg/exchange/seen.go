package exchange

import (
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// hidden stands in recordings for what the detectors could not look at.
const hidden = "(hidden)"

// SeenQuery is a query as recordings hold it: as it was sent, but for values in which detectors find something. They would not
// find it under the encoding of a query.
func (q *Request) SeenQuery(query string) string {
	scan := q.session.gate.Scan()
	if scan == nil || query == "" {
		return query
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			pairs[i] = name + "=" + hidden
			continue
		}
		if seen := seen(scan, plain); seen != plain {
			pairs[i] = name + "=" + url.QueryEscape(seen)
		}
	}
	return strings.Join(pairs, "&")
}

// SeenPath is a path as recordings hold it, segment by segment in the same way.
func (q *Request) SeenPath(path string) string {
	scan := q.session.gate.Scan()
	if scan == nil || !strings.Contains(path, "%") {
		return path
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			parts[i] = hidden
		} else if seen := seen(scan, plain); seen != plain {
			parts[i] = url.PathEscape(seen)
		}
	}
	return strings.Join(parts, "/")
}

func seen(scan *guard.Scan, text string) string {
	out, err := scan.Text(text)
	if err != nil {
		return hidden
	}
	return out
}
