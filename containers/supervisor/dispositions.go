package supervisor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct of that name, see rt_sigaction(2); all zero
// is the default disposition on every architecture.
type sigaction struct {
	handler, flags, restorer, mask uintptr
}

const (
	sigIgn     = 1
	maxSignal  = 64
	sigsetSize = 8 // bytes
)

// defaultIgnored gives every signal that the caller ignored its default
// disposition back: an ignored signal stays ignored through execve(2), and so a
// script's background job would make containers that cannot be interrupted. It
// asks the kernel, because libc hides the signals it keeps for itself.
func defaultIgnored() {
	for sig := uintptr(1); sig <= maxSignal; sig++ {
		var old, deflt sigaction
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&old)), sigsetSize, 0, 0)
		if errno == 0 && old.handler == sigIgn {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&deflt)), 0, sigsetSize, 0, 0)
		}
	}
}
