internal import CofferBlock
internal import CofferCatalog
internal import CofferCrypto
internal import CofferShapes

/// What a request for a new volume comes to, and what is refused. Pure.
enum NewVolume {
    static func geometry(_ request: CreateVolumeRequest) throws -> Geometry {
        let unit = UInt64(clamping: request.dataUnitBytes)
        guard unit == 512 || unit == 4096 else {
            throw AWSError(
                .invalidParameterValue,
                "a data unit has 512 or 4096 bytes, not \(request.dataUnitBytes)"
            )
        }
        guard let cipher = Geometry.Cipher.allCases.first(where: { $0.name == request.cipherName }) else {
            let names = Geometry.Cipher.allCases.map(\.name).joined(separator: " or ")
            throw AWSError(.invalidParameterValue, "the cipher is \(names), not \(request.cipherName)")
        }
        guard request.sizeBytes <= Geometry.maximumVolumeBytes else { throw sizeRefusal(request.sizeBytes) }
        return try geometry(
            bytes: (request.sizeBytes + unit - 1) / unit * unit,
            request.dataUnitBytes,
            cipher
        )
    }

    static func geometry(bytes: UInt64, _ unit: Int, _ cipher: Geometry.Cipher) throws -> Geometry {
        let smallest: UInt64 = 1 << 20
        guard bytes >= smallest,
            let geometry = Geometry(volumeBytes: bytes, dataUnitBytes: unit, cipher: cipher)
        else { throw sizeRefusal(bytes) }
        return geometry
    }

    static func sizeRefusal(_ bytes: UInt64) -> AWSError {
        AWSError(.invalidParameterValue, "a volume has 1 MiB to 64 TiB, not \(bytes) bytes")
    }

    /// What the API answers. (EBS user guide, "Encryption by default": then every new volume is encrypted, whatever the
    /// request says.)
    static func isEncrypted(_ request: CreateVolumeRequest, _ defaults: EncryptionDefaults) throws -> Bool {
        if request.isEncrypted == true || defaults.isByDefault { return true }
        guard request.key == nil else {
            throw AWSError(
                .invalidParameterDependency,
                "The parameter KmsKeyId requires the parameter Encrypted to be set."
            )
        }
        return false
    }

    /// Refuses zones that are not there, tags that cannot be, and what Coffer does not make.
    static func check(_ request: CreateVolumeRequest, region: Region) throws {
        if let name = request.name { try VolumeService.checkName(name) }
        try TagRules.check(tags(request))
        if let zone = request.zone, zone != region.zone {
            throw AWSError(.zoneNotFound, "The zone '\(zone.prefix(64))' does not exist.")
        }
        guard !request.isMultiAttach else {
            throw AWSError(
                .ec2UnsupportedOperation,
                "Coffer attaches a volume once at a time: Multi-Attach is not supported."
            )
        }
    }

    static func tags(_ request: CreateVolumeRequest) -> [Tag] { request.tags.named(request.name) }

    /// What is known of the key before KMS is asked.
    static func keyARN(_ key: KeyReference?, region: Region, account: AccountID) throws -> ARN {
        switch key {
        case nil: return .alias(.awsManaged(.ebs), region: region, account: account)
        case .id(let id): return .key(id, region: region, account: account)
        case .keyARN(let arn, _), .aliasARN(let arn, _): return arn
        case .alias(let name): return .alias(name, region: region, account: account)
        case .other(let text):
            // No such key can be, which as on AWS shows when it is to be used.
            guard let arn = ARN(text) ?? ARN("arn:aws:kms:\(region):\(account):key/\(text)") else {
                throw AWSError(.invalidParameterValue, "The KmsKeyId is no key's id, ARN or alias.")
            }
            return arn
        }
    }

    /// The token with the digest of all that makes this request another one.
    static func token(
        _ request: CreateVolumeRequest,
        copying source: VolumeID? = nil,
        region: Region
    ) throws -> ClientToken? {
        guard let text = request.clientToken else { return nil }
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw AWSError(.invalidParameterValue, "The ClientToken is not 1 to 64 ASCII characters.")
        }
        let tags = tags(request).sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        var words: [String] =
            [
                "\(request.sizeBytes)", request.isEncrypted.map { "\($0)" } ?? "",
                request.key?.description ?? "", request.type.rawValue, request.iops.map { "\($0)" } ?? "",
                request.throughput.map { "\($0)" } ?? "", request.zone ?? "", "\(request.dataUnitBytes)",
                request.cipherName, request.snapshot ?? "",
            ]
        if let source { words.append(source.text) }
        words += tags
        // Each behind its length, so that no two requests read alike.
        let bytes = words.flatMap { Array("\($0.utf8.count) ".utf8) + Array($0.utf8) }
        let action = source == nil ? "CreateVolume" : "CopyVolumes"
        return ClientToken(scope: "\(action) \(region)", text: text, digest: SHA256.digest(bytes))
    }
}
