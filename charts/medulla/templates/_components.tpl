{{/*
The services, once each. Deployment, Service, autoscaling, disruption budget, network policy, service account and
monitoring are rendered from this table by one `range` each; what operators choose comes from the values of that name.
  module   the Python module that runs
  env      settings that follow from the chart; `settings` of the values wins over them
  needs    what it reaches and holds the secrets of; other components by their names here
  grpc     port of its gRPC server; `open` where others than its own loopback may call
  http     port of REST and page
  from     components that may call it
  scaleOn  consumer group and topic whose lag says that there is work for it
  surge    replicas above the wanted number during a roll-out; 0 where one more would need one more GPU
*/}}
{{- define "medulla.components" -}}
{{- $auth := ne .Values.auth.issuer "" -}}
{{- $host := ternary "0.0.0.0" "127.0.0.1" $auth -}}
{{- $embedders := include "medulla.embedders" . | fromYaml -}}
{{- $grids := include "medulla.furtherGrids" . -}}
tiler:
  values: tiler
  module: services.tiler
  needs: [kafka, s3, sqs, tracing]
  grpc: {port: 50051, open: true, tls: TILER_TLS__CERTIFICATE}
  from: [{{ keys $embedders | sortAlpha | join ", " }}, results]
  scaleOn: [{group: tiler, topic: s3.events}, {group: tiler, topic: tiler.retry}{{ range keys $embedders | sortAlpha }}, {group: {{ . }}, topic: slides.tiled}{{ end }}]
  surge: 1
  env:
    TILER_ADDRESS: "0.0.0.0:50051"
    TILER_SCRATCH__FOLDER: /scratch/slides
    TILER_SCRATCH__BUDGET_MB: {{ mul (int .Values.tiler.scratch.sizeGi) 950 }}
    {{- with $grids }}
    TILER_FURTHER_GRIDS: {{ . | quote }}
    {{- end }}
    {{- with .Values.tiler.sqs.url }}
    TILER_SQS__URL: {{ . | quote }}
    TILER_SQS__REGION: {{ $.Values.tiler.sqs.region | quote }}
    TILER_SQS__ENDPOINT_URL: {{ $.Values.tiler.sqs.endpointUrl | quote }}
    {{- end }}
{{- range $group, $encoder := $embedders }}
{{ $group }}:
  {{- $values := get $.Values $group }}
  values: {{ $group }}
  module: services.embedder
  needs: [kafka, s3, tiler, tracing]
  scaleOn: [{group: {{ $group }}, topic: slides.tiled}, {group: {{ $group }}, topic: {{ $group }}.retry}]
  surge: {{ ternary 0 1 (eq $values.triton.mode "gpu") }}
  env:
    EMBEDDER_TILER_ADDRESS: dns:///{{ include "medulla.fullname" $ }}-tiler.{{ $.Release.Namespace }}.svc:50051
    {{- if ne $group "embedder" }}
    EMBEDDER_GROUP: {{ $group }}
    {{- end }}
    {{- if $grids }}
    EMBEDDER_OTHER_GRIDS: pass
    {{- end }}
    {{- if ne $values.triton.mode "off" }}
    EMBEDDER_TRITON_URL: 127.0.0.1:8001
    EMBEDDER_TRITON_START_S: {{ int $values.triton.startSeconds }}
    {{- end }}
{{- end }}
fusion-scorer:
  values: fusionScorer
  module: services.fusion_scorer
  needs: [kafka, s3, sqs, issuer, tracing, bundle]
  grpc: {port: 50053, open: {{ $auth }}, tls: SCORER_GRPC_TLS__CERTIFICATE}
  from: [results]
  scaleOn:
    - {group: fusion_scorer, topic: slides.embedded}
    - {group: fusion_scorer, topic: cases.rescore}
    - {group: fusion_scorer, topic: cases.rescore.background}
    - {group: fusion_scorer, topic: cases.erase}
    - {group: fusion_scorer, topic: s3.events}
    - {group: fusion_scorer, topic: fusion_scorer.retry}
  surge: 1
  env:
    SCORER_GRPC_ADDRESS: "{{ $host }}:50053"
    {{- with .Values.fusionScorer.sqs.url }}
    SCORER_SQS__URL: {{ . | quote }}
    SCORER_SQS__REGION: {{ $.Values.fusionScorer.sqs.region | quote }}
    SCORER_SQS__ENDPOINT_URL: {{ $.Values.fusionScorer.sqs.endpointUrl | quote }}
    {{- end }}
results:
  values: results
  module: services.results
  needs: [kafka, s3, database, audit-key, issuer, tiler, fusion-scorer, fhir, tracing]
  grpc: {port: 50054, open: {{ $auth }}, tls: RESULTS_GRPC_TLS__CERTIFICATE}
  http: 8080
  scaleOn:
    - {group: results, topic: cases.scored}
    - {group: results, topic: cases.scored.background}
    - {group: results, topic: slides.rejected}
    - {group: results, topic: cases.erase}
    - {group: results, topic: progress}
    - {group: results, topic: results.retry}
  surge: 1
  env:
    RESULTS_HTTP_HOST: {{ $host }}
    RESULTS_HTTP_PORT: "8080"
    RESULTS_TILER_ADDRESS: dns:///{{ include "medulla.fullname" . }}-tiler.{{ .Release.Namespace }}.svc:50051
    RESULTS_SCORER_ADDRESS: dns:///{{ include "medulla.fullname" . }}-fusion-scorer.{{ .Release.Namespace }}.svc:50053
    RESULTS_GRPC_ADDRESS: "{{ $host }}:50054"
    {{- with .Values.results.fhir.url }}
    RESULTS_FHIR__URL: {{ . | quote }}
    {{- end }}
{{- end -}}

{{/*
The groups of embedders by name: `embedder`, and one for each further encoder with its own entry and, under the same name
in the values, those of `embedder` with what the entry changes; a digest is not that of another image. YAML.
*/}}
{{- define "medulla.embedders" -}}
embedder: {}
{{- range .Values.embedder.encoders }}
{{- $group := printf "embedder-%s" .name }}
{{- $base := omit $.Values.embedder "encoders" | deepCopy }}
{{- if .image }}{{ $_ := set $base.image "digest" "" }}{{ end }}
{{- if dig "triton" "image" "" . }}{{ range list "digest" "cpuDigest" }}{{ $_ := set $base.triton.image . "" }}{{ end }}{{ end }}
{{- $_ := set $.Values $group (mergeOverwrite $base (omit . "name" "grid" | deepCopy)) }}
{{ $group }}: {{ pick . "name" "grid" | toJson }}
{{- end }}
{{- end -}}

{{/* Grids of further encoders, as JSON; empty where there are none. */}}
{{- define "medulla.furtherGrids" -}}
{{- $grids := list -}}
{{- range .Values.embedder.encoders }}{{ with .grid }}{{ $grids = append $grids . }}{{ end }}{{ end -}}
{{- with $grids }}{{ uniq . | toJson }}{{ end -}}
{{- end -}}

{{/*
Jobs that there are, by the same names as in the table above; `before` those that run before the release. The operator's pod is made of
`sweep`, so that it has what `medulla doctor` and `medulla rescore` ask for; none of it is a secret but the keys of Kafka and bucket.
*/}}
{{- define "medulla.jobs" -}}
{{- if or (eq .Values.topics.manage "job") .Values.dev.enabled }}
topics: {needs: [kafka], before: true}
{{- end }}
migrations: {needs: [database], before: true}
{{- if .Values.sweep.enabled }}
sweep: {needs: [kafka, s3, issuer, tracing, bundle, readiness]}
{{- end }}
{{- if .Values.audit.enabled }}
audit: {needs: [s3, database]}
{{- end }}
{{- if .Values.archive.enabled }}
archive: {needs: [s3, database]}
{{- end }}
{{- if .Values.retention.cases.afterDays }}
retention: {needs: [kafka, s3, database]}
{{- end }}
{{- if .Values.backup.enabled }}
backup: {needs: [kafka, s3, database, backups]}
{{- end }}
{{- if .Values.trainer.enabled }}
trainer: {needs: [{{ if contains "s3://" (join " " .Values.trainer.args) }}s3, {{ end }}{{ if has "--cluster" .Values.trainer.args }}dask{{ end }}]}
{{- end }}
test: {needs: [kafka, s3]}
{{- if .Values.dev.enabled }}
dev-set-up: {needs: [s3]}
{{- end }}
{{- end -}}

{{/* Topics of what not every release has, as JSON; empty where there are none. */}}
{{- define "medulla.furtherTopics" -}}
{{- $names := list -}}
{{- range .Values.embedder.encoders }}{{ $names = append $names (printf "embedder-%s.retry" .name) }}{{ end -}}
{{- if .Values.results.fhir.url }}{{ $names = append $names "results_fhir.retry" }}{{ end -}}
{{- with $names }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* Topics with partitions, copies and settings. YAML. */}}
{{- define "medulla.topics" -}}
{{- $usual := .Values.topics -}}
{{- $names := list "s3.events" "slides.tiled" "slides.embedded" "slides.rejected" "cases.rescore" "cases.rescore.background" "cases.scored" "cases.scored.background" "cases.erase" "progress" "dead.letters" "tiler.retry" "embedder.retry" "fusion_scorer.retry" "results.retry" -}}
{{- with include "medulla.furtherTopics" . }}{{ $names = concat $names (fromJsonArray .) }}{{ end -}}
{{- range $name := $names }}
{{- $own := get $usual.overrides $name | default dict }}
{{- $hours := int64 (dig "retentionHours" (ternary -1 $usual.retentionHours (eq $name "dead.letters")) $own) }}
{{ $name }}:
  partitions: {{ int (dig "partitions" $usual.partitions $own) }}
  replication_factor: {{ ternary 1 (int (dig "replicationFactor" $usual.replicationFactor $own)) $.Values.dev.enabled }}
  configs:
    # Stated, as brokers may have defaults that delete events by size, or all but the last of a case.
    cleanup.policy: delete
    retention.bytes: "-1"
    retention.ms: {{ ternary -1 (mul $hours 3600000) (lt $hours 0) | quote }}
    {{- if or (eq $name "dead.letters") (hasSuffix ".retry" $name) }}
    max.message.bytes: "2097152"
    {{- end }}
{{- end }}
{{- end -}}
