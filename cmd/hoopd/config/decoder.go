package config

import (
	"fmt"
	"path/filepath"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// decoder reads nodes into a Config.
type decoder struct {
	*strict.Reader
	dir      string // relative file names are relative to it
	warnings []Problem
}

// document reads the file. Load stops reading behind the limit, so the file's true size can't be told.
func (d *decoder) document(data []byte) *strict.Node {
	if len(data) > strict.MaxFile {
		d.Report(nil, fmt.Sprintf("the file is larger than %d bytes", strict.MaxFile), "")
		return nil
	}
	return d.Document(data)
}

func (d *decoder) warn(n *strict.Node, message, hint string) {
	d.warnings = append(d.warnings, n.Problem(d.File, message, hint))
}

// needs tells which of the keys are missing.
func (d *decoder) needs(n *strict.Node, what string, keys ...string) {
	if n.Kind != strict.Mapping {
		return
	}
	for _, key := range keys {
		if !n.Has(key) {
			d.Report(n, fmt.Sprintf("%s needs the key %q", what, key), "")
		}
	}
}

// path stores a file name, made absolute from the folder of the file.
func (d *decoder) path(s *string) func(*strict.Node) {
	return func(n *strict.Node) { *s = d.abs(d.Text(n)) }
}

func (d *decoder) abs(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

func (d *decoder) strings(s *[]string) func(*strict.Node) {
	return func(n *strict.Node) { d.Each(n, func(n *strict.Node) { *s = append(*s, d.Text(n)) }) }
}

// texts reads a mapping of names to texts whose keys are the user's own.
func (d *decoder) texts(m *map[string]string, what string) func(*strict.Node) {
	return func(n *strict.Node) {
		*m = map[string]string{}
		d.Free(n, what, func(key string, value *strict.Node) { (*m)[key] = d.Text(value) })
	}
}

func (d *decoder) boolean(b *bool) func(*strict.Node) {
	return func(n *strict.Node) {
		if n.Kind != strict.Scalar || n.Text != "true" && n.Text != "false" {
			d.Report(n, "true or false is needed here", "")
			return
		}
		*b = n.Text == "true"
	}
}

// secret reads where a secret comes from. The value itself never stands in the file.
func (d *decoder) secret(s *credential.Source, what string) func(*strict.Node) {
	return func(n *strict.Node) {
		if n.Kind == strict.Scalar {
			d.Report(n, what+" never stands in this file", "write {file: PATH}, {env: NAME} or {exec: [PROGRAM, ARGS…]}")
			return
		}
		ok := d.Mapping(n, what, strict.Fields{"env": d.Into(&s.Env), "file": d.path(&s.File), "exec": d.strings(&s.Exec)})
		if ok {
			if err := s.Check(); err != nil {
				d.Report(n, err.Error(), "")
			}
		}
	}
}
