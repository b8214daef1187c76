{{/*
Pod template of a job, so that each job says only what is its own.
Arguments: root, component (whose `needs` stand in the table of jobs), image, command, values (resources and what operators add to the pod), env, volumes,
mounts, account (component whose account it has; else the given one or none), restart.
*/}}
{{- define "medulla.jobPod" -}}
{{- $job := get (include "medulla.jobs" .root | fromYaml) .component -}}
{{- $args := merge (dict "needs" $job.needs) . -}}
metadata:
  labels:
    {{- include "medulla.podLabels" . | nindent 4 }}
  {{- with merge dict .values.podAnnotations .root.Values.global.podAnnotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "medulla.podSpec" . | nindent 2 }}
  {{- if or .account (not .root.Values.serviceAccount.create) }}
  {{- include "medulla.serviceAccount" (dict "root" .root "component" (.account | default .component)) | nindent 2 }}
  {{- end }}
  restartPolicy: {{ .restart | default "OnFailure" }}
  {{- with include "medulla.initContainers" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ .image }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: {{ toJson .command }}
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        {{- include "medulla.env" $args | trim | nindent 8 }}
      resources:
        {{- include "medulla.resources" (dict "root" .root "resources" .values.resources "disk" "2Gi") | nindent 8 }}
      securityContext:
        {{- include "medulla.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "medulla.secretMounts" $args | nindent 8 }}
        {{- with concat (.mounts | default list) .values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- include "medulla.secretVolumes" $args | nindent 4 }}
    {{- with concat (.volumes | default list) .values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/*
A job of a schedule, one run at a time, under an account of its own. Arguments: those of `medulla.jobPod`, of whose values it takes
schedule and deadlineHours.
*/}}
{{- define "medulla.cronJob" -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "medulla.metadata" (pick . "root" "component") | nindent 2 }}
spec:
  schedule: {{ .values.schedule | quote }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 2
  jobTemplate:
    spec:
      backoffLimit: 1
      activeDeadlineSeconds: {{ mul (int .values.deadlineHours) 3600 }}
      template:
        {{- include "medulla.jobPod" (merge (dict "account" .component "restart" "Never") .) | nindent 8 }}
{{- end -}}
