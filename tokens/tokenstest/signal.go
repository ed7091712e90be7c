package tokenstest

import "syscall"

// interrupt lets redis-server save and end.
const interrupt = syscall.SIGTERM
