// Command check reads a configuration of Envoy with Envoy's own definitions of it, and prints it as JSON, or what is wrong
// with it: unknown names, wrong types, values out of range, extensions that it does not know.
package main

import (
	"errors"
	"fmt"
	"os"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := show(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	var config bootstrap.Bootstrap
	if err := protojson.Unmarshal(asJSON, &config); err != nil {
		return err
	}
	if err := errors.Join(config.ValidateAll(), validateExtensions(&config)); err != nil {
		return err
	}
	out, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(&config)
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	return err
}

// validateExtensions checks the configuration of extensions, at any depth: ValidateAll stops at them.
func validateExtensions(config proto.Message) (failed error) {
	err := protorange.Range(config.ProtoReflect(), func(at protopath.Values) error {
		message, ok := at.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		extension, ok := message.Interface().(*anypb.Any)
		if !ok {
			return nil
		}
		inside, err := extension.UnmarshalNew()
		if err != nil {
			return err
		}
		if checked, ok := inside.(interface{ ValidateAll() error }); ok {
			failed = errors.Join(failed, checked.ValidateAll())
		}
		return nil
	})
	return errors.Join(err, failed)
}
