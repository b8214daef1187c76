{{/* Parts of a Deployment that are longer than a line. Arguments where not said otherwise: root, component, values, gpu (what a pod with a GPU has). */}}

{{- define "medulla.placement" -}}
{{- with .gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
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

{{/*
Triton as a native sidecar: up before the embedder, down after it. gRPC stays on the pod's loopback; the HTTP port is
open to the kubelet's probes, and the network policy closes it to everybody else. Arguments: root, triton.
*/}}
{{- define "medulla.triton" -}}
{{- $t := .triton -}}
{{- $gpu := eq $t.mode "gpu" -}}
- name: triton
  image: {{ include "medulla.image" (dict "root" .root "image" $t.image "suffix" (ternary "" "-cpu" $gpu)) }}
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
  startupProbe: {httpGet: {path: /v2/health/ready, port: triton-http}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: {{ div (int $t.startSeconds) 5 }}}
  livenessProbe: {httpGet: {path: /v2/health/live, port: triton-http}, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 3}
  readinessProbe: {httpGet: {path: /v2/health/ready, port: triton-http}, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 3}
  {{- $r := deepCopy $t.resources }}
  {{- if $gpu }}{{ $_ := set $r "limits" (merge (dict $t.gpu.resource (int $t.gpu.count)) ($r.limits | default dict)) }}{{ end }}
  resources:
    {{- include "medulla.resources" (dict "resources" $r "diskGi" 2) | nindent 4 }}
  securityContext:
    {{- include "medulla.containerSecurity" .root | nindent 4 }}
  volumeMounts:
    - {name: shm, mountPath: /dev/shm}
    - {name: tmp, mountPath: /tmp}
{{- end -}}
