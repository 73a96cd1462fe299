"""Files of a home that nobody owns."""
import os
import re


def stray_files(home):
    """Files that no volume and no snapshot owns. Lineages are shared: they must go with the last snapshot."""
    volumes, snapshots = home.volumes(), home.snapshots()
    # Removed while a volume read it; it goes with some later command.
    retired = ["manifest.retired"] if volumes else None
    found = []
    for name in names(f"{home.path}/volumes"):
        match = re.fullmatch(r"(vol-[0-9a-f]{17})\.(coffer|changed|fill)", name)
        if not match or match[1] not in volumes:
            found.append(f"volumes/{name}")
    for name in names(f"{home.path}/snapshots"):
        inside = names(f"{home.path}/snapshots/{name}")
        if name in snapshots:
            found += [f"snapshots/{name}/{each}" for each in inside if each != "manifest"]
        elif name.startswith("snap-") and inside != retired:
            found.append(f"snapshots/{name}")
        elif not snapshots and not any(names(f"{home.path}/volumes")):
            found.append(f"snapshots/{name}")
    for name in names(home.runtime):
        if name.startswith("vol-"):
            kept = {"lock", "volumed.log"} if name in volumes else set()
            inside = names(f"{home.runtime}/{name}")
            found += [f"{home.runtime}/{name}/{each}" for each in inside if each not in kept]
            if name not in volumes:
                found.append(f"{home.runtime}/{name}")
    for name in names(f"{home.runtime}/by-device"):
        if name != "dev":
            found.append(f"{home.runtime}/by-device/{name}")
    return found


def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
