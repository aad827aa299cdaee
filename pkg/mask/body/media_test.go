package body_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

func TestOnlyTypesThatCanBeLookedAtPass(t *testing.T) {
	none := body.ErrType
	for _, c := range []struct {
		mediaType               string
		paths, detectors, paged error
	}{
		{"application/json", nil, nil, nil},
		{"Application/JSON ; Charset=\"UTF-8\"", nil, nil, nil},
		{"application/problem+json", nil, nil, nil},
		{"text/json", nil, nil, nil},
		{"application/json; charset=utf-16", none, none, none},
		{"application/json; charset=iso-8859-1", none, none, none},
		{"text/event-stream", nil, nil, nil},
		{"application/x-www-form-urlencoded", nil, nil, nil},
		{"text/html; charset=utf-8", none, nil, nil},
		{"text/plain", none, nil, nil},
		{"application/xhtml+xml", none, nil, nil},
		{"text/csv", none, nil, none},
		{"application/xml", none, nil, none},
		{"application/soap+xml", none, nil, none},
		{"image/svg+xml", nil, nil, nil},
		{"image/png", nil, nil, nil},
		{"font/woff2", nil, nil, nil},
		{"text/css", nil, nil, nil},
		{"text/javascript", nil, nil, nil},
		{"application/wasm", nil, nil, nil},
		{"application/yaml", none, none, none},
		{"text/yaml", none, none, none},
		{"application/octet-stream", none, none, none},
		{"application/pdf", none, none, none},
		{"application/zip", none, none, none},
		{"application/cbor", none, none, none},
		{"application/vnd.kubernetes.protobuf", none, none, none},
		{"multipart/form-data; boundary=x", none, none, none},
		{"multipart/byteranges; boundary=x", none, none, none},
		{"text/foo+protobuf", none, none, none},
		{"application/foo+yaml", none, none, none},
		{"", none, none, none},
		{"json", none, none, none},
		{"application/json, text/plain", none, none, none},
		{"application/json; charset", none, none, none},
	} {
		for i, r := range []body.Rules{{Paths: paths(t, "$.a"), Detectors: detectors(t, "redact")}, {Detectors: detectors(t, "redact")}, {Paths: paths(t, "$.a"), Pages: true}} {
			f, err := body.New(c.mediaType, r)
			want := []error{c.paths, c.detectors, c.paged}[i]
			if !errors.Is(err, want) || (f == nil) != (want != nil) {
				t.Errorf("%q with rules %d: %v, not %v", c.mediaType, i, err, want)
			}
		}
	}
	if _, err := body.New("application/json", body.Rules{Paths: make([]body.Path, 1)}); err == nil {
		t.Error("an empty path is taken")
	}
	if _, err := body.New("application/json", body.Rules{Paths: paths(t, "$.a"), As: 99}); err == nil {
		t.Error("values are shown as something unknown")
	}
}

func TestDataUnderAnotherNameIsRefused(t *testing.T) {
	rules := body.Rules{Paths: paths(t, "$.ssn"), Pages: true}
	for _, mediaType := range []string{"image/png", "text/javascript", "text/css", "text/html", "text/plain", "image/svg+xml"} {
		for _, text := range []string{
			`{"ssn":"canary"}`, "\n\t [{}]", "\xEF\xBB\xBF {}", "\xFE\xFF\x00{", "\xFF\xFE{\x00", "{\x00\"\x00", "\x00{\x00\"", "\x00\x00\x00{\x00\x00\x00\"", "\xEF\xBB\xBF" + strings.Repeat(" ", 600) + "{", `cb({"ssn":"canary"})`, "/**/ a.b$1([ {\n \"ssn\":1}]);",
			`/**/ typeof a[0] === 'function' && a[0]({"ssn":"canary"});`, `a[0]({"ssn":"canary"})`, `cb([["canary","078-05-1120"]]);`, `cb( 200 , {"ssn":"canary"})`, `({"ssn":"canary"})`,
			`cb({}),x({"ssn":"canary"})`, strings.Repeat("a", 3000) + `({"ssn":"canary"})`, "/*" + strings.Repeat("a", 3000) + `*/cb({"ssn":"canary"})`, "// x\ncb({\"ssn\":\"canary\"})", `!cb({"ssn":"canary"})`,
			")]}'\n{\"ssn\":\"canary\"}", ")]}',\n[\"canary\"]", `for(;;);{"ssn":"canary"}`, `while(1);["canary"]`, `while(1);{"ssn":"canary"}`, "throw 1; <dont be evil>;{\"ssn\":\"canary\"}",
			`/* x */ typeof cb === 'function' && cb({"ssn":"canary"});`, `;cb({"a":1})`, strings.Repeat(" ", 600) + `{"ssn":"canary"}`,
		} {
			if got, err := everySplit(t, mediaType, rules, text); !errors.Is(err, body.ErrMalformed) || strings.Contains(got, "canary") {
				t.Errorf("%s: %q became %q, %v", mediaType, text, got, err)
			}
		}
		for _, text := range []string{
			"require([\"a\",\"b\"],function(a){})", "webpackJsonp([0],{\"a\":function(){}})", "init({})", "for(var i=0;;){\"a\"}", "while(x){f(\"a\")}", "cb(1,2)", "f([])", "/*! " + strings.Repeat("licence ", 200) + "*/var a=1",
			"", "\x89PNG\r\n\x1a\n\x00\x00", "<!doctype html><p>x", "(()=>{\"use strict\"})()", `"use strict";var a={"b":1}`, "define([\"a\"],function(){})", "import{a}from\"b\"", "/*! x */!function(){}()",
			"body{color:red}", "not found\n", "webpackJsonp([1],{2:function(){}})", "GIF89a{", strings.Repeat("a", 2000), strings.Repeat(" \n", 300) + "<p>", "/* {\"a\":1}",
		} {
			if got, err := everySplit(t, mediaType, rules, text); err != nil || got != text {
				t.Errorf("%s: %q became %q, %v", mediaType, text, got, err)
			}
		}
	}
}

func TestTextIsLookedAt(t *testing.T) {
	r := body.Rules{Detectors: detectors(t, "redact"), Secrets: body.NewSecrets("s3cr3t-token")}
	text := "<p>card 4111 1111 1111 1111, mail a@b.example.com, token s3cr3t-token</p>"
	for _, mediaType := range []string{"text/html", "text/plain", "text/csv", "application/xml", "image/svg+xml"} {
		if got, err := everySplit(t, mediaType, r, text); got != "<p>card ***, mail ***, token ***</p>" || err != nil {
			t.Errorf("%s: %q, %v", mediaType, got, err)
		}
	}
	r.Paths, r.Pages = paths(t, "$.a"), true
	if got, err := everySplit(t, "text/html", r, text); got != "<p>card ***, mail ***, token ***</p>" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := everySplit(t, "text/javascript", r, "var a='a@b.example.com s3cr3t-token'"); got != "var a='a@b.example.com ***'" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
