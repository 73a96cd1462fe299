internal import CofferBlock
internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import Glibc

// Files and notes against the index.
extension VolumeService {
    // MARK: - The folder of volumes

    /// `names` were in the folder before the index was read.
    func inspectFiles(_ names: [String], _ report: inout HomeReport) throws {
        let known = Set(try catalog.volumes().map(\.id))
        for name in names where name != "lost+found" {
            let path = "\(paths.volumesFolder)/\(name)"
            guard let (id, kind) = Self.parts(name) else {
                report.findings.append(
                    HomeFinding(.foreignFile, path, "\(path) is no part of a volume")
                )
                continue
            }
            if known.contains(id) || !FolderNames.exists(path) { continue }
            guard !runtime.isLocked(id) else {
                report.busy.insert(id.text)
                continue
            }
            if kind == "coffer" {
                report.findings.append(unlisted(id, path))
            } else if !FolderNames.exists(paths.file(id)) {
                let sentence = "\(path) is left over: there is no volume \(id)"
                report.findings.append(HomeFinding(.leftoverFile, path, sentence, .removeMaps(id)))
            }
        }
    }

    /// The volume and the kind of a file of that name; nil for any other name.
    private static func parts(_ name: String) -> (VolumeID, kind: String)? {
        guard let dot = name.firstIndex(of: "."), let id = VolumeID(String(name[..<dot])) else { return nil }
        let kind = String(name[name.index(after: dot)...])
        return ["coffer", "fill", "changed"].contains(kind) ? (id, kind) : nil
    }

    private func unlisted(_ id: VolumeID, _ path: String) -> HomeFinding {
        let store = try? FileBlockStore(path: path, .readOnly)
        let header = store.flatMap { try? VolumeImage.unverifiedHeader(of: $0) }
        guard header?.volumeID == id else {
            return HomeFinding(.foreignFile, path, "\(path) has a volume's name, and no header of one")
        }
        return HomeFinding(
            .fileUnlisted,
            path,
            "\(path) is a volume that the index does not have: take it in with `coffer volume adopt \(path)`"
        )
    }

    // MARK: - The runtime folder

    func inspectNotes(_ report: inout HomeReport) throws {
        guard FolderNames.exists(runtime.path) else { return }
        let databases = Set(try catalog.databases().map { RuntimeFolder.databaseFolderName($0.identifier) })
        for name in try FolderNames.sorted(in: runtime.path)
        where name != RuntimeFolder.linkFolderName && !databases.contains(name) {
            let path = "\(runtime.path)/\(name)"
            if let id = VolumeID(name) {
                try inspectNotes(of: id, path, &report)
            } else if let id = runtime.lockedSnapshot(name) {
                if runtime.isLocked(id) {
                    report.busy.insert(id.text)
                } else {
                    let sentence = "\(path) is left over from work on snapshot \(id) that ended"
                    report.findings.append(HomeFinding(.staleNotes, path, sentence, .unlock(id)))
                }
            } else {
                report.findings.append(HomeFinding(.foreignFile, path, "\(path) is no note of an attachment"))
            }
        }
        for (link, id) in try runtime.deviceLinks() {
            guard let id else {
                report.findings.append(HomeFinding(.foreignFile, link, "\(link) is no link to a volume"))
                continue
            }
            guard !runtime.isLocked(id), !FolderNames.exists(runtime.volumeLink(id)) else { continue }
            let sentence = "\(link) leads to volume \(id), which is not attached"
            report.findings.append(HomeFinding(.staleNotes, link, sentence, .clearNotes(id)))
        }
    }

    private func inspectNotes(of id: VolumeID, _ path: String, _ report: inout HomeReport) throws {
        // Before the index: whoever makes a volume has the lock first.
        guard !runtime.isLocked(id) else {
            report.busy.insert(id.text)
            return
        }
        let isListed = try catalog.volume(id: id) != nil
        let isAttached = runtime.inspect(id, file: paths.file(id)).state != .detached
        if isAttached {
            if isListed { return }
            let sentence = "volume \(id) is attached, and the index does not have it"
            report.findings.append(HomeFinding(.daemonUnlisted, id.text, sentence))
        } else if !isListed {
            let isOwn = try FolderNames.sorted(in: path).allSatisfy(runtime.noteNames(id).contains)
            let sentence = "\(path) is left over: there is no volume \(id)"
            report.findings.append(HomeFinding(.staleNotes, path, sentence, isOwn ? .removeNotes(id) : nil))
        } else if runtime.hasNotes(id) {
            let sentence = "\(path) tells of an attachment of volume \(id) that is no more"
            report.findings.append(HomeFinding(.staleNotes, path, sentence, .clearNotes(id)))
        }
    }

    // MARK: - What the index has of volumes that are gone, and of attachments that ended

    func inspectEntries(_ report: inout HomeReport) throws {
        let volumes = Set(try catalog.volumes().map(\.id))
        // Each is looked up once more: it may have been on its way when the list was read.
        for entry in try deadAttachments() {
            guard try catalog.attachment(of: entry.volume) == entry else { continue }
            let sentence =
                "the index has volume \(entry.volume) as \(entry.stage.rawValue), and it is not attached"
            report.findings.append(
                HomeFinding(.attachmentEnded, entry.volume.text, sentence, .endAttachment(entry.volume))
            )
        }
        for entry in try catalog.grants() where !runtime.isLocked(entry.volume) {
            guard runtime.inspect(entry.volume, file: paths.file(entry.volume)).state == .detached,
                !runtime.isLocked(entry.volume), try catalog.grants(of: entry.volume).contains(entry)
            else { continue }
            let sentence =
                "the grant on \(entry.key) of an attachment of volume \(entry.volume) that ended is not retired"
            report.findings.append(
                HomeFinding(.grantLeft, entry.volume.text, sentence, .retireGrants(entry.volume))
            )
        }
        let snapshots = try catalog.snapshots().map(\.id.text)
        let bearers = Set(volumes.map(\.text)).union(snapshots)
        for resource in Set(try catalog.allTags().map(\.resource)).subtracting(bearers).sorted() {
            let sentence = "the index has tags of \(resource), which is gone"
            report.findings.append(HomeFinding(.leftoverEntry, resource, sentence, .removeTags(resource)))
        }
        for snapshot in try catalog.sharedSnapshots().subtracting(snapshots).sorted() {
            let sentence = "the index has permissions of \(snapshot), which is gone"
            report.findings.append(
                HomeFinding(.leftoverEntry, snapshot, sentence, .removePermissions(snapshot))
            )
        }
        for modification in try catalog.newestModifications() where !volumes.contains(modification.volume) {
            let sentence = "the index has modifications of volume \(modification.volume), which is gone"
            report.findings.append(
                HomeFinding(
                    .leftoverEntry,
                    modification.volume.text,
                    sentence,
                    .removeModifications(modification.volume)
                )
            )
        }
    }
}
