{{/* What every pod of ours has in common. */}}

{{- define "medulla.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.global.runAsUser }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
{{- end }}
{{- with .Values.global.fsGroup }}
fsGroup: {{ int . }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "medulla.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Labels of a pod. Arguments: root, component, values. */}}
{{- define "medulla.podLabels" -}}
{{- $extra := merge dict (.values.podLabels | default dict) .root.Values.serviceAccount.podLabels .root.Values.global.podLabels -}}
{{- include "medulla.labels" (merge (dict "extra" $extra) .) -}}
{{- end -}}

{{/* Fields of every pod's spec above its containers. Arguments: root, component, values; nodeSelector and tolerations that are added. */}}
{{- define "medulla.podSpec" -}}
enableServiceLinks: false
automountServiceAccountToken: false
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName | default .root.Values.global.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with merge dict (.nodeSelector | default dict) (.values.nodeSelector | default dict) .root.Values.global.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with concat (.values.tolerations | default list) (.tolerations | default list) .root.Values.global.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with concat (.values.hostAliases | default list) .root.Values.global.hostAliases }}
hostAliases: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "medulla.podSecurity" .root | nindent 2 }}
{{- end -}}

{{/* Account of a component that runs as long as the release does. Arguments: root, component. */}}
{{- define "medulla.serviceAccount" -}}
{{- $made := printf "%s-%s" (include "medulla.fullname" .root) .component -}}
serviceAccountName: {{ ternary $made .root.Values.serviceAccount.name .root.Values.serviceAccount.create }}
{{- end -}}

{{/*
Variables of a container, each once. The later wins: what the chart knows, `env`, `settings`, what operators add.
Arguments: root, needs, staticMember, values (extraEnv), env, settings.
*/}}
{{- define "medulla.env" -}}
{{- $all := include "medulla.platformEnv" . | fromYaml -}}
{{- range list .env .settings }}{{ range $name, $value := . }}{{ $_ := set $all $name $value }}{{ end }}{{ end -}}
{{- $added := list -}}
{{- $names := list -}}
{{- range concat .root.Values.global.extraEnv (.values.extraEnv | default list) | reverse -}}
{{- if not (has .name $names) }}{{ $added = prepend $added . }}{{ $names = append $names .name }}{{ end -}}
{{- end -}}
{{- range $name, $value := $all }}
{{- $text := include "medulla.text" $value }}
{{- if and (ne $text "") (not (has $name $names)) }}
- {name: {{ $name }}, value: {{ $text | quote }}}
{{- end }}
{{- end }}
{{- $member := "MEDULLA_KAFKA__GROUP_INSTANCE_ID" }}
{{- if and .staticMember .root.Values.kafka.staticMembership (not (hasKey $all $member)) (not (has $member $names)) }}
- {name: {{ $member }}, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- end }}
{{- with $added }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Settings that services share, as far as the component needs them. Arguments: root, needs. YAML. */}}
{{- define "medulla.platformEnv" -}}
{{- $v := .root.Values -}}
{{- $out := include "medulla.outside" .root | fromYaml -}}
{{- $env := dict "MEDULLA_SECRETS_DIR" "/etc/medulla/secrets" "MEDULLA_LOG_LEVEL" $v.logLevel "MEDULLA_HTTP_HOST" "0.0.0.0" "MEDULLA_HTTP_PORT" "8081" "PYTHONUNBUFFERED" "1" -}}
{{- if has "kafka" .needs -}}
{{- $_ := set $env "MEDULLA_KAFKA__BOOTSTRAP_SERVERS" $out.kafka -}}
{{- $_ := set $env "MEDULLA_KAFKA__PREFIX" $v.kafka.prefix -}}
{{- $_ := set $env "MEDULLA_KAFKA__SESSION_TIMEOUT_MS" $v.kafka.sessionTimeoutMs -}}
{{- if not $v.dev.enabled -}}
{{- $_ := set $env "MEDULLA_KAFKA__SECURITY_PROTOCOL" $v.kafka.securityProtocol -}}
{{- $_ := set $env "MEDULLA_KAFKA__SASL_MECHANISM" $v.kafka.saslMechanism -}}
{{- if and $v.ca.existingSecret (contains "SSL" $v.kafka.securityProtocol) -}}
{{- $_ := set $env "MEDULLA_KAFKA__SSL_CAFILE" "/etc/medulla/ca/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if has "s3" .needs -}}
{{- $_ := set $env "MEDULLA_S3__BUCKET" $out.s3.bucket -}}
{{- $_ := set $env "MEDULLA_S3__PREFIX" $v.s3.prefix -}}
{{- $_ := set $env "MEDULLA_S3__ENDPOINT_URL" $out.s3.endpoint -}}
{{- $_ := set $env "MEDULLA_S3__REGION" $v.s3.region -}}
{{- $_ := set $env "MEDULLA_S3__ADDRESSING_STYLE" $v.s3.addressingStyle -}}
{{- end -}}
{{- if and (has "issuer" .needs) $v.auth.issuer -}}
{{- $_ := set $env "MEDULLA_AUTH__ISSUER" $v.auth.issuer -}}
{{- $_ := set $env "MEDULLA_AUTH__AUDIENCE" $v.auth.audience -}}
{{- $_ := set $env "MEDULLA_AUTH__ROLES_CLAIM" $v.auth.rolesClaim -}}
{{- range $role, $names := $v.auth.roles }}{{ $_ := set $env (printf "MEDULLA_AUTH__ROLES__%s" (upper $role)) (toJson $names) }}{{ end -}}
{{- $_ := set $env "MEDULLA_AUTH__CLIENT_ID" $v.auth.clientId -}}
{{- $_ := set $env "MEDULLA_AUTH__JWKS_URL" $v.auth.jwksUrl -}}
{{- end -}}
{{- if and (has "bundle" .needs) $v.bundle.existingSecret -}}
{{- $_ := set $env "SCORER_BUNDLE_PUBLIC_KEY" "/etc/medulla/bundle/bundle.pem" -}}
{{- end -}}
{{- if has "readiness" .needs -}}
{{- $_ := set $env "DOCTOR_RESULTS_URL" (printf "http://%s-results-readiness.%s.svc:8081" (include "medulla.fullname" .root) .root.Release.Namespace) -}}
{{- with include "medulla.furtherTopics" .root }}{{ $_ := set $env "DOCTOR_FURTHER_TOPICS" . }}{{ end -}}
{{- with $v.tiler.sqs.url }}{{ $_ := set $env "DOCTOR_EVENTS_QUEUE" . }}{{ end -}}
{{- end -}}
{{- if has "tracing" .needs -}}
{{- $_ := set $env "MEDULLA_OTLP_ENDPOINT" $v.tracing.otlpEndpoint -}}
{{- end -}}
{{- if and (has "backups" .needs) (or $v.backup.s3.endpointUrl $v.backup.s3.existingSecret) -}}
{{- $_ := set $env "BACKUP_S3__ENDPOINT_URL" ($v.backup.s3.endpointUrl | default $out.s3.endpoint) -}}
{{- $_ := set $env "BACKUP_S3__REGION" $v.backup.s3.region -}}
{{- $_ := set $env "BACKUP_S3__ADDRESSING_STYLE" $v.backup.s3.addressingStyle -}}
{{- end -}}
{{- if $v.ca.existingSecret -}}
{{- $_ := set $env "SSL_CERT_FILE" "/etc/medulla/ca/ca.crt" -}}
{{- $_ := set $env "AWS_CA_BUNDLE" "/etc/medulla/ca/ca.crt" -}}
{{- end -}}
{{- if and (has "sqs" .needs) $v.sqs.existingSecret -}}
{{- $_ := set $env "AWS_SHARED_CREDENTIALS_FILE" "/etc/medulla/aws/credentials" -}}
{{- end -}}
{{- toJson $env }}
{{- end -}}

{{/* Secrets as files named after the variables they stand for, and what else is mounted read-only. Arguments: root, needs. */}}
{{- define "medulla.secretVolumes" -}}
{{- $v := .root.Values -}}
{{- $out := include "medulla.outside" .root | fromYaml -}}
{{- $sasl := and (has "kafka" .needs) (not $v.dev.enabled) (hasPrefix "SASL" $v.kafka.securityProtocol) -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- if $sasl }}
      - secret:
          name: {{ $v.kafka.existingSecret }}
          items:
            - {key: {{ $v.kafka.usernameKey }}, path: MEDULLA_KAFKA__SASL_USERNAME}
            - {key: {{ $v.kafka.passwordKey }}, path: MEDULLA_KAFKA__SASL_PASSWORD}
      {{- end }}
      {{- if and (has "s3" .needs) $out.s3.secret }}
      - secret:
          name: {{ $out.s3.secret }}
          items:
            - {key: {{ $out.s3.id }}, path: MEDULLA_S3__ACCESS_KEY_ID}
            - {key: {{ $out.s3.key }}, path: MEDULLA_S3__SECRET_ACCESS_KEY}
      {{- end }}
      {{- if and (has "backups" .needs) $v.backup.s3.existingSecret }}
      - secret:
          name: {{ $v.backup.s3.existingSecret }}
          items:
            - {key: {{ $v.backup.s3.accessKeyIdKey }}, path: BACKUP_S3__ACCESS_KEY_ID}
            - {key: {{ $v.backup.s3.secretAccessKeyKey }}, path: BACKUP_S3__SECRET_ACCESS_KEY}
      {{- end }}
      {{- if has "database" .needs }}
      - secret:
          name: {{ $out.database.secret }}
          items:
            - {key: {{ $out.database.url }}, path: RESULTS_DATABASE_URL}
      {{- end }}
      {{- if and (has "fhir" .needs) $v.results.fhir.existingSecret }}
      - secret:
          name: {{ $v.results.fhir.existingSecret }}
          items:
            - {key: {{ $v.results.fhir.tokenKey }}, path: RESULTS_FHIR__TOKEN}
      {{- end }}
      {{- if and (has "audit-key" .needs) $v.results.audit.existingSecret }}
      - secret:
          name: {{ $v.results.audit.existingSecret }}
          items:
            - {key: {{ $v.results.audit.signingKey }}, path: RESULTS_AUDIT_KEY}
      {{- end }}
      # Keeps the folder there where nothing above is needed.
      - downwardAPI:
          items:
            - {path: pod, fieldRef: {fieldPath: metadata.name}}
{{- with $v.ca.existingSecret }}
- {name: ca, secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: {{ $v.ca.key }}, path: ca.crt}]}}
{{- end }}
{{- if and (has "bundle" .needs) $v.bundle.existingSecret }}
- {name: bundle, secret: {secretName: {{ $v.bundle.existingSecret }}, defaultMode: 0440, items: [{key: {{ $v.bundle.key }}, path: bundle.pem}]}}
{{- end }}
{{- if and (has "sqs" .needs) $v.sqs.existingSecret }}
- {name: aws, secret: {secretName: {{ $v.sqs.existingSecret }}, defaultMode: 0440, items: [{key: {{ $v.sqs.key }}, path: credentials}]}}
{{- end }}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- end -}}

{{- define "medulla.secretMounts" -}}
{{- $v := .root.Values -}}
- {name: secrets, mountPath: /etc/medulla/secrets, readOnly: true}
{{- if $v.ca.existingSecret }}
- {name: ca, mountPath: /etc/medulla/ca, readOnly: true}
{{- end }}
{{- if and (has "bundle" .needs) $v.bundle.existingSecret }}
- {name: bundle, mountPath: /etc/medulla/bundle, readOnly: true}
{{- end }}
{{- if and (has "sqs" .needs) $v.sqs.existingSecret }}
- {name: aws, mountPath: /etc/medulla/aws, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* CPU, memory, and the node's disk that volumes of the pod may take (`disk`, as Kubernetes writes it). Arguments: root, resources, disk. */}}
{{- define "medulla.resources" -}}
{{- $r := deepCopy .resources -}}
{{- $requests := merge ($r.requests | default dict) (dict "ephemeral-storage" (.diskRequest | default .disk)) -}}
{{- $limits := merge ($r.limits | default dict) (dict "ephemeral-storage" .disk) -}}
{{- with .root.Values.global.cpuLimit }}{{ $limits = merge $limits (dict "cpu" .) }}{{ end -}}
{{- toYaml (merge (dict "requests" $requests "limits" $limits) $r) -}}
{{- end -}}
