package sshhost_test

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkCopies carries 256 MiB by real programs, straight and through the gateway without a tunnel, both from and to this machine.
func BenchmarkCopies(b *testing.B) {
	dir := place(b)
	big := filepath.Join(dir, "big")
	f, err := os.Create(big)
	must(b, err)
	must(b, f.Truncate(256<<20))
	must(b, f.Close())
	give(b, dir)
	door, straight := openDoor(b, filesPolicy), direct(b)
	for _, config := range []struct{ name, file string }{{"direct", straight}, {"hoop", door.config}} {
		for _, c := range []struct {
			name  string
			words []string
		}{
			{"scp up", []string{"scp", "-q", "-F", config.file, big, "web:" + dir + "/up"}},
			{"scp down", []string{"scp", "-q", "-F", config.file, "web:" + big, dir + "/down"}},
			{"scp -O up", []string{"scp", "-O", "-q", "-F", config.file, big, "web:" + dir + "/up"}},
			{"scp -O down", []string{"scp", "-O", "-q", "-F", config.file, "web:" + big, dir + "/down"}},
			{"rsync down", []string{"rsync", "-W", "-e", "ssh -F " + config.file, "web:" + big, dir + "/down2"}},
		} {
			b.Run(config.name+" "+c.name, func(b *testing.B) {
				b.SetBytes(256 << 20)
				for b.Loop() {
					_ = os.Remove(dir + "/down2")
					if out, code := runProgram(b, "", c.words[0], c.words[1:]...); code != 0 {
						b.Fatal(out)
					}
				}
			})
		}
	}
}
