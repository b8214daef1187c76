{{/* Names, labels, images and settings that several templates need. */}}

{{- define "medulla.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 38 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 38 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Arguments: root, component. */}}
{{- define "medulla.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Arguments: root, component, extra (labels that win over `global.labels`). */}}
{{- define "medulla.labels" -}}
{{- $own := include "medulla.selector" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "medulla" -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own (.extra | default dict) .root.Values.global.labels) -}}
{{- end -}}

{{/* Metadata of an object. Arguments: root, component, name (without the first part), extra labels. */}}
{{- define "medulla.metadata" -}}
name: {{ include "medulla.fullname" .root }}-{{ .name | default .component }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "medulla.labels" . | nindent 2 }}
{{- end -}}

{{/* Arguments: root, image, suffix of the tag. */}}
{{- define "medulla.image" -}}
{{- $tag := .image.tag | default (printf "%s%s" (.root.Values.image.tag | default .root.Chart.AppVersion) (.suffix | default "")) -}}
{{- $name := ternary (printf "%s@%s" .image.repository .image.digest) (printf "%s:%s" .image.repository $tag) (ne .image.digest "") -}}
{{- with .root.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end }}{{ $name -}}
{{- end -}}

{{/* An image of `dev`, given whole. Arguments: root, image. */}}
{{- define "medulla.devImage" -}}
{{- with .root.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end }}{{ .image -}}
{{- end -}}

{{/* Name of a topic or group on Kafka. Arguments: root, name. */}}
{{- define "medulla.onKafka" -}}
{{- with .root.Values.kafka.prefix }}{{ . }}.{{ end }}{{ .name -}}
{{- end -}}

{{/* Text of a value: whole numbers without exponent. */}}
{{- define "medulla.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* Port of a URL. */}}
{{- define "medulla.urlPort" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $port | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end -}}

{{/* Where Kafka, S3 and the database are: the operator's, or those of `dev`. YAML. */}}
{{- define "medulla.outside" -}}
{{- $dev := printf "%s-dev" (include "medulla.fullname" .) -}}
{{- if .Values.dev.enabled -}}
kafka: {{ $dev }}-kafka.{{ .Release.Namespace }}.svc:9092
s3: {bucket: {{ .Values.s3.bucket | default "medulla" }}, endpoint: "http://{{ $dev }}-s3:9000", secret: {{ .Values.dev.existingSecret | default $dev }}, id: s3AccessKeyId, key: s3SecretAccessKey}
database: {secret: {{ .Values.dev.existingSecret | default $dev }}, url: databaseUrl, port: 5432}
{{- else -}}
kafka: {{ .Values.kafka.bootstrapServers | quote }}
s3: {bucket: {{ .Values.s3.bucket | quote }}, endpoint: {{ .Values.s3.endpointUrl | quote }}, secret: {{ .Values.s3.existingSecret | quote }}, id: {{ .Values.s3.accessKeyIdKey }}, key: {{ .Values.s3.secretAccessKeyKey }}}
database: {secret: {{ .Values.database.existingSecret | quote }}, url: {{ .Values.database.urlKey }}, port: {{ .Values.database.port }}}
{{- end -}}
{{- end -}}

{{/* Who scales: keda, hpa or off. */}}
{{- define "medulla.scaler" -}}
{{- $kind := .Values.autoscaling.kind -}}
{{- if eq $kind "auto" }}{{ ternary "keda" "hpa" (.Capabilities.APIVersions.Has "keda.sh/v1alpha1") }}{{ else }}{{ $kind }}{{ end -}}
{{- end -}}

{{/* "true" where objects of the Prometheus operator are wanted. */}}
{{- define "medulla.prometheusOperator" -}}
{{- $mode := .Values.monitoring.operator -}}
{{- if or (eq $mode "on") (and (eq $mode "auto") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}true{{ end -}}
{{- end -}}

{{/* Annotations of a job that runs before the release; with `dev` Kafka and database come with it, so it runs beside. */}}
{{- define "medulla.hook" -}}
{{- if not .root.Values.dev.enabled -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
{{- end -}}
