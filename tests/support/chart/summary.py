"""What the chart renders to, in a few lines for each object: short enough to read as a difference."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.chart.rendering import Manifest, environment, pod_template

_USUAL = ("app.kubernetes.io/", "helm.sh/chart", "kubectl.kubernetes.io/default-container")
"""Beginnings of labels and annotations that tell nothing about one object."""
_POD = (
    *("serviceAccountName", "automountServiceAccountToken", "imagePullSecrets", "priorityClassName"),
    *("runtimeClassName", "nodeSelector", "tolerations", "restartPolicy", "terminationGracePeriodSeconds"),
)
_LONGEST_WORD = 60
_JOB = ("backoffLimit", "activeDeadlineSeconds")
_SAME_FOR_ALL = ("bootstrapServers", "offsetResetPolicy", "scaleToZeroOnInvalidOffset")
"""Of KEDA's triggers; test_contract.py looks at them."""


def summary(objects: Sequence[Manifest]) -> Iterator[str]:
    """A line for each object, and below it what is its own, its pods and their containers."""
    for each in sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"])):
        yield f"{each['kind']} {each['metadata']['name']} {_marks(each['metadata'])}".strip()
        yield from (f"  {line}" for line in _object(each) if line)


def _object(each: Manifest) -> Iterator[str]:
    if own := _OWN.get(each["kind"]):
        yield from own(each.get("spec", each))
    if template := pod_template(each):
        yield "" if template is each else _marks(template["metadata"])
        yield from _pod(template["spec"])


def _marks(metadata: Manifest) -> str:
    """Labels and annotations by which others find or treat it."""
    every = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    labels = _pairs({name: value for name, value in every.items() if not name.startswith(_USUAL)})
    return f"[{labels}]" if labels else ""


def _pod(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, *_POD)
    yield "volumes " + _listed(f"{each['name']} {_volume(each)}" for each in spec.get("volumes", ()))
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        yield f"{container['name']}: {container['image']} {_fields(container['resources'], 'requests', 'limits')}"
        yield from (f"  {line}" for line in _inside(container) if line)


def _volume(volume: Manifest) -> str:
    match volume:
        case {"projected": {"sources": sources}}:
            return _flow([source["secret"]["name"] for source in sources if "secret" in source])
        case {"secret": {"secretName": name}}:
            return f"[{name}]"
        case {"ephemeral": {"volumeClaimTemplate": {"spec": spec}}}:
            return _claim(spec)
        case {"persistentVolumeClaim": {"claimName": name}} | {"configMap": {"name": name}}:
            return str(name)
    return f"emptyDir {_flow(volume['emptyDir'])}"


def _claim(spec: Manifest) -> str:
    return f"{spec['resources']['requests']['storage']} of {spec.get('storageClassName', 'the default class')}"


def _inside(container: Manifest) -> Iterator[str]:
    yield f"runs {_words(container)}, with {_mounts(container)}"
    yield _ports(container)
    yield _probes(container)
    given = environment(container) if "env" in container else {}
    yield from (f"{name}={value}" for name, value in sorted(given.items()) if name.partition("_")[0] != "MINIO")


def _words(container: Manifest) -> str:
    """Its command line; a script or a document in it is no line to read."""
    words = (*container.get("command", ()), *container.get("args", ()))
    return " ".join(word if len(word) <= _LONGEST_WORD else "..." for word in words)


def _mounts(container: Manifest) -> str:
    return _listed(f"{each['name']} at {each['mountPath']}" for each in container.get("volumeMounts", ()))


def _ports(container: Manifest) -> str:
    ports = _listed(f"{each['name']} {each['containerPort']}" for each in container.get("ports", ()))
    return f"ports {ports}" if ports else ""


def _probes(container: Manifest) -> str:
    kinds = ("startup", "liveness", "readiness")
    probes = [f"{kind} {_probe(container[f'{kind}Probe'])}" for kind in kinds if f"{kind}Probe" in container]
    return _listed([*probes, _fields(container.get("lifecycle", {}), "preStop")])


def _probe(probe: Manifest) -> str:
    times = (
        f"({probe.get('failureThreshold', 3)} x {probe['periodSeconds']}s, timeout {probe.get('timeoutSeconds', 1)}s)"
    )
    match probe:
        case {"httpGet": {"path": path, "port": port}}:
            return f"{path} at {port} {times}"
        case {"exec": {"command": command}}:
            return f"{' '.join(command)} {times}"
    return f"{_fields(probe, 'grpc', 'tcpSocket')} {times}"


def _flows(spec: Manifest) -> Iterator[str]:
    yield f"{_selected(spec)}: {_flow(spec['policyTypes'])}"
    for direction, word, peers in (("ingress", "in ", "from"), ("egress", "out", "to")):
        for rule in spec.get(direction, ()):
            ports = _listed(_port(each) for each in rule.get("ports", ())) or "every port"
            yield f"{word} {ports} {peers} {_listed(map(_peer, rule.get(peers, ()))) or 'anywhere'}"


def _port(port: Manifest) -> str:
    return "/".join(str(port[name]) for name in ("port", "protocol") if name in port)


def _peer(peer: Manifest) -> str:
    match peer:
        case {"ipBlock": block}:
            return _flow(block)
        case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name, **others}}} if not others:
            return _listed([f"namespace {name}", _fields(peer, "podSelector")])
        case {"podSelector": {"matchLabels": labels}} if len(peer) == 1:
            return f"pods {_pairs(labels)}"
    return _flow(peer)


def _deployment(spec: Manifest) -> Iterator[str]:
    yield _listed([_fields(spec, "replicas"), _fields(spec["strategy"], "rollingUpdate"), _selected(spec)])


def _stateful_set(spec: Manifest) -> Iterator[str]:
    claims = [f"{each['metadata']['name']} {_claim(each['spec'])}" for each in spec.get("volumeClaimTemplates", ())]
    yield _listed([_fields(spec, "serviceName"), *claims, _selected(spec)])


def _job(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, *_JOB)


def _cron_job(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "schedule", "concurrencyPolicy", "suspend", "startingDeadlineSeconds")
    yield from _job(spec["jobTemplate"]["spec"])


def _service(spec: Manifest) -> Iterator[str]:
    kind = _fields(spec, "type", "clusterIP", "publishNotReadyAddresses")
    yield _listed([kind, f"for pods {_pairs(spec['selector'])}"])
    yield from (_fields(each, "port", "name", "targetPort", "appProtocol") for each in spec["ports"])


def _ingress(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "ingressClassName", "tls")
    for rule in spec["rules"]:
        yield from (f"{rule['host']}{each['path']} to {_flow(each['backend'])}" for each in rule["http"]["paths"])


def _http_route(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "hostnames", "parentRefs")
    yield from (f"{_flow(rule['matches'])} to {_flow(rule['backendRefs'])}" for rule in spec["rules"])


def _scaled(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "fallback")
    yield _fields(spec, "pollingInterval", "cooldownPeriod", "advanced")
    for trigger in spec["triggers"]:
        own = {name: value for name, value in trigger["metadata"].items() if name not in _SAME_FOR_ALL}
        yield f"{trigger['type']} {_listed([_pairs(own), _fields(trigger, 'metricType', 'authenticationRef')])}"


def _authentication(spec: Manifest) -> Iterator[str]:
    yield from (f"{each['parameter']} is {each['key']} of {each['name']}" for each in spec["secretTargetRef"])


def _horizontal(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "minReplicas", "maxReplicas", "behavior")
    yield from (_fields(each, "containerResource") for each in spec["metrics"])


def _budget(spec: Manifest) -> Iterator[str]:
    yield _listed([_fields(spec, "maxUnavailable", "unhealthyPodEvictionPolicy"), _selected(spec)])


def _monitor(spec: Manifest) -> Iterator[str]:
    yield _selected(spec)
    yield from (_fields(each, "port", "path", "interval") for each in spec["podMetricsEndpoints"])


def _topic(spec: Manifest) -> Iterator[str]:
    yield _fields(spec, "topicName", "partitions", "replicas", "config")


def _account(each: Manifest) -> Iterator[str]:
    yield _fields(each, "automountServiceAccountToken")


_OWN: Mapping[str, Callable[[Manifest], Iterator[str]]] = {
    "CronJob": _cron_job,
    "Deployment": _deployment,
    "HTTPRoute": _http_route,
    "HorizontalPodAutoscaler": _horizontal,
    "Ingress": _ingress,
    "Job": _job,
    "KafkaTopic": _topic,
    "NetworkPolicy": _flows,
    "PodDisruptionBudget": _budget,
    "PodMonitor": _monitor,
    "ScaledObject": _scaled,
    "Service": _service,
    "ServiceAccount": _account,
    "StatefulSet": _stateful_set,
    "TriggerAuthentication": _authentication,
}


def _selected(spec: Manifest) -> str:
    """The pods that an object is for."""
    return f"for pods {_pairs((spec.get('selector') or spec['podSelector'])['matchLabels'])}"


def _fields(of: Manifest, *names: str) -> str:
    """Those of the fields that are there, by the names that Kubernetes has for them."""
    return _listed(f"{name} {_flow(of[name])}" for name in names if name in of)


def _pairs(labels: Mapping[str, Any]) -> str:
    return _listed(
        f"{name.removeprefix('app.kubernetes.io/')}={_flow(value)}" for name, value in sorted(labels.items())
    )


def _listed(parts: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(text for text in parts if text)


def _flow(value: Any) -> str:
    return str(value).replace("'", "")
