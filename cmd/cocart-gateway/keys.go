package main

import "github.com/spf13/cobra"

func keysCommand(t terminal) *cobra.Command {
	return group("keys", "Make and list the keys that sign tokens", groupOperate, keysGenerateCommand(t), keysListCommand(t))
}
