package sshhost

import (
	"slices"
	"strings"
)

// rsyncTransfer reads `rsync --server [--sender] FLAGS . PATH…`. Flags that run programs, name other paths, follow links out
// of what is named, or are not known make it unclear.
func rsyncTransfer(words []string) *transfer {
	if words[1] != "--server" {
		return nil
	}
	t := &transfer{channel: "rsync", words: words, write: true}
	i := 2
	if i < len(words) && words[i] == "--sender" {
		t.write = false
		i++
	}
	for ; i < len(words) && words[i] != "."; i++ {
		if !t.rsyncFlag(words[i]) {
			t.unclear = true
		}
	}
	if i >= len(words)-1 {
		t.unclear = true
		return t
	}
	for i++; i < len(words); i++ {
		if words[i] == "" || strings.HasPrefix(words[i], "-") {
			t.unclear = true
		}
		t.places = append(t.places, i)
	}
	return t
}

// rsyncFlag takes a flag, and says whether it was reviewed.
func (t *transfer) rsyncFlag(flag string) bool {
	name, value, valued := strings.Cut(flag, "=")
	switch {
	case !strings.HasPrefix(flag, "--") && strings.HasPrefix(flag, "-"):
		return rsyncLetters(flag[1:])
	case slices.Contains([]string{"--delete", "--delete-before", "--delete-during", "--delete-delay", "--delete-after", "--delete-excluded", "--delete-missing-args", "--remove-source-files"}, flag):
		t.deletes = true
		return true
	case !valued:
		return slices.Contains([]string{
			"--numeric-ids", "--partial", "--inplace", "--append", "--append-verify", "--size-only", "--existing", "--ignore-existing", "--ignore-times",
			"--ignore-errors", "--force", "--stats", "--safe-links", "--munge-links", "--no-r", "--no-relative", "--no-implied-dirs", "--dirs", "--fuzzy",
			"--delay-updates", "--no-W", "--no-whole-file", "--open-noatime", "--sparse", "--new-compress", "--old-compress", "--prune-empty-dirs", "--no-i-r", "--mkpath",
		}, flag)
	case slices.Contains([]string{"--max-size", "--min-size", "--modify-window", "--bwlimit", "--timeout", "--compress-level", "--max-delete", "--block-size", "--checksum-seed", "--max-alloc"}, name):
		return value != "" && strings.Trim(value, "0123456789.kKmMgGbB-") == ""
	case slices.Contains([]string{"--log-format", "--out-format"}, name):
		return value != "" && strings.Trim(value, "%iIoX") == ""
	case slices.Contains([]string{"--compress-choice", "--checksum-choice"}, name):
		return value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789,") == ""
	}
	return false
}

// rsyncLetters says whether all of a flag's letters were reviewed. Behind "e." stand letters that tell what the client's
// version can do; "e" before anything else names a program.
func rsyncLetters(letters string) bool {
	letters, can, told := strings.Cut(letters, "e.")
	if told && strings.Trim(can, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		return false
	}
	return letters+can != "" && strings.Trim(letters, "vqlogDtprcuznIWHSxdmAXUNbyO") == ""
}
