package argv_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/argv"
)

func TestATableSpeaksOfItsProgramsByWhateverPath(t *testing.T) {
	for name, want := range map[string]bool{
		"ls": true, "/bin/ls": true, "/opt/x/ls": true, "sudo": true, "sudo ls": true, "systemctl edit": true, "env x": true, "vim x": true, "find x": true,
		"kubectl get pods": true, "git remote add": true, "sudo a b c": true,
		"appctl": false, "/opt/x/appctl": false, "appctl restart": false, "systemctl soft-reboot": false, "git absorb": false,
	} {
		if got := argv.Reviewed().Speaks(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzTable: whatever entries are taken, a program of theirs never passes without an effect.
func FuzzTable(f *testing.F) {
	for _, text := range []string{
		"x : read\n\t-v --json\n\t-o: = write\n", "x : session wrap skip=1 bare=read\n", "x : read\n\toperand a* = read\n\t#2 = write\n\tneeds -a with -b = delete\n",
		"x : read any\n", "x : admin\n\tonly -l = read\n\tform list * = read\n\tnone = read\n", "x : read\nx y : write inherit\n", "x : read sed\n", "x : read find\n", "x : session shell\n",
	} {
		f.Add(text, "x -v a b")
		f.Add(text, "x y --json=1 -o f")
	}
	f.Fuzz(func(t *testing.T, text, command string) {
		own, err := argv.Reviewed().With(text)
		if err != nil {
			return
		}
		l, err := argv.Parse(command, argv.Limits{})
		if err != nil {
			return
		}
		found := own.Judge(l, argv.Setting{})
		if len(found.Accesses) == 0 {
			t.Fatalf("%q has no effect with %q", command, text)
		}
		for _, a := range found.Accesses {
			switch a.Effect {
			case argv.Read, argv.Write, argv.Delete, argv.Privilege, argv.Execute, argv.Transfer, argv.Session, argv.Admin, argv.Unknown:
			default:
				t.Fatalf("%q has the effect %q", command, a.Effect)
			}
		}
	})
}
