internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// Both copies of a volume's header as they were read, and what follows from them. Nothing here is
/// authenticated before `authenticate` has passed.
public struct HeaderReading: Sendable {
    /// One copy: its bytes, and what they say or why they say nothing.
    struct Copy: Sendable {
        let bytes: [UInt8]
        let outcome: Result<VolumeHeader, CopyFault>

        /// `bytes` is shorter than a copy where the store ends.
        init(_ bytes: [UInt8], at place: HeaderCopy) {
            self.bytes = bytes
            guard bytes.count == HeaderLayout.copyBytes else {
                outcome = .failure(.missing)
                return
            }
            outcome = Result { () throws(CopyFault) in try VolumeHeader(parsing: bytes, at: place) }
        }

        var header: VolumeHeader? { try? outcome.get() }
    }

    let copies: [Copy]
    let expectedID: VolumeID
    /// The size of the store when it was read.
    public let storeBytes: UInt64

    /// Why a copy cannot be used; nil for a good one.
    public func fault(of place: HeaderCopy) -> CopyFault? {
        guard case .failure(let fault) = self[place].outcome else { return nil }
        return fault
    }

    /// What a good copy says; nil for a bad one.
    public func header(in place: HeaderCopy) -> VolumeHeader? { self[place].header }

    /// The copies that cannot be used.
    public var damagedCopies: [HeaderCopy] { HeaderCopy.allCases.filter { fault(of: $0) != nil } }

    /// The good copy with the higher sequence; A where both have the same.
    public var source: HeaderCopy? {
        switch (header(in: .a), header(in: .b)) {
        case (nil, nil): nil
        case (_?, nil): .a
        case (nil, _?): .b
        case (let a?, let b?): b.sequence > a.sequence ? .b : .a
        }
    }

    /// Throws where a copy is whole and of a newer format: no older copy beside it may be used, and nothing written.
    func refuseNewerFormat() throws(HeaderError) {
        for place in HeaderCopy.allCases {
            if case .version(let major) = fault(of: place) { throw .newerVersion(major) }
            if case .features = fault(of: place) { throw .unsupportedFeatures }
        }
    }

    /// The newest good header, unauthenticated. Throws where there is none that this version may use, and
    /// where it names another volume.
    public func newest() throws(HeaderError) -> VolumeHeader {
        try refuseNewerFormat()
        guard let source, let header = header(in: source) else {
            throw .noGoodCopy(a: fault(of: .a) ?? .missing, b: fault(of: .b) ?? .missing)
        }
        guard header.volumeID == expectedID else {
            throw .otherVolume(expected: expectedID, found: header.volumeID)
        }
        return header
    }

    /// The newest good header, once its authentication code has been found right under this volume key and
    /// its data fits the store. A copy whose checksum is right and whose code is wrong was changed on
    /// purpose: no other copy is tried in its place.
    public func authenticate(_ volumeKey: borrowing VolumeKey) throws(HeaderError) -> VolumeHeader {
        let header = try newest()
        guard let source, try isAuthentic(source, volumeKey) else { throw .tampered }
        try header.requireKnownFeatures()
        try requireRoom(for: header)
        return header
    }

    /// Throws where the store ends before the volume's data does.
    func requireRoom(for header: VolumeHeader) throws(HeaderError) {
        // Geometry bounds both addends: no overflow.
        guard header.geometry.storeBytes <= storeBytes else {
            throw .storeTooSmall(needed: header.geometry.storeBytes, present: storeBytes)
        }
    }

    /// Whether a good copy has the right authentication code.
    func isAuthentic(_ place: HeaderCopy, _ volumeKey: borrowing VolumeKey) throws(HeaderError) -> Bool {
        guard let header = header(in: place) else { return false }
        return VolumeHeader.isAuthentic(self[place].bytes, macKey: try header.macKey(from: volumeKey))
    }

    subscript(place: HeaderCopy) -> Copy { copies[place.rawValue] }
}

extension VolumeHeader {
    /// Throws where this header, which is authentic, uses what this version does not know.
    func requireKnownFeatures() throws(HeaderError) {
        guard flags.incompatible & ~HeaderFlags.unfilledBit == 0, !records.contains(where: \.mustBeUnderstood)
        else {
            throw .unsupportedFeatures
        }
    }

    func macKey(from volumeKey: borrowing VolumeKey) throws(HeaderError) -> SecretBytes {
        do {
            return try volumeKey.headerMACKey(salt: salt, uuid: uuid)
        } catch {
            throw .crypto
        }
    }
}
