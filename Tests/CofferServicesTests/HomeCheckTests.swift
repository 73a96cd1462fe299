internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferIdentity
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Testing

/// The check of a whole home, and its repair: each thing that can be left over, made by hand.
@Suite(.serialized, .mounts, .mountable)
struct HomeCheckTests {
    private static let strangeVolume = "vol-0123456789abcdef0"
    private static let strangeSnapshot = "snap-0123456789abcdef0"

    /// What is made by hand, and how the check names it.
    enum Leftover: String, CaseIterable, Sendable {
        case creation, failedCreation, deletion, modification
        case staleKeyInIndex, staleSizeInIndex, damagedHeaderCopy
        case mapsOfNoVolume, mapOfFilledVolume
        case attachment, grant, unknownGrant, notes, notesOfNoVolume, deviceLink, snapshotLock
        case tags, permissions, modificationsOfNoVolume
        case pendingSnapshot, failedSnapshot, unlistedSnapshot, snapshotState, emptySnapshotFolder,
            emptyLineage

        var code: String {
            switch self {
            case .creation: "creationInterrupted"
            case .failedCreation: "creationFailed"
            case .deletion: "deletionInterrupted"
            case .modification: "modificationInterrupted"
            case .staleKeyInIndex, .staleSizeInIndex: "indexStale"
            case .damagedHeaderCopy: "copyUnusable"
            case .mapsOfNoVolume, .mapOfFilledVolume, .snapshotState: "leftoverFile"
            case .attachment: "attachmentEnded"
            case .grant, .unknownGrant: "grantLeft"
            case .notes, .notesOfNoVolume, .deviceLink, .snapshotLock: "staleNotes"
            case .tags, .permissions, .modificationsOfNoVolume: "leftoverEntry"
            case .pendingSnapshot: "snapshotInterrupted"
            case .failedSnapshot: "snapshotFailed"
            case .unlistedSnapshot: "snapshotUnlisted"
            case .emptySnapshotFolder, .emptyLineage: "leftoverFolder"
            }
        }
    }

    /// What is nobody's to remove, or is lost.
    enum Damage: String, CaseIterable, Sendable {
        case missingFile, unlistedFile, noHeader, foreignFile, foreignNote, foreignSnapshot, missingSnapshot
        case missingFillMap

        var code: String {
            switch self {
            case .missingFile: "fileMissing"
            case .unlistedFile: "fileUnlisted"
            case .noHeader, .foreignFile, .foreignNote, .foreignSnapshot: "foreignFile"
            case .missingSnapshot: "snapshotMissing"
            case .missingFillMap: "fillMapMissing"
            }
        }
    }

    // MARK: - Leftovers

    @Test(arguments: Leftover.allCases)
    func `what is left over is found by a check that changes nothing, and cleaned up by a repair`(
        _ leftover: Leftover
    ) async throws {
        let home = try await VolumeHome()
        let kept = try await home.volume("kept")
        let snapshot = try await self.snapshot(of: kept, home)
        let clean = try await home.volumes.checkHome(caller: home.root)
        #expect(
            clean.isClean && clean.volumesChecked == 1 && clean.snapshotsChecked == 1,
            "\(clean.findings)"
        )
        try await make(leftover, home, kept, snapshot)

        let before = try tree(home)
        let found = try await home.volumes.checkHome(caller: home.root)
        #expect(try tree(home) == before)
        #expect(found.findings.contains { $0.code == leftover.code && $0.canBeRepaired }, "\(found.findings)")
        #expect(found.findings.allSatisfy { $0.canBeRepaired }, "\(found.findings)")

        let repair = try await home.volumes.repairHome(caller: home.root)
        #expect(repair.failed.isEmpty && repair.report.isClean, "\(repair.failed) \(repair.report.findings)")
        #expect(repair.mended.contains { $0.finding.code == leftover.code && !$0.words.isEmpty })
        let after = try await home.volumes.checkHome(caller: home.root)
        #expect(after.isClean, "\(after.findings)")
        #expect(try await home.now("kept").state == .available)
        #expect(try await home.volumes.describeSnapshots(caller: home.root).map(\.id.text) == [snapshot])
        let again = try await home.volumes.repairHome(caller: home.root)
        #expect(again.mended.isEmpty && again.failed.isEmpty)
        // What it begins with is there still.
        _ = try await restored(snapshot, home)
        try await attachAndDetach("kept", home)
    }

    @Test(arguments: Damage.allCases)
    func `what would be lost, or is not known, is named and never touched`(_ damage: Damage) async throws {
        let home = try await VolumeHome()
        let kept = try await home.volume("kept")
        let snapshot = try await self.snapshot(of: kept, home)
        try await make(damage, home, kept, snapshot)
        let before = try tree(home)
        let found = try await home.volumes.checkHome(caller: home.root)
        #expect(found.findings.map(\.code) == [damage.code], "\(found.findings)")
        #expect(found.findings.allSatisfy { !$0.canBeRepaired })
        let repair = try await home.volumes.repairHome(caller: home.root)
        #expect(repair.mended.isEmpty && repair.failed.isEmpty && !repair.report.isClean)
        #expect(try tree(home) == before)
    }

    @Test func `a volume's file that the index lost is adopted where it lies`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume("kept")
        try home.home.catalog.removeVolume(volume.id)
        let found = try await home.volumes.checkHome(caller: home.root)
        let finding = try #require(found.findings.first { $0.code == "fileUnlisted" })
        #expect(finding.sentence.contains("coffer volume adopt \(finding.resource)"))
        let adopted = try await home.volumes.adoptVolume(
            file: finding.resource,
            name: "kept",
            caller: home.root
        )
        #expect(adopted.id == volume.id)
        #expect(try await home.volumes.checkHome(caller: home.root).isClean)
        try await attachAndDetach("kept", home)
        let again = await refusal {
            try await home.volumes.adoptVolume(file: finding.resource, name: nil, caller: home.root)
        }
        #expect(again?.code == .invalidParameterValue)
        #expect(FileManager.default.fileExists(atPath: finding.resource))
    }

    @Test func `a modification that was cut short ends as what the volume is`() async throws {
        let home = try await VolumeHome()
        let id = try await home.volume("kept").id
        let record = try #require(try home.home.catalog.volume(id: id))
        for (bytes, state) in [(UInt64(1 << 20), "completed"), (UInt64(2 << 20), "failed")] {
            var target = record.shape
            target.sizeBytes = bytes
            _ = try home.home.catalog.begin(
                ModificationRecord(
                    volume: id,
                    original: record.shape,
                    target: target,
                    started: SystemClock().now
                )
            )
            let repair = try await home.volumes.repairHome(caller: home.root)
            #expect(repair.report.isClean && repair.mended.count == 1)
            let newest = try await home.volumes.describeVolumesModifications(
                ResourceQuery(),
                caller: home.root
            )
            #expect(newest.items.map(\.state.rawValue) == [state])
        }
    }

    // MARK: - What is no finding

    @Test func `attached volumes and commands at work are busy, and no damage`() async throws {
        let home = try await VolumeHome()
        let kept = try await home.volume("kept")
        _ = try await home.volumes.attachVolume("kept", options: AttachOptions(), caller: home.root)
        #expect(try await home.volumes.checkHome(caller: home.root).isClean)
        #expect(try await home.volumes.repairHome(caller: home.root).mended.isEmpty)
        #expect(try await home.now("kept").state == .inUse)
        try await home.volumes.detachVolume("kept", caller: home.root)

        try home.home.catalog.change(kept.id) { $0.stage = .creating }
        let lock = try RawFile("\(home.runtimeFolder)/\(kept.id)/lock", O_RDWR | O_CREAT)
        #expect(flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0)
        let report = try await home.volumes.checkHome(caller: home.root)
        #expect(report.isClean && report.busy == [kept.id.text] && report.volumesChecked == 0)
        #expect(try await home.volumes.repairHome(caller: home.root).mended.isEmpty)
        #expect(try home.home.catalog.volume(id: kept.id)?.stage == .creating)
        withExtendedLifetime(lock) {}
    }

    @Test func `what a disabled key keeps from being authenticated is said, and is no damage`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let volume = try await home.volume("kept", key: key)
        let snapshot = try await self.snapshot(of: volume, home)
        try await home.home.keyManagement().disableKey(.id(key.keyID), caller: home.root)
        let report = try await home.volumes.checkHome(caller: home.root)
        #expect(report.isClean && report.unauthenticated.map(\.resource) == [volume.id.text, snapshot])
        #expect(report.unauthenticated.allSatisfy { $0.why.contains("DisabledException") })
    }

    @Test func `a flipped bit in a snapshot's blocks is found where they are read`() async throws {
        let home = try await VolumeHome()
        let volume = try await home.volume("kept")
        _ = try await self.snapshot(of: volume, home)
        let folder = "\(home.folder.path("home"))/snapshots"
        let lineage = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasPrefix("lineage-") }
        )
        let pack = try RawFile("\(folder)/\(lineage)/pack-1")
        let end = Int(lseek(pack.descriptor, 0, SEEK_END))
        let byte = try pack.read(1, at: end - 1000)[0]
        try pack.write([byte ^ 1], at: end - 1000)
        let read = try await home.volumes.checkHome(.snapshots, caller: home.root)
        #expect(
            read.findings.map(\.code) == ["blockDamaged"] && read.findings.allSatisfy { !$0.canBeRepaired }
        )
        let quick = try await home.volumes.checkHome(readsBlocks: false, caller: home.root)
        #expect(quick.isClean && quick.blocksRead == 0)
    }

    @Test func `checking needs ec2:DescribeVolumeStatus, repairing ec2:ModifyVolume, on all`() async throws {
        let home = try await VolumeHome()
        let nobody = try await home.user("nobody")
        let reader = try await home.user(
            "reader",
            #"{"Effect":"Allow","Action":"ec2:DescribeVolumeStatus","Resource":"*"}"#
        )
        let mender = try await home.user(
            "mender",
            #"{"Effect":"Allow","Action":"ec2:ModifyVolume","Resource":"*"}"#
        )
        for (caller, mayCheck, mayRepair) in [
            (nobody, false, false), (reader, true, false), (mender, false, true),
        ] {
            let check = await refusal { try await home.volumes.checkHome(caller: caller) }
            #expect((check == nil) == mayCheck)
            let repair = await refusal { try await home.volumes.repairHome(caller: caller) }
            #expect((repair == nil) == mayRepair)
            #expect(
                [check, repair].compactMap(\.self).allSatisfy { $0.code.name == "UnauthorizedOperation" }
            )
        }
    }

    // MARK: - Parts

    /// A snapshot of a volume with one block in it.
    @Test func `what a volume is filled from stays, though the index has lost the volume`() async throws {
        let home = try await VolumeHome()
        let kept = try await home.volume("kept")
        let snapshot = try await self.snapshot(of: kept, home)
        let made = try await home.volumes.createVolume(
            VolumeHome.request { ($0.snapshot, $0.sizeBytes) = (snapshot, 0) },
            caller: home.root
        )
        let file = made.backingFile
        try home.home.catalog.removeVolume(made.id)
        // Removed, it is kept for the volume, which only its file and its fill map tell of.
        try await home.volumes.deleteSnapshot(snapshot, caller: home.root)
        let manifest = "\(home.home.path)/snapshots/\(snapshot)/manifest.retired"
        #expect(FileManager.default.fileExists(atPath: manifest))
        _ = try await home.volumes.repairHome(caller: home.root)
        #expect(FileManager.default.fileExists(atPath: manifest))
        let adopted = try await home.volumes.adoptVolume(file: file, name: "back", caller: home.root)
        #expect(try await home.now("back").snapshotID?.text == snapshot)
        try await home.volumes.deleteVolume(adopted.id.text, caller: home.root)
        #expect(!FileManager.default.fileExists(atPath: manifest))
    }

    private func snapshot(of volume: Volume, _ home: VolumeHome) async throws -> String {
        let attachment = try await home.volumes.attachVolume(
            volume.id.text,
            options: AttachOptions(),
            caller: home.root
        )
        try RawFile(attachment.exposedFile).write(Array(repeating: 7, count: 8192), at: 0)
        let begun = try await home.volumes.createSnapshot(
            CreateSnapshotRequest(volume: volume.id.text, name: "kept"),
            caller: home.root
        )
        for _ in 0..<1000 {
            let now = try await home.volumes.describeSnapshots([begun.id.text], caller: home.root)[0]
            if now.state == .completed { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        try await home.volumes.detachVolume(volume.id.text, caller: home.root)
        return begun.id.text
    }

    private func restored(_ snapshot: String, _ home: VolumeHome) async throws -> Volume {
        var request = CreateVolumeRequest(sizeBytes: 0)
        request.snapshot = snapshot
        return try await home.volumes.createVolume(request, caller: home.root)
    }

    private func attachAndDetach(_ name: String, _ home: VolumeHome) async throws {
        _ = try await home.volumes.attachVolume(name, options: AttachOptions(), caller: home.root)
        try await home.volumes.detachVolume(name, caller: home.root)
    }

    /// Every file, folder and link of what a check looks at, with its content.
    private func tree(_ home: VolumeHome) throws -> [String: Data] {
        var tree: [String: Data] = [:]
        let folder = home.folder.path("home")
        for place in ["\(folder)/volumes", "\(folder)/snapshots", try home.runtimeFolder] {
            tree[place] = Data()
            for name in try FileManager.default.subpathsOfDirectory(atPath: place) {
                let path = "\(place)/\(name)"
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
                tree[path] =
                    link.map { Data($0.utf8) } ?? FileManager.default.contents(atPath: path) ?? Data()
            }
        }
        for name in ["catalog.sqlite", "catalog.sqlite-journal", "catalog.sqlite-wal"] {
            tree[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
        }
        return tree
    }

    private func write(_ path: String, _ text: String = "x") throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func record(_ stage: SnapshotRecord.Stage, like snapshot: String, _ home: VolumeHome) throws {
        let id = try #require(SnapshotID(snapshot))
        let model = try #require(try home.home.catalog.snapshot(id: id))
        var record = SnapshotRecord(
            id: try #require(SnapshotID(Self.strangeSnapshot)),
            volume: model.volume,
            sizeBytes: model.sizeBytes,
            region: model.region,
            kmsKeyARN: model.kmsKeyARN,
            isEncrypted: true,
            description: "",
            started: model.started
        )
        record.stage = stage
        try home.home.catalog.insert(record)
    }

    private func make(
        _ leftover: Leftover,
        _ home: VolumeHome,
        _ kept: Volume,
        _ snapshot: String
    ) async throws {
        let catalog = home.home.catalog
        let folder = home.folder.path("home")
        let volumes = "\(folder)/volumes"
        let strange = try #require(VolumeID(Self.strangeVolume))
        switch leftover {
        case .creation:
            try catalog.change(try await home.volume().id) { $0.stage = .creating }
        case .failedCreation:
            try catalog.change(try await home.volume().id) { ($0.stage, $0.failure) = (.failed, "no room") }
        case .deletion:
            let id = try await home.volume().id
            try catalog.change(id) { $0.stage = .deleting }
            try FileManager.default.removeItem(atPath: "\(volumes)/\(id).coffer")
        case .modification:
            let shape = try #require(try catalog.volume(id: kept.id)).shape
            _ = try catalog.begin(
                ModificationRecord(volume: kept.id, original: shape, target: shape, started: kept.created)
            )
        case .staleKeyInIndex:
            let other = try await home.key().arn
            try catalog.change(kept.id) { $0.kmsKeyARN = other }
        case .staleSizeInIndex:
            try catalog.change(kept.id) { $0.sizeBytes /= 2 }
        case .damagedHeaderCopy:
            try RawFile("\(volumes)/\(kept.id).coffer").write(Array(repeating: 0xEE, count: 64), at: 128)
        case .mapsOfNoVolume:
            for kind in ["fill", "changed"] { try write("\(volumes)/\(strange).\(kind)") }
        case .mapOfFilledVolume: try write("\(volumes)/\(kept.id).fill")
        case .attachment:
            try catalog.putAttachment(
                AttachmentEntry(
                    volume: kept.id,
                    instance: home.volumes.instanceID,
                    device: "/dev/sdf",
                    attached: kept.created,
                    stage: .attached
                )
            )
        case .grant:
            try catalog.putGrant(GrantEntry(name: "cut-short", volume: kept.id, key: kept.kmsKeyARN))
        case .unknownGrant:
            // As one that somebody has revoked.
            let id = String(repeating: "0", count: 64)
            let key = try await home.key().arn
            try catalog.putGrant(GrantEntry(name: "gone", volume: strange, key: key, grantID: id))
        case .notes:
            try write("\(home.runtimeFolder)/\(kept.id)/attachment.json", "{}")
        case .notesOfNoVolume: try write("\(home.runtimeFolder)/\(strange)/lock", "")
        case .deviceLink:
            let links = "\(try home.runtimeFolder)/by-device"
            try? FileManager.default.createDirectory(atPath: links, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(
                atPath: "\(links)/sdq",
                withDestinationPath: "../\(strange)/volume"
            )
        case .snapshotLock: try write("\(home.runtimeFolder)/\(Self.strangeSnapshot).lock", "")
        case .tags: try catalog.putTags([Tag(key: "a", value: "b")], on: [Self.strangeVolume])
        case .permissions:
            try record(.failed, like: snapshot, home)
            let id = try #require(SnapshotID(Self.strangeSnapshot))
            try catalog.changePermissions(of: id, adding: [.account(VolumeHome.account)])
            // As a version of this program that knew of no permissions leaves them.
            let gone = try SQLite.run(
                "\(folder)/catalog.sqlite",
                "DELETE FROM snapshot WHERE id = '\(id)'; SELECT count(*) FROM snapshotPermission"
            )
            #expect(gone == "1")
        case .modificationsOfNoVolume:
            let shape = try #require(try catalog.volume(id: kept.id)).shape
            let id = try await home.volume().id
            _ = try catalog.begin(
                ModificationRecord(volume: id, original: shape, target: shape, started: kept.created)
            )
            _ = try await home.volumes.deleteVolume(id.text, caller: home.root)
            _ = try catalog.begin(
                ModificationRecord(volume: id, original: shape, target: shape, started: kept.created)
            )
        case .pendingSnapshot: try record(.pending, like: snapshot, home)
        case .failedSnapshot: try record(.failed, like: snapshot, home)
        case .unlistedSnapshot: try catalog.removeSnapshot(try #require(SnapshotID(snapshot)))
        case .snapshotState: try write("\(folder)/snapshots/\(snapshot)/state")
        case .emptySnapshotFolder: try makeFolder("\(folder)/snapshots/\(Self.strangeSnapshot)")
        case .emptyLineage:
            try write("\(folder)/snapshots/lineage-01234567-89ab-4def-8123-456789abcdef/lock", "")
        }
    }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    private func make(_ damage: Damage, _ home: VolumeHome, _ kept: Volume, _ snapshot: String) async throws {
        let catalog = home.home.catalog
        let folder = home.folder.path("home")
        switch damage {
        case .missingFile:
            try FileManager.default.removeItem(atPath: "\(folder)/volumes/\(kept.id).coffer")
        case .unlistedFile:
            let id = try await home.volume().id
            try catalog.removeVolume(id)
            try FileManager.default.removeItem(atPath: "\(try home.runtimeFolder)/\(id)")
        case .noHeader: try write("\(folder)/volumes/\(Self.strangeVolume).coffer")
        case .foreignFile: try write("\(folder)/volumes/notes.txt")
        case .foreignNote: try write("\(home.runtimeFolder)/notes.txt")
        case .foreignSnapshot: try write("\(folder)/snapshots/notes.txt")
        case .missingSnapshot: try record(.completed, like: snapshot, home)
        case .missingFillMap:
            let made = try await restored(snapshot, home)
            try FileManager.default.removeItem(atPath: "\(folder)/volumes/\(made.id).fill")
        }
    }
}
