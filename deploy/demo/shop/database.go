package shop

import (
	"context"
	"net"
	"time"
)

// createDatabase makes MariaDB's own tables. It is done under another name first, so that a start
// that was interrupted leaves nothing that looks complete.
func (s *Shop) createDatabase(ctx context.Context) error {
	if s.place.exists("db") {
		return nil
	}
	s.config.Progress("creating a MariaDB data directory")
	if err := s.place.remove("db.next"); err != nil {
		return err
	}
	if err := s.place.makeTheirs("db.next"); err != nil {
		return err
	}
	err := s.work(ctx, "creating the data directory of MariaDB", installDB, "--no-defaults", "--datadir="+s.place.path("db.next"),
		"--auth-root-authentication-method=socket", "--auth-root-socket-user="+s.place.User,
		"--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M")
	if err != nil {
		return err
	}
	return s.place.root.Rename("db.next", "db")
}

func (s *Shop) startDatabase(ctx context.Context) error {
	s.config.Progress("starting MariaDB")
	socket := s.place.path("run/mysql.sock")
	if err := s.place.remove("run/mysql.sock", "run/mysql.pid"); err != nil {
		return err
	}
	var err error
	s.database, err = s.spawn("mariadbd", mariadbd, "--defaults-file="+s.place.path("etc/my.cnf"))
	if err != nil {
		return err
	}
	return s.database.Ready(ctx, func() bool { return greets(socket) })
}

// greets reports whether MariaDB offers its handshake (protocol version 10), which it does only
// after it has recovered and read init.sql.
func greets(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	header := make([]byte, 5)
	n, _ := conn.Read(header)
	return n == 5 && header[4] == 10
}
