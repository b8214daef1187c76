"""Backups and restores in a few lines, for people and as JSON."""

from typing import Any

from services.standalone.backup.manifest import Manifest
from services.standalone.backup.restoring import Restored
from shared.words import counted


def backup_json(manifest: Manifest) -> dict[str, Any]:
    """What a backup holds, without the names of its parts."""
    return {
        "backup": manifest.name,
        "program": manifest.program,
        "schema_revision": manifest.schema_revision,
        "rows": {table.name: table.rows for table in manifest.tables},
        "objects": manifest.objects,
        "object_bytes": manifest.object_bytes,
        "without": manifest.without,
        "audit_entries": manifest.audit_entries,
        "audit_head": manifest.audit_head,
    }


def backup_line(manifest: Manifest) -> str:
    """One line: counts, and the audit record's head, which is worth noting elsewhere."""
    entries = counted(manifest.audit_entries, "audit entry", "audit entries")
    without = f", without {', '.join(manifest.without)}" if manifest.without else ""
    return (
        f"{manifest.name}: {counted(manifest.rows, 'row')}, {counted(manifest.objects, 'object')} "
        f"({manifest.object_bytes / 1e9:.1f} GB){without}; {entries}, head {manifest.audit_head or 'none'}"
    )


def restored_json(restored: Restored) -> dict[str, Any]:
    """The outcome of a restore."""
    return {
        "backup": restored.backup.name,
        "rows": restored.rows,
        "objects": restored.objects,
        "erased_again": restored.erased_again,
        "unknown_erasures": restored.unknown_erasures,
        "audit": {"intact": restored.audit.intact, "entries": restored.audit.entries, "head": restored.audit.head},
    }


def restored_line(restored: Restored) -> str:
    """One line: counts, what was erased again, and whether the audit record is intact."""
    erased = f"; {counted(restored.erased_again, 'case')} erased again" if restored.erased_again else ""
    entries = counted(restored.audit.entries, "audit entry", "audit entries")
    return (
        f"restored {restored.backup.name}: {counted(restored.rows, 'row')}, {counted(restored.objects, 'object')}"
        f"{erased}; {entries}, {'intact' if restored.audit.intact else restored.audit.problem}"
    )
