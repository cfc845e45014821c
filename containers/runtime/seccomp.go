package runtime

import (
	"runtime"
	"slices"
	"sync"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// scmpNames are the names libcontainer has for architectures, and mobyNames
// those of the profile, by GOARCH.
var (
	scmpNames = map[string]string{"386": "x86", "loong64": "loong64", "mipsle": "mipsel", "mips64le": "mipsel64"}
	mobyNames = map[string]string{"386": "x86", "loong64": "loongarch64"}
)

func nameIn(names map[string]string, arch string) string {
	if n, ok := names[arch]; ok {
		return n
	}
	return arch
}

// profile is made once; nothing changes it.
var profile = sync.OnceValue(moby.DefaultProfile)

// seccompOf is moby's default profile, resolved for our capabilities, for the
// image's own architecture alone: every further one costs about 12 ms a start.
// A 386 image on amd64 needs both, because the init stage is amd64. There,
// socketcall(2) answers ENOSYS unless allowed: no filter sees its arguments.
func seccompOf(arch string, socketcall bool) *configs.Seccomp {
	if arch == "" {
		arch = runtime.GOARCH
	}
	arches := []string{runtime.GOARCH}
	if arch == "386" && runtime.GOARCH == "amd64" {
		arches = append(arches, arch)
	}
	denied := uint(unix.EPERM)
	out := &configs.Seccomp{DefaultAction: configs.Errno, DefaultErrnoRet: &denied}
	var names []string
	for _, a := range arches {
		out.Architectures = append(out.Architectures, nameIn(scmpNames, a))
		names = append(names, nameIn(mobyNames, a))
	}
	refuse := slices.Contains(arches, "386") && !socketcall
	for _, call := range profile().Syscalls {
		if applies(call, names) {
			out.Syscalls = append(out.Syscalls, rulesOf(call, refuse)...)
		}
	}
	if refuse {
		nosys := uint(unix.ENOSYS)
		out.Syscalls = append(out.Syscalls, &configs.Syscall{Name: "socketcall", Action: configs.Errno, ErrnoRet: &nosys})
	}
	return out
}

// applies tells whether a part of the profile is for these architectures and
// for a container with our capabilities. The oldest kernel Gantry runs on is
// newer than every kernel the profile asks about.
func applies(call *moby.Syscall, arches []string) bool {
	meets := func(a string) bool { return slices.Contains(arches, a) }
	holds := func(c string) bool { return slices.Contains(capabilities, c) }
	if ex := call.Excludes; ex != nil {
		if slices.ContainsFunc(ex.Arches, meets) || slices.ContainsFunc(ex.Caps, holds) || ex.MinKernel != nil {
			return false
		}
	}
	in := call.Includes
	if in == nil {
		return true
	}
	for _, c := range in.Caps {
		if !holds(c) {
			return false
		}
	}
	return len(in.Arches) == 0 || slices.ContainsFunc(in.Arches, meets)
}

func rulesOf(call *moby.Syscall, refuse bool) []*configs.Syscall {
	args := make([]*configs.Arg, len(call.Args))
	for i, a := range call.Args {
		args[i] = &configs.Arg{Index: a.Index, Value: a.Value, ValueTwo: a.ValueTwo, Op: operators[a.Op]}
	}
	rules := make([]*configs.Syscall, 0, len(call.Names))
	for _, name := range call.Names {
		if refuse && name == "socketcall" {
			continue
		}
		rules = append(rules, &configs.Syscall{Name: name, Action: actions[call.Action], ErrnoRet: call.ErrnoRet, Args: args})
	}
	return rules
}

var operators = map[specs.LinuxSeccompOperator]configs.Operator{
	specs.OpEqualTo: configs.EqualTo, specs.OpNotEqual: configs.NotEqualTo,
	specs.OpLessThan: configs.LessThan, specs.OpLessEqual: configs.LessThanOrEqualTo,
	specs.OpGreaterThan: configs.GreaterThan, specs.OpGreaterEqual: configs.GreaterThanOrEqualTo,
	specs.OpMaskedEqual: configs.MaskEqualTo,
}

var actions = map[specs.LinuxSeccompAction]configs.Action{
	specs.ActAllow: configs.Allow, specs.ActErrno: configs.Errno,
}
