package certs

import (
	"log/slog"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// acmeLog has what the library for certificates complains of in our log, as warnings: what failed is ours to say. Much
// of it is nowhere else: a folder that cannot be read, a lock that cannot be had, a renewal that went wrong. zap's own
// bridge to slog goes the other way.
type acmeLog struct {
	log    *slog.Logger
	fields []zapcore.Field
}

func newACMELog(log *slog.Logger) *zap.Logger { return zap.New(&acmeLog{log: log}) }

// Enabled leaves out what goes well, of which the library says much.
func (l *acmeLog) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With implements zapcore.Core.
func (l *acmeLog) With(fields []zapcore.Field) zapcore.Core {
	return &acmeLog{l.log, slices.Concat(l.fields, fields)}
}

// Check implements zapcore.Core.
func (l *acmeLog) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if l.Enabled(e.Level) {
		return checked.AddCore(e, l)
	}
	return checked
}

// Write says it with the fields in the order that the library gave them.
func (l *acmeLog) Write(e zapcore.Entry, fields []zapcore.Field) error {
	attributes := []any{"cause", e.Message}
	if e.LoggerName != "" {
		attributes = append(attributes, "part", e.LoggerName)
	}
	for _, f := range slices.Concat(l.fields, fields) {
		one := zapcore.NewMapObjectEncoder()
		f.AddTo(one)
		if v, ok := one.Fields[f.Key]; ok { // an error also has a verbose form, which quotes its stack
			attributes = append(attributes, f.Key, v)
		}
	}
	l.log.Warn("certificate library", attributes...)
	return nil
}

// Sync implements zapcore.Core.
func (l *acmeLog) Sync() error { return nil }
