package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// trust adds to conf the authorities that are kept for a host, and returns the
// certificates to show to it: those of its ca key, then of each certs.d
// directory that has one for it.
func (c Config) trust(host string, conf *tls.Config) ([]tls.Certificate, error) {
	var certificates []tls.Certificate
	dirs := []string{}
	if ca := c.Hosts[host].CA; ca != "" {
		fi, err := os.Stat(ca)
		if err != nil {
			return nil, fmt.Errorf("certificates of %s: %w", host, err)
		}
		if fi.IsDir() {
			dirs = append(dirs, ca)
		} else if err := addRoots(conf, ca); err != nil {
			return nil, fmt.Errorf("certificates of %s: %w", host, err)
		}
	}
	for _, dir := range c.CertDirs {
		dirs = append(dirs, filepath.Join(dir, host))
	}
	for _, dir := range dirs {
		found, err := readCerts(conf, dir)
		if err != nil {
			return nil, fmt.Errorf("certificates of %s: %w", host, err)
		}
		certificates = append(certificates, found...)
	}
	return certificates, nil
}

// readCerts reads a directory as Docker has them: *.crt are authorities, *.cert
// with a *.key of the same name certificates of ours.
func readCerts(conf *tls.Config, dir string) ([]tls.Certificate, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var certificates []tls.Certificate
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(path) {
		case ".crt":
			if err := addRoots(conf, path); err != nil {
				return nil, err
			}
		case ".cert":
			key := strings.TrimSuffix(path, ".cert") + ".key"
			pair, err := tls.LoadX509KeyPair(path, key)
			if err != nil {
				return nil, fmt.Errorf("%s with %s: %w", path, key, err)
			}
			certificates = append(certificates, pair)
		}
	}
	return certificates, nil
}

// addRoots trusts the authorities in a file besides the system's.
func addRoots(conf *tls.Config, path string) error {
	pem, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	roots := conf.RootCAs
	if roots == nil {
		if roots, err = x509.SystemCertPool(); err != nil {
			roots = x509.NewCertPool()
		}
	} else {
		roots = roots.Clone()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	conf.RootCAs = roots
	return nil
}
