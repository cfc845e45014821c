package screens

import (
	"strings"
	"testing"

	"gantry/engine"

	"github.com/google/go-cmp/cmp"
)

func TestParsePort(t *testing.T) {
	tests := []struct {
		in, wantErr string
		want        engine.PortMapping
	}{
		{"80", "", engine.PortMapping{ContainerPort: 80, Proto: "tcp"}},
		{"8080:80", "", engine.PortMapping{HostPort: 8080, ContainerPort: 80, Proto: "tcp"}},
		{"127.0.0.1:53:53/udp", "", engine.PortMapping{HostIP: "127.0.0.1", HostPort: 53, ContainerPort: 53, Proto: "udp"}},
		{"127.0.0.1::80", "", engine.PortMapping{HostIP: "127.0.0.1", ContainerPort: 80, Proto: "tcp"}},
		{"[::1]:8080:80", "", engine.PortMapping{HostIP: "::1", HostPort: 8080, ContainerPort: 80, Proto: "tcp"}},
		{"65536:80", "between 1 and 65535", engine.PortMapping{}},
		{"abc", "between 1 and 65535", engine.PortMapping{}},
		{"80/foo", "use tcp or udp", engine.PortMapping{}},
		{"localhost:80:80", "no IP address", engine.PortMapping{}},
	}
	for _, tt := range tests {
		got, err := parsePort(tt.in)
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("parsePort(%q) = %v, want %q", tt.in, err, tt.wantErr)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("parsePort(%q): %v %s", tt.in, err, diff)
		}
	}
}

func TestParseVolume(t *testing.T) {
	tests := []struct {
		in, wantErr string
		want        engine.Mount
	}{
		{"/data", "", engine.Mount{Type: "volume", Destination: "/data"}},
		{"cache:/var/cache:ro", "", engine.Mount{Type: "volume", Source: "cache", Destination: "/var/cache", ReadOnly: true}},
		{"/srv:/data", "", engine.Mount{Type: "bind", Source: "/srv", Destination: "/data"}},
		{"/a:rel", "absolute path", engine.Mount{}},
		{"./a:/b", "absolute path", engine.Mount{}},
		{"/a:/b:c:d", "should be", engine.Mount{}},
		{"/a:/x/..", "absolute path", engine.Mount{}},
	}
	for _, tt := range tests {
		got, err := parseVolume(tt.in)
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("parseVolume(%q) = %v, want %q", tt.in, err, tt.wantErr)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("parseVolume(%q): %v %s", tt.in, err, diff)
		}
	}
}

func TestInstruction(t *testing.T) {
	for in, want := range map[string]string{
		`/bin/sh -c #(nop)  CMD ["sh"]`:         `CMD ["sh"]`,
		"/bin/sh -c apt-get update":             "RUN apt-get update",
		"RUN /bin/sh -c make # buildkit":        "RUN make",
		"COPY a /b # buildkit":                  "COPY a /b",
		"":                                      "",
		"crafted by something else, unchanged.": "crafted by something else, unchanged.",
	} {
		if got := instruction(in); got != want {
			t.Errorf("instruction(%q) = %q, want %q", in, got, want)
		}
	}
}
