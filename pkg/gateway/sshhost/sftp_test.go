package sshhost_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const filesPolicy = `
version: 1
rules:
  - {name: files, effects: [read, write, delete, privilege], ssh: {channels: [sftp, scp, rsync, git]}, verdict: allow}
`

// sample is a folder with files of several sizes, folders and a link.
func sample(t testing.TB) string {
	t.Helper()
	dir := place(t)
	big := make([]byte, 3<<20+17)
	_, err := rand.Read(big)
	must(t, err)
	for name, content := range map[string][]byte{
		"empty": nil, "small": []byte("hello\n"), "big": big, "deep/er/file": []byte("x"), "a name with spaces": []byte("y"), "ümläut": []byte("z"), "script": []byte("#!/bin/sh\n"),
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	must(t, os.Chmod(filepath.Join(dir, "script"), 0o755))
	return dir
}

func TestProgramsCarryFilesAsTheyDoWithoutHoop(t *testing.T) {
	door, straight := openDoor(t, filesPolicy), direct(t)
	from := sample(t)
	sum := strings.Fields(tree(t, filepath.Join(from, "big")))[2]
	for _, c := range []struct{ name, up, down string }{
		{"sftp", "sftp -q -F CONFIG -b - web <<put -r FROM/. TO", "sftp -q -F CONFIG -b - web <<get -r FROM/. TO"},
		{"scp", "scp -q -F CONFIG -r FROM/. web:TO", "scp -q -F CONFIG -r web:FROM/. TO"},
		{"scp -p", "scp -q -p -F CONFIG -r FROM/. web:TO", "scp -q -p -F CONFIG -r web:FROM/. TO"},
		{"scp -O", "scp -O -q -F CONFIG -r FROM web:TO", "scp -O -q -F CONFIG -r web:FROM TO"},
		{"scp -O -p", "scp -O -q -p -F CONFIG -r FROM/big FROM/script FROM/deep web:TO", "scp -O -q -p -F CONFIG -r web:FROM/big web:FROM/deep web:FROM/script TO"},
		{"scp -O of one", "scp -O -q -F CONFIG FROM/big web:TO/other", "scp -O -q -F CONFIG web:FROM/big TO/other"},
		{"rsync -a", "rsync -e SSH -a --delete FROM/ web:TO/", "rsync -e SSH -a web:FROM/ TO/"},
		{"rsync -rz", "rsync -e SSH -rz FROM web:TO", "rsync -e SSH -rz web:FROM/big web:FROM/deep TO"},
	} {
		for way, line := range map[string]string{"up": c.up, "down": c.down} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				got, want := place(t), place(t)
				give(t, got)
				give(t, want)
				for config, to := range map[string]string{door.config: got, straight: want} {
					text := strings.NewReplacer("CONFIG", config, "FROM", from, "TO", to).Replace(line)
					line, stdin, _ := strings.Cut(text, " <<")
					words := strings.Fields(line)
					for i := range words {
						words[i] = strings.Replace(words[i], "SSH", "ssh -F "+config, 1)
					}
					if out, code := runProgram(t, stdin, words[0], words[1:]...); code != 0 {
						t.Fatalf("%s: exit %d: %s", line, code, out)
					}
				}
				if a, b := tree(t, got), tree(t, want); a != b || !strings.Contains(a, sum) {
					t.Errorf("through hoop:\n%s\ndirect:\n%s", a, b)
				}
			})
		}
	}
}
