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

{{- /* Seconds of a duration of whole hours, minutes and seconds. */ -}}
{{- define "cocart-gateway.seconds" -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+(h|ms|m|s)" . -1 -}}
{{- $n := regexFind "^[0-9]+" . | int -}}
{{- if hasSuffix "ms" . -}}{{- $seconds = add $seconds 1 -}}
{{- else if hasSuffix "h" . -}}{{- $seconds = add $seconds (mul 3600 $n) -}}
{{- else if hasSuffix "m" . -}}{{- $seconds = add $seconds (mul 60 $n) -}}
{{- else -}}{{- $seconds = add $seconds $n -}}
{{- end -}}
{{- end -}}
{{- $seconds -}}
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

{{- /* The configuration, after checks of what would otherwise show only when the Pods start, or would store a secret in a ConfigMap. */ -}}
{{- define "cocart-gateway.config" -}}
{{- range default (list .Values.config) .Values.config.shops -}}
{{- $_ := required "config.upstream.url: where WordPress answers, e.g. http://wordpress" (dig "upstream" "url" "" .) -}}
{{- $_ := required "config.site.url: the Site Address of the shop, e.g. https://shop.example.com" (dig "site" "url" "" .) -}}
{{- end -}}
{{- $_ := required "config.redis.address: e.g. redis:6379. An embedded store is not shared by the gateways" .Values.config.redis.address -}}
{{- $text := toYaml .Values.config -}}
{{- range regexFindAll "(?m)^[ -]*([a-z_]*secret|[a-z_]*password|token|private_key|tls_key): +[^ $\"'].*$" $text -1 -}}
{{- $key := regexReplaceAll "^[ -]*([a-z_]+):.*$" . "${1}" -}}
{{- fail (printf "config: %s is a secret, and everybody who may read ConfigMaps would read it. Write %s_file: /run/secrets/cocart-gateway/NAME, where NAME is a key of existingSecret" $key $key) -}}
{{- end -}}
{{- $text -}}
{{- end -}}
