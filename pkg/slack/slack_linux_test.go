package slack_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hoop-gateway/hoop/pkg/slack"
)

const asked = "HOOP_TEST_SLACK"

func TestMain(m *testing.M) {
	if os.Getenv(asked) != "" {
		slack.Widen()
		tell()
	}
	os.Exit(m.Run())
}

// tell says what a program is like that has widened its slack, and ends it.
func tell() {
	typed, _ := io.ReadAll(os.Stdin)
	fmt.Printf("pid %d, args %q, typed %q", os.Getpid(), os.Args[1:], typed)
	slacks := make(chan int)
	for range 4 { // each on a thread of its own, since all are locked until the process ends
		go func() {
			runtime.LockOSThread()
			now, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
			slacks <- now
			select {}
		}()
	}
	for range 4 {
		fmt.Printf(", slack %d", <-slacks)
	}
	child := exec.Command("cat", "/proc/self/timerslack_ns")
	var told strings.Builder
	child.Stdout = &told
	err := errors.Join(slack.Narrow(child.Start), child.Wait())
	fmt.Printf(", child %s %v", strings.TrimSpace(told.String()), err)
	os.Exit(0)
}

func TestAllThreadsOfTheSameProcessHaveTheSlack(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "serve", "--config", "a b")
	cmd.Env = append(os.Environ(), asked+"=1")
	cmd.Stdin = strings.NewReader("words")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	wide := fmt.Sprintf(", slack %d", slack.Wide)
	if want := fmt.Sprintf("pid %d, args %q, typed %q", cmd.Process.Pid, []string{"serve", "--config", "a b"}, "words") + strings.Repeat(wide, 4) + ", child 50000 <nil>"; out.String() != want {
		t.Errorf("it said %s\nnot        %s", out.String(), want)
	}
}
