package applets

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"time"
)

// Path of the binary inside the image.
const toolbox = "bin/gantry-toolbox"

// Layer writes the single layer of the image gantry/toolbox as an
// uncompressed tar: the binary at path self, a link per program, and the few
// files a root file system needs. The same binary gives the same bytes.
func Layer(w io.Writer, self string) error {
	f, err := os.Open(self)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	l := &layerWriter{tar.NewWriter(w)}
	for _, d := range []string{"bin/", "etc/", "root/", "tmp/", "usr/", "usr/bin/", "var/", "var/tmp/"} {
		if err := l.dir(d); err != nil {
			return err
		}
	}
	if err := l.header(tar.Header{Name: toolbox, Typeflag: tar.TypeReg, Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.CopyN(l.tw, f, info.Size()); err != nil {
		return fmt.Errorf("copying %s: %w", self, err)
	}
	for _, name := range Names() {
		if err := l.link("bin/"+name, "gantry-toolbox"); err != nil {
			return err
		}
	}
	if err := l.link("usr/bin/env", "/bin/env"); err != nil {
		return err
	}
	for _, file := range []struct{ name, content string }{
		{"etc/group", "root:x:0:\nnogroup:x:65534:\n"},
		{"etc/os-release", "NAME=\"Gantry toolbox\"\nID=gantry-toolbox\nPRETTY_NAME=\"Gantry toolbox\"\n"},
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
		{"etc/profile", "export PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}\n"},
	} {
		if err := l.file(file.name, file.content); err != nil {
			return err
		}
	}
	return l.tw.Close()
}

type layerWriter struct{ tw *tar.Writer }

func (l *layerWriter) header(h tar.Header) error {
	h.ModTime = time.Unix(0, 0)
	h.Format = tar.FormatUSTAR
	return l.tw.WriteHeader(&h)
}

func (l *layerWriter) dir(name string) error {
	mode := int64(0o755)
	switch name {
	case "tmp/", "var/tmp/":
		mode = 0o1777
	case "root/":
		mode = 0o700
	}
	return l.header(tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode})
}

func (l *layerWriter) link(name, target string) error {
	return l.header(tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777})
}

func (l *layerWriter) file(name, content string) error {
	if err := l.header(tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := io.WriteString(l.tw, content)
	return err
}
