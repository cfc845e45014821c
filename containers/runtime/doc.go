// Package runtime starts, watches and removes namespaced processes. It is the
// only importer of runc's libcontainer and cgroups and hides both behind types
// of its own. It knows no image, record, network or log; it is told a Spec and
// applies Gantry's security profile to it.
//
// The order of a container's life:
//
//	Create ─► CgroupPaths (write the intent) ─► Start ─► wire the network by Pid
//	       ─► Release (the user's program runs) ─► Wait ─► OOMKilled ─► Destroy
//
// The process that called Start must live as long as the container: the kernel
// kills the container when it dies. What it leaves behind then is CleanUp's.
package runtime
