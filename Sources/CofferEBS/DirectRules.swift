internal import CofferCatalog
internal import CofferCrypto
internal import CofferShapes

/// What a request for a snapshot to write may hold. Pure.
enum DirectRules {
    private static let sizesGiB = 1...65_536
    private static let timeouts = 10...4320

    static func check(
        _ request: StartSnapshotRequest,
        parent: SnapshotRecord?,
        isEncryptedByDefault: Bool
    ) throws {
        guard sizesGiB.contains(request.volumeSizeGiB) else {
            throw DirectError.validation(
                .invalidVolumeSize,
                "A volume has \(sizesGiB.lowerBound) to \(sizesGiB.upperBound) GiB, not \(request.volumeSizeGiB)."
            )
        }
        guard timeouts.contains(request.timeoutMinutes) else {
            throw DirectError.validation(
                .invalidParameterValue,
                "A timeout has \(timeouts.lowerBound) to \(timeouts.upperBound) minutes, not \(request.timeoutMinutes)."
            )
        }
        try checkEncryption(request, parent: parent, isByDefault: isEncryptedByDefault)
        if let parent, UInt64(request.volumeSizeGiB) << 30 < parent.sizeBytes {
            throw DirectError.validation(
                .invalidVolumeSize,
                "The parent snapshot '\(parent.id)' has \(VolumeLimits.gibibytes(parent.sizeBytes)) GiB, and "
                    + "no child has less."
            )
        }
        do {
            try TagRules.check(request.tags)
        } catch let error as AWSError { throw DirectError.validation(.invalidTag, error.message) }
        do {
            try SnapshotRules.check(name: nil, description: request.description, [])
        } catch let error as AWSError { throw DirectError.validation(.invalidParameterValue, error.message) }
    }

    /// Which combinations there are. (EBS user guide, "Encryption outcomes for EBS direct APIs".)
    private static func checkEncryption(
        _ request: StartSnapshotRequest,
        parent: SnapshotRecord?,
        isByDefault: Bool
    ) throws(DirectError) {
        let complaint: String? =
            if let parent {
                if request.isEncrypted != nil || request.key != nil {
                    "ParentSnapshotId excludes Encrypted and KmsKeyArn: a child has its parent's key."
                } else if isByDefault && !parent.isEncrypted {
                    "Encryption by default is enabled, and the parent snapshot '\(parent.id)' is not encrypted."
                } else {
                    nil
                }
            } else if request.isEncrypted == false && isByDefault {
                "Encryption by default is enabled: a snapshot cannot be unencrypted."
            } else if request.key != nil && !(request.isEncrypted ?? isByDefault) {
                "KmsKeyArn requires Encrypted to be set."
            } else {
                nil
            }
        if let complaint { throw .validation(.invalidParameterValue, complaint) }
    }

    /// The token with the digest of all that makes this request another one.
    static func token(_ request: StartSnapshotRequest, region: Region) -> ClientToken? {
        guard let text = request.clientToken else { return nil }
        let tags = request.tags.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        let words: [String] =
            [
                "\(request.volumeSizeGiB)", request.parent ?? "", request.isEncrypted.map { "\($0)" } ?? "",
                request.key?.description ?? "", request.description, "\(request.timeoutMinutes)",
            ] + tags
        // Each behind its length, so that no two requests read alike.
        let bytes = words.flatMap { Array("\($0.utf8.count) ".utf8) + Array($0.utf8) }
        return ClientToken(scope: "StartSnapshot \(region)", text: text, digest: SHA256.digest(bytes))
    }
}
