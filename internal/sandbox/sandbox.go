// Package sandbox puts a tool that runs containers into mount and network
// namespaces of its own, so that a machine's mounts, links and firewall are
// never touched by a test, a benchmark or a picture.
package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// HostNet is the descriptor of the network namespace the program came from,
// in the process that Inside is true for.
const HostNet = 3

const insideEnv = "GANTRY_SANDBOX"

// Inside reports whether this process stands in its own namespaces.
func Inside() bool { return os.Getenv(insideEnv) != "" }

// Run runs this program again, inside, and returns its exit code. It needs
// root.
func Run() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "needs root for mount and network namespaces")
		return 1
	}
	host, err := os.Open("/proc/self/ns/net")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer host.Close()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{host}
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// Prepare makes the namespaces fit for use: mounts made here stay here, and
// the loopback link is up.
func Prepare() error {
	unix.CloseOnExec(HostNet)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keeping mounts to ourselves: %w", err)
	}
	return loopbackUp()
}

// loopbackUp sets lo up by ioctl, see netdevice(7).
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("setting the loopback link up: %w", err)
	}
	return nil
}
