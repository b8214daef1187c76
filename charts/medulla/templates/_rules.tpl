{{/* Groups of recording rules and alerts, from the files below rules/ with values for the words in capitals. YAML. */}}
{{- define "medulla.rules" -}}
{{- $groups := list -}}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" }}
{{- range $group := ($.Files.Get $path | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- range $copy := include "medulla.ruleCopies" (dict "root" $ "rule" $rule) | fromYamlArray }}
{{- $own := get $.Values.monitoring.rules.alerts ($copy.alert | default "") | default dict }}
{{- if $copy.alert }}
{{- $_ := set $copy.annotations "runbook_url" (printf "%s#%s" $.Values.monitoring.rules.runbookUrl (lower $copy.alert)) }}
{{- $installation := ternary (dict "installation" $.Values.kafka.prefix) dict (ne $.Values.kafka.prefix "") }}
{{- $_ := set $copy "labels" (merge dict ($own.labels | default dict) $installation $copy.labels) }}
{{- with $own.for }}{{ $_ := set $copy "for" . }}{{ end }}
{{- end }}
{{- if dig "enabled" true $own }}{{ $rules = append $rules $copy }}{{ end }}
{{- end }}
{{- end }}
{{- $groups = append $groups (set $group "rules" $rules) }}
{{- end }}
{{- end }}
{{- toYaml (dict "groups" $groups) -}}
{{- end -}}

{{/* Hours after which Kafka deletes dead letters; -1 for never. */}}
{{- define "medulla.letterHours" -}}
{{ int (dig "dead.letters" "retentionHours" -1 .Values.topics.overrides) }}
{{- end -}}

{{/*
One rule as a list: once for each service, window or objective that it names; not at all about a retention where there is none.
Arguments: root, rule.
*/}}
{{- define "medulla.ruleCopies" -}}
{{- $text := toYaml .rule -}}
{{- $copies := list -}}
{{- if contains "SERVICE" $text -}}
{{- range $component, $c := include "medulla.components" .root | fromYaml }}
{{- $least := int (get $.root.Values $c.values).autoscaling.min }}
{{- $rests := and (eq (include "medulla.scaler" $.root) "keda") (eq $least 0) }}
{{- $copy := $text | replace "SERVICE" (index $c.scaleOn 0).group | replace "COMPONENT" $component }}
{{- $copies = append $copies ($copy | replace "WHEN_NEEDED" (ternary (include "medulla.slideWaits" $) "" $rests)) }}
{{- end }}
{{- else if contains "WINDOW" $text -}}
{{- range list "5m" "30m" "1h" "2h" "6h" "1d" "3d" }}{{ $copies = append $copies ($text | replace "WINDOW" .) }}{{ end }}
{{- else if contains "SLO" $text -}}
{{- range $slo, $about := include "medulla.objectives" .root | fromYaml }}
{{- $copies = append $copies ($text | replace "SLO" $slo | replace "ALERT" $about.alert | replace "MEANING" $about.meaning) }}
{{- end }}
{{- else if contains "LETTER_SECONDS" $text -}}
{{- $hours := int (include "medulla.letterHours" .root) -}}
{{- if gt $hours 0 }}
{{- $seconds := max (div (mul $hours 3600 3) 4) (mul (sub $hours 48) 3600) }}
{{- $copies = append $copies ($text | replace "LETTER_SECONDS" (toString $seconds) | replace "LETTER_HOURS" (toString $hours)) }}
{{- end }}
{{- else -}}
{{- $copies = append $copies $text -}}
{{- end -}}
{{- range $copies }}
- {{ include "medulla.ruleText" (dict "root" $.root "text" .) | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* What a service that may scale to zero must miss before its silence counts: a slide waits for half of what is promised. */}}
{{- define "medulla.slideWaits" -}}
{{ print " " -}} and on (namespace) max by (namespace) (medulla_oldest_waiting_slide_seconds{namespace="NAMESPACE"}) > {{ mul 30 (int .root.Values.monitoring.rules.staleMinutes) }}
{{- end -}}

{{/* Alert and meaning of each objective. */}}
{{- define "medulla.objectives" -}}
score_time: {alert: MedullaBudgetScoreTime, meaning: Scores came too late}
loss: {alert: MedullaBudgetLoss, meaning: Events were lost to faults of the system}
api_errors: {alert: MedullaBudgetApiErrors, meaning: Requests failed}
api_time: {alert: MedullaBudgetApiTime, meaning: Requests were answered too slowly}
{{- end -}}

{{/* A rule with the values that hold for the whole release. Arguments: root, text. */}}
{{- define "medulla.ruleText" -}}
{{- $r := .root.Values.monitoring.rules -}}
{{- $o := $r.objectives -}}
{{- $text := .text | replace "NAMESPACE" .root.Release.Namespace | replace "RELEASE" (include "medulla.fullname" .root) -}}
{{- $stale := int $r.staleMinutes -}}
{{- $text = $text | replace "STALE_SECONDS" (toString (mul $stale 60)) | replace "STALE_MINUTES" (toString $stale) -}}
{{- $text = $text | replace "DEAD_LETTER_MINUTES" (toString (int $r.deadLetterMinutes)) -}}
{{- $text = $text | replace "SCORE_LE" (include "medulla.bound" $o.scoreTime.seconds) | replace "API_LE" (include "medulla.bound" $o.apiTime.seconds) -}}
{{- range $name, $share := dict "SCORE" $o.scoreTime.percent "LOSS" $o.loss.percent "API_ERRORS" $o.apiErrors.percent "API_TIME" $o.apiTime.percent }}
{{- $text = $text | replace (print $name "_BUDGET") (printf "(1 - %v / 100)" $share) -}}
{{- end }}
{{- $text = $text | replace "LOST" "crashed_worker|internal_error|out_of_disk|retries_exhausted" -}}
{{- $text | replace "QUICK" "/api/v1/(bundle|case-counts|cases|cases/[^/]+|cases/[^/]+/(notes|scores|timeline)|me|monitoring)" -}}
{{- end -}}

{{/* A bound of a histogram as a regular expression: clients write 1 or 1.0. */}}
{{- define "medulla.bound" -}}
{{ ternary (printf "%v([.]0)?" .) (printf "%v" . | replace "." "[.]") (eq (floor .) (float64 .)) }}
{{- end -}}
