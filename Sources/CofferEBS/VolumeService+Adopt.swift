internal import CofferBlock
internal import CofferCatalog
internal import CofferCrypto
public import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

extension VolumeService {
    /// Takes a volume's file that was made elsewhere into this home, under its own id: the file gets a second name among
    /// the home's volumes, and stays where it is. What it takes to attach it is leave to use its KMS key.
    public func adoptVolume(file: String, name: String?, caller: Caller) async throws -> Volume {
        try await requirePermission("ec2:ImportVolume", on: [wildcard("volume", caller)], caller: caller)
        if let name { try Self.checkName(name) }
        let store: FileBlockStore
        do {
            store = try FileBlockStore(path: file, .readOnly)
        } catch {
            throw Self.error(error, "opening \(file)")
        }
        // Without the volume key nothing in a header is certain: attaching checks its code, and refuses what is not true.
        let header = try translating("reading the header of \(file)") {
            try VolumeImage.unverifiedHeader(of: store)
        }
        guard let slot = header.activeSlot else { throw AWSError(.damaged, "\(file) holds no volume key") }
        let id = header.volumeID
        let lock = try runtime.lock(id)
        defer { withExtendedLifetime(lock) {} }
        if try catalog.volume(id: id) != nil {
            throw AWSError(.invalidParameterValue, "this home has the volume \(id) already")
        }
        let wasThere = Self.isSame(file, paths.file(id))
        try link(file, id)
        var record = VolumeRecord(
            id: id,
            sizeBytes: header.geometry.volumeBytes,
            dataUnitBytes: header.geometry.dataUnitBytes,
            cipherName: header.geometry.cipher.name,
            kmsKeyARN: slot.wrapped.keyARN,
            created: clock.now,
            region: region(of: caller)
        )
        // What it is filled from stays until it is.
        if header.isUnfilled { record.snapshot = header.parentSnapshot }
        record.isEncrypted = !slot.wrapped.keyARN.isAWSOwnedKey
        if let name { record.tags = [Tag(key: VolumeRecord.nameTag, value: name)] }
        do {
            try catalog.insert(record, namesApart: true)
        } catch {
            // The only name of a volume that the index had lost stays.
            if !wasThere { unsafe unlink(paths.file(id)) }
            throw error
        }
        try catalog.markCreated(id)
        logger.info("adopted volume", metadata: ["volume": "\(id)", "file": "\(file)"])
        record.stage = .ready
        return try describe(record)
    }

    private func link(_ file: String, _ id: VolumeID) throws {
        let path = paths.file(id)
        if Self.isSame(file, path) { return }
        guard unsafe Glibc.link(file, path) == 0 else {
            let code = errno
            throw AWSError(
                .internalError,
                "cannot link \(file) into the home: \(SystemError.text(code))",
                hint: code == EXDEV
                    ? "copy it onto the home's filesystem first: `cp --sparse=always \(file) \(paths.volumesFolder)/`"
                    : nil
            )
        }
        try paths.syncVolumesFolder()
    }

    /// Whether both are one file.
    private static func isSame(_ file: String, _ path: String) -> Bool {
        var (one, other) = (stat(), stat())
        return unsafe stat(file, &one) == 0 && lstat(path, &other) == 0
            && one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }
}
