{{/*
Pod template of a job, so that each job says only what is its own.
Arguments: root, component (whose `needs` stand in the table of jobs), image, command, values (resources, extraEnv, nodeSelector, tolerations), env, volumes,
mounts, account (component whose account it has; else the given one or none), restart.
*/}}
{{- define "medulla.jobPod" -}}
{{- $job := get (include "medulla.jobs" .root | fromYaml) .component -}}
{{- $args := merge (dict "needs" $job.needs) . -}}
metadata:
  labels:
    {{- include "medulla.podLabels" . | nindent 4 }}
  {{- with .root.Values.global.podAnnotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "medulla.podSpec" . | nindent 2 }}
  {{- if or .account (not .root.Values.serviceAccount.create) }}
  {{- include "medulla.serviceAccount" (dict "root" .root "component" (.account | default .component)) | nindent 2 }}
  {{- end }}
  restartPolicy: {{ .restart | default "OnFailure" }}
  containers:
    - name: {{ .component }}
      image: {{ .image }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: {{ toJson .command }}
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        {{- include "medulla.env" $args | trim | nindent 8 }}
      resources:
        {{- include "medulla.resources" (dict "resources" .values.resources "diskGi" 2) | nindent 8 }}
      securityContext:
        {{- include "medulla.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "medulla.secretMounts" $args | nindent 8 }}
        {{- with .mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- include "medulla.secretVolumes" $args | nindent 4 }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
