package main

import "github.com/spf13/cobra"

func tokensCommand(t terminal) *cobra.Command {
	return group("tokens", "Inspect a token, or make a pair for a user", groupOperate, tokensInspectCommand(t), tokensCreateCommand(t))
}
