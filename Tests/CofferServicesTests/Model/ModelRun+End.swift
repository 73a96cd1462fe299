internal import Coffer
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Foundation

// What is left when all is done: what the model says, and after that nothing.
extension ModelRun {
    func end() async throws {
        say("the end")
        let kms = try await home.home.keyManagement()
        for key in model.disabledKeys {
            try await kms.enableKey(KeyReference(key.description), caller: root)
        }
        model.disabledKeys = []
        try await compareAll()
        for volume in model.volumes where volume.attachment != nil {
            try compareContent(volume)
            try await detach(volume, waits: true)
        }
        for volume in model.volumes where !volume.isFailed {
            try await compareContentOfUnattached(volume, isReadOnly: chance(50))
        }
        for snapshot in model.snapshots where !snapshot.isFailed { try await compareContent(snapshot) }
        try await compareAll()
        try await compareHome()
        for snapshot in model.snapshots { try await delete(snapshot) }
        for volume in model.volumes { try await delete(volume) }
        say("nothing is left")
        try await compareAll()
        try await compareHome()
        try requireNothing()
    }

    private func requireNothing() throws {
        for folder in ["volumes", "snapshots"] {
            let names = try home.folder.names(in: "home/\(folder)")
            guard names.isEmpty else { throw Difference("\(names) are left in \(folder)") }
        }
        // The runtime folder goes with the last volume, and its name with it.
        guard try home.hasRuntimeFolder else { return }
        let names = try FileManager.default.contentsOfDirectory(atPath: home.runtimeFolder)
        throw Difference("\(names) are left in the runtime folder")
    }

    /// After a failure: nothing stays mounted.
    func giveUp() async {
        await service.finishBegunWork()
        for volume in (try? await service.describeVolumes(caller: root)) ?? [] {
            // What cannot be detached was part of the failure.
            try? await service.detachVolume(volume.id.text, force: true, caller: root)
        }
    }
}
