package sshhost_test

import (
	"strings"
	"testing"
)

// TestALineIsNoTransfer has line mode run what scp, rsync and git run at hosts: as a line its paths are not looked up at the
// host, and what it does is not judged one by one.
func TestALineIsNoTransfer(t *testing.T) {
	dir := scene(t)
	rules := strings.Replace(logsOnly(dir), "[sftp, scp]", "[sftp, scp, rsync, git]", 1) +
		"  - {name: look, effects: [read, write, session], ssh: {channels: [lines]}, verdict: allow}\n" +
		"  - {name: general, effects: [read, write, session], verdict: allow}\n"
	s := open(t, rules)
	before := tree(t, dir)
	for _, line := range []string{
		"scp -f " + dir + "/log/leak", "scp -t " + dir + "/log/far", "rsync --server --sender -re.iLsfxCIvu . " + dir + "/log/far/", "git-upload-pack " + dir + "/log/leak",
	} {
		for _, lines := range []string{line + "\n", "cd " + dir + "/log\n" + line + "\n"} {
			got := s.shell(t, false, lines)
			if got.status != 126 || !strings.Contains(got.errs, "hoop: ") {
				t.Errorf("%q: %+v", lines, got)
			}
			if strings.Contains(serverLog(t), line) || strings.Contains(serverLog(t), strings.Fields(line)[0]+" -") {
				t.Errorf("%q reached the host", lines)
			}
		}
	}
	if got := tree(t, dir); got != before {
		t.Errorf("something changed: %s", got)
	}
}

// TestAPathThatIsNotKnownIsDeniedWhereAnyIs clones from "~user", which only git itself can tell.
func TestAPathThatIsNotKnownIsDeniedWhereAnyIs(t *testing.T) {
	for what, rules := range map[string]string{
		"paths":   "  - {name: not, files: {paths: [/root, /root/*]}, verdict: deny}\n",
		"objects": "  - {name: not, effects: [read, write, delete], objects: [/root, /root/*], verdict: deny}\n",
	} {
		s := open(t, strings.TrimRight(filesPolicy, "\n")+"\n"+rules)
		line := "git-upload-pack '~root/unknown-" + what + ".git'"
		got := s.run(t, line)
		if got.status != 126 || strings.Contains(serverLog(t), "unknown-"+what) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
