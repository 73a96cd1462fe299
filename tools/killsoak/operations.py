"""The table of what is killed."""
from . import snapshot_operations as snapshots
from . import volume_operations as volumes
from .operation import Operation


def operations(binary):
    """Those that the binary has."""
    found = [
        snapshots.SnapshotRemove,
        snapshots.SnapshotRemoveNeeded,
        _of(snapshots.SnapshotCopy, "snapshot copy, same key", has_other_key=False),
        _of(snapshots.SnapshotCopy, "snapshot copy, other key", has_other_key=True),
        volumes.VolumeCreate,
        volumes.VolumeCreateFrom,
        volumes.VolumeAttach,
        volumes.Fill,
        volumes.VolumeMount,
        volumes.VolumeMountNew,
        volumes.DetachUnderSnapshot,
        _of(volumes.VolumeUndo, "volume detach", kind="raw", verb="detach"),
        _of(volumes.VolumeUndo, "volume unmount", kind="mounted", verb="unmount"),
        volumes.VolumeRekey,
        volumes.VolumeRemove,
    ]
    for kind in ("raw", "mounted", "detached"):
        kills = ("command",) if kind == "detached" else Operation.kills
        found.append(_of(snapshots.SnapshotCreate, f"snapshot create, {kind}", kind=kind))
        found.append(_of(volumes.VolumeModify, f"volume modify, {kind}", kind=kind, kills=kills))
    for verb, operation in (("reencrypt", volumes.VolumeReencrypt), ("clone", volumes.VolumeClone)):
        if verb in binary.volume_verbs:
            found.append(operation)
    for verb, operation in (("export", snapshots.SnapshotExport), ("import", snapshots.SnapshotImport)):
        if verb in binary.snapshot_verbs:
            found.append(operation)
    return found


def _of(operation, name, **more):
    return type(name, (operation,), {"name": name, **more})
