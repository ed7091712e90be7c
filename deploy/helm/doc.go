// Package helm has the chart, cocart-gateway/, and tests it.
//
//	chart_test.go    helm lint, helm template and kubeconform over testdata/values; values that are refused, in testdata/bad
//	objects_test.go  what the objects must say: probes, ports, privileges, the configuration
//	schemas_test.go  the schemas for kubeconform, from the API descriptions of the modules in tools/schemas.txt
//
// "make tools" builds helm and kubeconform from the versions in tools/go.mod.
package helm
