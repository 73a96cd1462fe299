internal import CofferBlock
internal import CofferEBS
internal import CofferShapes
internal import CofferTesting
internal import Glibc

// Attachments, and what is written and read through their files.
extension ModelRun {
    func attachVolume() async throws {
        guard let volume = volume() else { return try await createVolume() }
        guard model.volumes.count(where: { $0.attachment != nil }) < Self.mostAttached else {
            return try await detachVolume()
        }
        if chance(4) {
            say("attach an unknown volume")
            _ = try await attempt(.volumeNotFound) {
                try await self.attach(Self.unknownVolume, AttachOptions(), waits: true)
            }
            return
        }
        var options = AttachOptions(isReadOnly: chance(20))
        if chance(15) { options.device = one(of: ["/dev/sdf", "sdg", "/dev/xvdba"]) }
        try await attach(volume, options, waits: chance(50))
        if chance(60) { try await awaitFilled(volume.id) }
        if chance(40), let now = model.volume(volume.id.text) { try compareContent(now) }
    }

    func attach(_ volume: ModelVolume, _ options: AttachOptions, waits: Bool) async throws {
        let device = options.device ?? model.nextDevice
        var refusal: AWSError.Code?
        if volume.isFailed {
            refusal = .incorrectState
        } else if volume.attachment != nil {
            refusal = .volumeInUse
        } else if model.isTaken(device, but: volume.id) {
            refusal = .deviceInUse
        }
        let opens = model.isUsable(volume.key) && model.isUsable(volume.fillKey)
        say(
            "attach \(volume.name)\(options.isReadOnly ? " to read" : "")\(waits ? "" : ", answered at once")"
        )
        let later = opens ? nil : AWSError.Code.disabled
        let done: Void? = try await attempt(refusal ?? (waits ? later : nil)) {
            try await self.attach(volume.id.text, options, waits: waits)
        }
        await service.finishBegunWork()
        if done != nil, opens {
            let now = try await home.now(volume.id.text)
            guard let file = now.exposedFile else { throw Difference("there is no file") }
            let grants = volume.key == model.ownedKey ? [] : [volume.key]
            model.change(volume.id) { changed in
                changed.attachment = ModelVolume.Attachment(
                    device: device,
                    file: file,
                    isReadOnly: options.isReadOnly,
                    grants: grants
                )
            }
        }
        try await compare(volume.id)
    }

    private func attach(_ id: String, _ options: AttachOptions, waits: Bool) async throws {
        if waits {
            _ = try await service.attachVolume(id, options: options, caller: root)
        } else {
            let begun = try await service.beginAttachVolume(id, options: options, caller: root)
            guard begun.state == .attaching else { throw Difference("it begins as \(begun.state)") }
        }
    }

    // MARK: - Detach

    func detachVolume() async throws {
        guard let volume = volume(where: { $0.attachment != nil || chance(10) }) else { return }
        guard let attachment = volume.attachment else { return try await detachUnattached(volume) }
        if chance(10) {
            say("detach \(volume.name) of another device")
            let claim = AttachmentClaim(device: "/dev/sdz9")
            _ = try await attempt(.attachmentNotFound) {
                try await self.service.beginDetachVolume(volume.id.text, claim: claim, caller: self.root)
            }
            return try await compare(volume.id)
        }
        if chance(15) { try await detachOpen(volume, attachment) }
        try await detach(volume, waits: chance(50))
    }

    private func detachUnattached(_ volume: ModelVolume) async throws {
        say("detach \(volume.name), which is not attached")
        _ = try await attempt(.incorrectState) {
            try await self.service.beginDetachVolume(volume.id.text, caller: self.root)
        }
        try await compare(volume.id)
    }

    /// Refused while somebody has the file open; then it is there still.
    private func detachOpen(_ volume: ModelVolume, _ attachment: ModelVolume.Attachment) async throws {
        let waits = chance(50)
        say("detach \(volume.name), whose file is open\(waits ? "" : ", answered at once")")
        let file = try RawFile(attachment.file, O_RDONLY)
        if waits {
            _ = try await attempt(.volumeInUse) {
                try await self.service.detachVolume(volume.id.text, caller: self.root)
            }
        } else {
            _ = try await attempt(nil) {
                try await self.service.beginDetachVolume(volume.id.text, caller: self.root)
            }
            await service.finishBegunWork()
            model.change(volume.id) { $0.attachment?.isBusy = true }
        }
        try await compare(volume.id)
        guard try file.read(ModelContent.unitBytes, at: 0) == volume.content.bytes(0..<1) else {
            throw Difference("its file reads otherwise")
        }
    }

    func detach(_ volume: ModelVolume, waits: Bool) async throws {
        say("detach \(volume.name)\(waits ? "" : ", answered at once")")
        _ = try await attempt(nil) {
            if waits {
                try await self.service.detachVolume(volume.id.text, caller: self.root)
            } else {
                _ = try await self.service.beginDetachVolume(volume.id.text, caller: self.root)
            }
        }
        await service.finishBegunWork()
        model.change(volume.id) { $0.attachment = nil }
        try await settle(volume.id)
        try await compare(volume.id)
    }

    // MARK: - Data

    func writeVolume() async throws {
        guard let volume = volume(where: { $0.attachment != nil }), let attachment = volume.attachment
        else { return try await attachVolume() }
        say("write \(volume.name)")
        if attachment.isReadOnly {
            guard (try? RawFile(attachment.file)) == nil else {
                throw Difference("it is attached to read, and its file can be written")
            }
            return
        }
        let file = try RawFile(attachment.file)
        let total = Int(volume.shape.size) / ModelContent.unitBytes
        for _ in 0..<1 + below(3) {
            let count = min(total, [1, 1 + below(8), 128][below(3)])
            let first = count == 128 ? below(total / 128) * 128 : below(total - count + 1)
            let units = first..<first + count
            let seed = UInt8(below(5))
            let offset = first * ModelContent.unitBytes
            say("write \(volume.name), units \(units) of \(total), seed \(seed)")
            if seed == 0, chance(70) {
                try file.punch(at: offset, count: count * ModelContent.unitBytes)
            } else {
                var content = ModelContent()
                content.put(seed, units)
                let bytes = content.bytes(units)
                guard try file.write(bytes, at: offset) == bytes.count else { throw Difference("short") }
            }
            model.change(volume.id) { $0.content.put(seed, units) }
        }
        if chance(50), let now = model.volume(volume.id.text) { try compareContent(now) }
    }

    /// What was written is to be in a snapshot of now: all that a power cut would leave.
    func sync(_ volume: ModelVolume) async throws {
        guard let attachment = volume.attachment, !attachment.isReadOnly else { return }
        try RawFile(attachment.file).sync()
    }

    /// Reads all of an attached volume.
    func compareContent(_ volume: ModelVolume) throws {
        guard let attachment = volume.attachment else { return }
        let file = try RawFile(attachment.file, O_RDONLY)
        let total = Int(volume.shape.size) / ModelContent.unitBytes
        for first in stride(from: 0, to: total, by: 256) {
            let units = first..<min(total, first + 256)
            let found = try file.read(
                units.count * ModelContent.unitBytes,
                at: first * ModelContent.unitBytes
            )
            let expected = volume.content.bytes(units)
            guard found != expected else { continue }
            guard found.count == expected.count else { throw Difference("\(volume.name) is too short") }
            let at = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
            throw Difference(
                "\(volume.name) reads otherwise from byte \(first * ModelContent.unitBytes + (at?.offset ?? 0)) on: "
                    + "\(at?.element.0 ?? 0), and is to be \(at?.element.1 ?? 0)"
            )
        }
        guard try file.read(1, at: Int(volume.shape.size)).isEmpty else {
            throw Difference("\(volume.name) is too long")
        }
    }

    // MARK: - What goes on in the background

    /// Waits until all of a volume is under its own key.
    func awaitFilled(_ id: VolumeID) async throws {
        guard let volume = model.volume(id.text), volume.fillKey != nil, let attachment = volume.attachment,
            !attachment.isReadOnly
        else { return }
        try await until("\(volume.name) is filled") { try !self.isUnfilled(id) }
        model.change(id) { $0.fillKey = nil }
    }

    /// Waits until no daemon works on a volume, and looks how much of it has become its own.
    func settle(_ id: VolumeID) async throws {
        guard let volume = model.volume(id.text), volume.isAvailable else { return }
        try await until("nobody works on \(volume.name)") {
            try await self.home.now(id.text).attachment == .detached
        }
        let isUnfilled = try isUnfilled(id)
        guard !isUnfilled || volume.fillKey != nil else {
            throw Difference("\(volume.name) was filled, and is not")
        }
        if !isUnfilled { model.change(id) { $0.fillKey = nil } }
    }

    /// After work on a volume that nobody attaches. Of one that is filled nobody has to wait for the daemon's end.
    func settleIfUnfilled(_ id: VolumeID) async throws {
        guard model.volume(id.text)?.fillKey != nil else { return }
        try await settle(id)
    }

    private func isUnfilled(_ id: VolumeID) throws -> Bool {
        let store = try FileBlockStore(path: home.folder.path("home/volumes/\(id).coffer"), .readOnly)
        return try VolumeImage.unverifiedHeader(of: store).isUnfilled
    }

    /// Looks five hundred times a second.
    func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            guard ContinuousClock.now < deadline else { throw Difference("it takes a minute until \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
