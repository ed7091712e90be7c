package main

import (
	"os"
	"path/filepath"
	"strings"
)

// trails are the places on the way to files, and their folders.
func trails(files []string) (places, dirs map[string]bool) {
	places, dirs = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		for _, place := range trail(file) {
			places[place] = true
			dirs[filepath.Dir(place)] = true
		}
	}
	return places, dirs
}

const mostLinks = 40 // as Linux has it (path_resolution(7))

// trail lists where path leads to: the file itself, and each symbolic link that was followed, in whatever part of the
// path, as a name in a folder that is reached without one. A Kubernetes volume has config.yaml → ..data/config.yaml
// and ..data → the folder of the day; only the second ever changes.
func trail(path string) (places []string) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil // without a working directory there is nothing to be watched
	}
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, split(path[len(root):])
	for links := 0; len(rest) > 0; {
		here := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(here)
		switch {
		case err != nil: // what will be here is not known, but it will be here
			return append(places, here)
		case info.Mode()&os.ModeSymlink != 0 && links < mostLinks:
			links++
			places = append(places, here)
			target, err := os.Readlink(here)
			if err != nil {
				return places
			}
			if filepath.IsAbs(target) {
				at, target = root, target[len(root):]
			}
			rest = append(split(target), rest...)
		case len(rest) == 0:
			return append(places, here)
		default:
			at = here
		}
	}
	return places
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c < 0x80 && os.IsPathSeparator(uint8(c)) })
}
