package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// readable says whether what a type says of a body's characters leaves those of ASCII what they are, so that a call in it is read here
// as the service reads it.
func readable(mediaType string) bool {
	if !strings.Contains(strings.ToLower(mediaType), "charset") {
		return true
	}
	_, params, err := mime.ParseMediaType(mediaType)
	return err == nil && slices.Contains([]string{"", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15", "windows-1252"}, strings.ToLower(params["charset"]))
}

// oneType says whether a type is one to all who read it: some look for the word of another anywhere in it, behind semicolons, too.
func oneType(mediaType string) bool {
	small := strings.ToLower(strings.TrimSpace(mediaType))
	if strings.HasPrefix(small, "multipart/") {
		return !strings.Contains(small, "urlencoded")
	}
	return !strings.Contains(small, "multipart")
}

// mirrored answers an error where fields of the Model Context Protocol (SEP-2243), by which something in front of a server may choose
// one, say something else than the body: a method, and of a tool that is called its name.
func mirrored(fields http1.Fields, facts *policy.HTTP) error {
	for _, method := range fields.Values("Mcp-Method") {
		if method != facts.RPC {
			return errors.New("Mcp-Method says something else than the body")
		}
	}
	names := fields.Values("Mcp-Name")
	if len(names) > 1 || facts.Tool == "" && len(names) > 0 && facts.RPC == "" {
		return errors.New("Mcp-Name says something else than the body")
	}
	for _, name := range names {
		if inner, ok := strings.CutPrefix(name, "=?base64?"); ok {
			plain, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(inner, "?="))
			if err != nil {
				return errors.New("Mcp-Name can't be read")
			}
			name = string(plain)
		}
		if facts.Tool != "" && name != facts.Tool {
			return errors.New("Mcp-Name says something else than the body")
		}
	}
	return nil
}

// mistakable says whether a server that does not read the body of such a request could take it for the next one. Many read none of a
// GET, and some none of what they answer early, as they do with redirects and static files. The connection is closed behind such a
// request: then nothing follows it.
func mistakable(method string, body []byte) bool {
	if len(body) == 0 {
		return false
	}
	if effectOf(method) != policy.Write {
		return true
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n \t"), []byte("\n"))
	method, target, _ := strings.Cut(string(line[:min(len(line), 100)]), " ")
	target = strings.TrimLeft(target, " \t")
	return method != "" && target != "" && (target[0] == '/' || target[0] == '*' || strings.Contains(target, ":")) && strings.Trim(method, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
