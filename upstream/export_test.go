package upstream

// AwaitClockAnswers returns when no question of FollowClocks is in flight. Call it while FollowClocks waits for its next tick.
func (w *WordPress) AwaitClockAnswers() { w.asking.Wait() }
