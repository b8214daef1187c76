{{/* Parts of a Deployment that are longer than a line. Arguments where not said otherwise: root, component, values, gpu (what a pod with a GPU has). */}}

{{- define "medulla.placement" -}}
{{- with .gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "medulla.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{- define "medulla.ownVolumes" -}}
{{- if eq .component "tiler" }}
{{- with .values.scratch }}
{{- if .storageClass }}
- name: scratch
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: {{ .storageClass }}
        resources: {requests: {storage: {{ int .sizeGi }}Gi}}
{{- else }}
- {name: scratch, emptyDir: {sizeLimit: {{ int .sizeGi }}Gi}}
{{- end }}
{{- end }}
{{- end }}
{{- if and (hasPrefix "embedder" .component) (ne .values.triton.mode "off") }}
- {name: shm, emptyDir: {medium: Memory, sizeLimit: {{ .values.triton.sharedMemory }}}}
{{- end }}
{{- with .values.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "medulla.ownMounts" -}}
{{- if eq .component "tiler" }}
- {name: scratch, mountPath: /scratch}
{{- end }}
{{- if and (hasPrefix "embedder" .component) (ne .values.triton.mode "off") }}
- {name: shm, mountPath: /dev/shm}
{{- end }}
{{- with .values.extraVolumeMounts }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{/* The probes of a container. Arguments: startup, liveness, readiness (their handlers), startSeconds, own (what operators put over them). */}}
{{- define "medulla.probes" -}}
{{- $own := .own -}}
{{- $times := dict "startup" (list 5 5 (div (int .startSeconds) 5)) "liveness" (list 20 10 3) "readiness" (list 10 10 3) -}}
{{- range $kind := list "startup" "liveness" "readiness" }}
{{- $time := get $times $kind }}
{{- $mine := get $own $kind | default dict }}
{{- $probe := dict "periodSeconds" (index $time 0) "timeoutSeconds" (index $time 1) "failureThreshold" (index $time 2) }}
{{- if not (pick $mine "exec" "grpc" "httpGet" "tcpSocket") }}{{ $probe = merge $probe (get $ $kind) }}{{ end }}
{{ $kind }}Probe: {{ merge dict $mine $probe | toJson }}
{{- end }}
{{- end -}}

{{/* What comes before the containers of a pod: of operators, then Triton. Arguments: values, root; triton. */}}
{{- define "medulla.initContainers" -}}
{{- $triton := .triton | default (dict "mode" "off") -}}
{{- if or .values.extraInitContainers (ne $triton.mode "off") }}
initContainers:
  {{- with .values.extraInitContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if ne $triton.mode "off" }}
  {{- include "medulla.triton" (dict "root" .root "triton" $triton) | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/*
Triton as a native sidecar: up before the embedder, down after it. gRPC stays on the pod's loopback; the HTTP port is
open to the kubelet's probes, and the network policy closes it to everybody else. Arguments: root, triton.
*/}}
{{- define "medulla.triton" -}}
{{- $t := .triton -}}
{{- $gpu := eq $t.mode "gpu" -}}
{{- $digest := ternary "" $t.image.cpuDigest $gpu | default $t.image.digest -}}
{{- $image := merge (dict "digest" $digest) $t.image -}}
- name: triton
  image: {{ include "medulla.image" (dict "root" .root "image" $image "suffix" (ternary "" "-cpu" $gpu)) }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  restartPolicy: Always
  terminationMessagePolicy: FallbackToLogsOnError
  args:
    - --http-port=8000
    - --grpc-port=8001
    - --grpc-address=127.0.0.1
    - --metrics-port=8002
    {{- range $t.args }}
    - {{ . | quote }}
    {{- end }}
  ports:
    - {name: triton-http, containerPort: 8000}
    - {name: triton-metrics, containerPort: 8002}
  {{- $ready := dict "httpGet" (dict "path" "/v2/health/ready" "port" "triton-http") }}
  {{- $live := dict "httpGet" (dict "path" "/v2/health/live" "port" "triton-http") }}
  {{- include "medulla.probes" (dict "own" $t.probes "startSeconds" $t.startSeconds "startup" $ready "liveness" $live "readiness" $ready) | nindent 2 }}
  {{- $r := deepCopy $t.resources }}
  {{- if $gpu }}{{ $_ := set $r "limits" (merge (dict $t.gpu.resource (int $t.gpu.count)) ($r.limits | default dict)) }}{{ end }}
  resources:
    {{- include "medulla.resources" (dict "root" .root "resources" $r "disk" "2Gi") | nindent 4 }}
  securityContext:
    {{- include "medulla.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: shm, mountPath: /dev/shm}
    - {name: tmp, mountPath: /tmp}
{{- end -}}
