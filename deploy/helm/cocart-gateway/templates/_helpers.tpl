{{- define "cocart-gateway.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cocart-gateway.instance" -}}
app.kubernetes.io/name: cocart-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cocart-gateway.selector" -}}
{{ include "cocart-gateway.instance" . }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "cocart-gateway.labels" -}}
{{ include "cocart-gateway.instance" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "cocart-gateway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "cocart-gateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "cocart-gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The host of site.url, without its port, or that of each shop, as a list in JSON. */ -}}
{{- define "cocart-gateway.siteHosts" -}}
{{- $hosts := list -}}
{{- range default (list .Values.config) .Values.config.shops -}}
{{- $hosts = append $hosts (urlParse .site.url).hostname -}}
{{- end -}}
{{- toJson $hosts -}}
{{- end -}}

{{- /* The port of an address such as ":8080" or "0.0.0.0:8080". */ -}}
{{- define "cocart-gateway.port" -}}
{{- regexFind "[0-9]+$" . -}}
{{- end -}}

{{- /* The port names and addresses of the public listeners, as an object in JSON: http is listen, or else the redirect to https. */ -}}
{{- define "cocart-gateway.listeners" -}}
{{- $http := default (dig "tls" "redirect_from" "" .Values.config) .Values.config.listen -}}
{{- $https := dig "tls" "listen" "" .Values.config -}}
{{- if and .Values.config.listen (dig "tls" "redirect_from" "" .Values.config) -}}
{{- fail "config.tls.redirect_from: the Service has one port for plain http. Write listen: [] beside it" -}}
{{- end -}}
{{- if not (or .Values.config.listen $https) -}}
{{- fail "config.listen: write an address here or in tls.listen" -}}
{{- end -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.config.listen) -}}
{{- fail "config.listen: the Ingress or HTTPRoute ends TLS, and sends plain http there" -}}
{{- end -}}
{{- $listeners := dict -}}
{{- if $http -}}{{- $_ := set $listeners "http" $http -}}{{- end -}}
{{- if $https -}}{{- $_ := set $listeners "https" $https -}}{{- end -}}
{{- toJson $listeners -}}
{{- end -}}

{{- /* The address of the listener for /metrics alone, or nothing. */ -}}
{{- define "cocart-gateway.metrics" -}}
{{- default "" (dig "metrics" "listen" "" .Values.config) -}}
{{- end -}}

{{- /* How Prometheus reads the metrics: the fields of a ServiceMonitor that fit the listener. */ -}}
{{- define "cocart-gateway.scrape" -}}
{{- $scheme := .Values.serviceMonitor.scheme -}}
{{- $tls := .Values.serviceMonitor.tlsConfig -}}
{{- $auth := .Values.serviceMonitor.basicAuth -}}
{{- if not (include "cocart-gateway.metrics" .) -}}
{{- if or (eq $scheme "https") $tls $auth -}}
{{- fail "serviceMonitor: scheme, tlsConfig and basicAuth are for config.metrics.listen; the admin listener has neither TLS nor a password for /metrics" -}}
{{- end -}}
port: admin
{{- else -}}
{{- if not (or (eq $scheme "https") $auth) -}}
{{- fail "serviceMonitor: config.metrics.listen requires TLS or a password. Write scheme: https, basicAuth or both, as in config.metrics.web_config_file" -}}
{{- end -}}
{{- if and $tls (ne $scheme "https") -}}
{{- fail "serviceMonitor.tlsConfig: write scheme: https beside it" -}}
{{- end -}}
port: metrics
scheme: {{ $scheme }}
{{- with $tls }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $auth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}

{{- /* Fails where certificates of an authority have no place: the file system of the Pod is read-only, and its end would be theirs. */ -}}
{{- define "cocart-gateway.checkACME" -}}
{{- if dig "tls" "acme" "enabled" false .Values.config -}}
{{- $storage := dig "tls" "acme" "storage" "/var/lib/cocart-gateway/acme" .Values.config -}}
{{- $mounted := false -}}
{{- range .Values.extraVolumeMounts -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $storage) -}}{{- $mounted = true -}}{{- end -}}
{{- end -}}
{{- if not $mounted -}}
{{- fail (printf "config.tls.acme.storage: %s is read-only in the Pod. Mount a volume there, which all gateways share, by extraVolumes and extraVolumeMounts" $storage) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Seconds of a duration of hours, minutes and seconds, rounded up. */ -}}
{{- define "cocart-gateway.seconds" -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+(h|ms|m|s)" . -1 -}}
{{- $n := regexFind "^[0-9.]+" . | float64 -}}
{{- if hasSuffix "ms" . -}}{{- $seconds = addf $seconds (divf $n 1000) -}}
{{- else if hasSuffix "h" . -}}{{- $seconds = addf $seconds (mulf 3600 $n) -}}
{{- else if hasSuffix "m" . -}}{{- $seconds = addf $seconds (mulf 60 $n) -}}
{{- else -}}{{- $seconds = addf $seconds $n -}}
{{- end -}}
{{- end -}}
{{- ceil $seconds | int -}}
{{- end -}}

{{- define "cocart-gateway.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "cocart-gateway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "cocart-gateway.volumes" -}}
- name: config
  configMap:
    name: {{ include "cocart-gateway.fullname" . }}
- name: secrets
  secret:
    secretName: {{ required "existingSecret: the name of a Secret with the keys upstream and signing-key" .Values.existingSecret }}
    defaultMode: 0440
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "cocart-gateway.mounts" -}}
- name: config
  mountPath: /etc/cocart-gateway
  readOnly: true
- name: secrets
  mountPath: /run/secrets/cocart-gateway
  readOnly: true
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /*
  Fails on a secret in the configuration, at any depth and in a list such as secret: [new, old]. "${NAME}" alone is a variable
  of the environment; a text with a $ in front of something else is a secret. Within an address the password is one, and
  the values of upstream.headers are.
*/ -}}
{{- define "cocart-gateway.refuseSecrets" -}}
{{- $at := . -}}
{{- if kindIs "map" .value -}}
{{- range $name, $value := .value -}}
{{- $key := ternary "secret" $name (eq $at.key "headers") -}}
{{- include "cocart-gateway.refuseSecrets" (dict "path" (printf "%s.%s" $at.path $name) "key" $key "value" $value) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range .value -}}
{{- include "cocart-gateway.refuseSecrets" (dict "path" $at.path "key" $at.key "value" .) -}}
{{- end -}}
{{- else -}}
{{- $text := ternary "" (toString .value) (kindIs "invalid" .value) -}}
{{- $secret := regexMatch "^([a-z_]+_)?(secret|password|token|private_key|tls_key)$" .key -}}
{{- if and $secret $text (not (regexMatch "^([A-Za-z]+ )?[$][{][A-Za-z_][A-Za-z0-9_]*[}]$" $text)) -}}
{{- $key := regexFind "[^.]+$" .path -}}
{{- $instead := printf "Write %s_file: /run/secrets/cocart-gateway/NAME, where NAME is a key of existingSecret" $key -}}
{{- if eq .key $key | not -}}
{{- $instead = "Write ${NAME}, and set NAME by extraEnv from a Secret" -}}
{{- end -}}
{{- fail (printf "%s is a secret, and everybody who may read ConfigMaps would read it. %s" .path $instead) -}}
{{- end -}}
{{- if and (regexMatch "^[a-z+]+://[^/?#@:]*:[^/?#]+@" $text) (not (regexMatch "^[a-z+]+://[^/?#@:]*:[$][{][A-Za-z_][A-Za-z0-9_]*[}]@[^/?#@]*" $text)) -}}
{{- fail (printf "%s has a password in it, and everybody who may read ConfigMaps would read it. Write ${NAME} in its place, and set NAME by extraEnv from a Secret" .path) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The configuration, after checks of what would otherwise show only when the Pods start, or would store a secret in a ConfigMap. */ -}}
{{- define "cocart-gateway.config" -}}
{{- range default (list .Values.config) .Values.config.shops -}}
{{- $_ := required "config.upstream.url: where WordPress answers, e.g. http://wordpress" (dig "upstream" "url" "" .) -}}
{{- $_ := required "config.site.url: the Site Address of the shop, e.g. https://shop.example.com" (dig "site" "url" "" .) -}}
{{- end -}}
{{- $_ := required "config.redis.address: e.g. redis:6379. An embedded store is not shared by the gateways" .Values.config.redis.address -}}
{{- include "cocart-gateway.checkACME" . -}}
{{- include "cocart-gateway.refuseSecrets" (dict "path" "config" "key" "" "value" .Values.config) -}}
{{- toYaml .Values.config -}}
{{- end -}}
