package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// Where the images are pinned, and what is known of those that are no Go modules.
const (
	composeFile = "deploy/compose/compose.yaml"
	imagesFile  = "deploy/outdated/images.txt"
)

// known is one line of images.txt.
type known struct{ newest, at, where string }

// reportImages compares each image but our own. Prometheus 3.16.0 is the module's v0.316.0.
func reportImages(w io.Writer, run list, now time.Time) error {
	pinned, err := pinnedImages(composeFile)
	if err != nil {
		return err
	}
	table, err := knownImages(imagesFile)
	if err != nil {
		return err
	}
	for _, image := range pinned {
		name, version, _ := strings.Cut(image, ":")
		if name == "prom/prometheus" {
			all, err := versions(run, "github.com/prometheus/prometheus")
			if err != nil {
				return err
			}
			say(w, name, version, regexp.MustCompile(`^v0\.3(\d\d)\.`).ReplaceAllStringFunc(lastRelease(all), asServer), composeFile)
			continue
		}
		k, listed := table[name]
		switch at, err := time.Parse(time.DateOnly, k.at); {
		case !listed:
			fmt.Fprintf(w, "unknown %s %s: it is not in %s\n", name, version, imagesFile)
		case err != nil:
			return fmt.Errorf("%s: %s: %w", imagesFile, name, err)
		case now.Sub(at) > lookedUp:
			fmt.Fprintf(w, "unknown %s %s: last looked up %s, in %s\n", name, version, k.at, k.where)
		default:
			say(w, name, version, k.newest, "looked up "+k.at+", "+k.where)
		}
	}
	return nil
}

// asServer turns the beginning of a version of the module, v0.316., into that of the server, v3.16.
func asServer(module string) string {
	return "v3." + strings.TrimPrefix(strings.TrimPrefix(module, "v0.3"), "0")
}

func pinnedImages(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var images []string
	for _, m := range regexp.MustCompile(`(?m)^ +image: ([a-z/-]+:\S+)$`).FindAllSubmatch(text, -1) {
		images = append(images, string(m[1]))
	}
	return images, nil
}

func knownImages(file string) (map[string]known, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	table := map[string]known{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && !strings.HasPrefix(line, "#") {
			table[f[0]] = known{newest: f[1], at: f[2], where: strings.Join(f[3:], " ")}
		}
	}
	return table, nil
}
