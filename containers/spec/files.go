package spec

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"gantry/containers"
	"gantry/containers/runtime"
)

// etcFiles are the files each container gets of its own.
var etcFiles = [...]string{"hosts", "hostname", "resolv.conf"}

// etcMounts bind them, except where the container mounts something itself.
func etcMounts(dir string, taken map[string]bool) []runtime.Mount {
	var out []runtime.Mount
	for _, name := range etcFiles {
		if dest := "/etc/" + name; !taken[dest] {
			out = append(out, runtime.Mount{
				Source: filepath.Join(dir, name), Destination: dest, Type: "bind", Options: []string{"rbind", "rprivate"},
			})
		}
	}
	return out
}

func writeFiles(rec containers.Record, in In, hostname string) error {
	resolv := in.ResolvConf
	if resolv == nil {
		resolv, _ = os.ReadFile("/etc/resolv.conf")
	}
	if err := writeFile(in.ContainerDir, "resolv.conf", resolv); err != nil {
		return err
	}
	if err := writeFile(in.ContainerDir, "hostname", []byte(hostname+"\n")); err != nil {
		return err
	}
	if rec.Host.NetworkMode == "host" {
		hosts, err := os.ReadFile("/etc/hosts")
		if err == nil {
			return writeFile(in.ContainerDir, "hosts", hosts)
		}
	}
	return WriteHosts(in.ContainerDir, hostname, netip.Addr{})
}

// WriteHosts writes a container's /etc/hosts, in place: a running container
// has the file mounted. An address that is not valid yet is left out.
func WriteHosts(containerDir, hostname string, addr netip.Addr) error {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\n" +
		"ff00::\tip6-mcastprefix\n" +
		"ff02::1\tip6-allnodes\n" +
		"ff02::2\tip6-allrouters\n")
	if addr.IsValid() {
		fmt.Fprintf(&b, "%s\t%s\n", addr, hostname)
	}
	return writeFile(containerDir, "hosts", []byte(b.String()))
}

// writeFile keeps the inode, and makes the file readable to everybody in the
// container whatever our umask.
func writeFile(dir, name string, text []byte) error {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	return os.Chmod(file, 0o644)
}
