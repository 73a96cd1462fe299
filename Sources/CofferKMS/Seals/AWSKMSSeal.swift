public import CofferSecrets
public import CofferShapes
internal import FoundationEssentials

/// The root key in `kms/seal.json` as a ciphertext of a KMS key elsewhere: AWS's, or another host's Coffer.
///
/// It protects a home whose whole disk goes astray, for as long as the KMS key's policy keeps the finder out, and the key
/// can be disabled from afar. It does not protect from whoever has the machine's access key too. Each start asks that KMS
/// once; without an answer the home stays shut. With the KMS key deleted it is lost.
public struct AWSKMSSeal: Seal {
    /// Bound to the ciphertext, so that a key policy can tell this use of its key from others.
    static let context: EncryptionContext = ["coffer:seal": "root-key/1"]

    /// A KMS elsewhere knows its callers by their access keys; this name reaches nobody.
    private static let caller = Caller(principal: .root(AccountID("000000000000")!))  // 12 digits

    private let folder: String
    private let keyService: KeyServiceMaker

    /// A seal in a home's `kms` folder.
    public init(folder: String, keyService: @escaping KeyServiceMaker) {
        (self.folder, self.keyService) = (folder, keyService)
    }

    /// Throws `Coffer.Sealed` with the cause where the KMS does not answer, refuses, or gives back something else.
    public func unseal() async throws -> SecretBytes {
        let document = try KeyFolder.reporting { try SealDocument.load(from: folder) }
        guard let document, let record = document.awsKMS,
            case .awsKMS(let key, let endpoint, let region) = try document.target(in: folder)
        else { throw AWSError(.damaged, "\(folder)/seal.json describes no aws-kms seal") }
        let blob = CiphertextBlob(Array(record.ciphertextBlob))
        do {
            let service = try keyService(endpoint, region ?? Self.region(of: key))
            return try await Self.using(service) { keys in
                let answer = try await keys.decrypt(
                    blob,
                    key: key,
                    context: Self.context,
                    caller: Self.caller
                )
                guard answer.plaintext.count == SealStore.rootKeyCount else {
                    throw AWSError(.sealed, "what the KMS decrypted is no root key")
                }
                return answer.takePlaintext()
            }
        } catch {
            throw Self.sealed(error, key, endpoint)
        }
    }

    /// The description of a seal over `rootKey` under a KMS key, which has decrypted it again by then: a key that only
    /// encrypts would lock the home for good. Throws what the KMS says.
    static func wrap(
        _ rootKey: borrowing SecretBytes,
        key: KeyReference,
        endpoint: String?,
        region: Region?,
        keyService: KeyServiceMaker
    ) async throws -> SealDocument {
        do {
            let service = try keyService(endpoint, region ?? Self.region(of: key))
            return try await using(service) { keys in
                let sealed = try await keys.encrypt(rootKey, key: key, context: context, caller: caller)
                guard let id = sealed.keyARN.keyID else {
                    throw AWSError(.kmsInternal, "it answered with \(sealed.keyARN), which is no key's ARN")
                }
                let answer = try await keys.decrypt(
                    sealed.blob,
                    key: .keyARN(sealed.keyARN, id),
                    context: context,
                    caller: caller
                )
                guard answer.plaintext.constantTimeEquals(rootKey) else {
                    throw AWSError(.kmsInternal, "it decrypted something else than it had encrypted")
                }
                let record = SealDocument.AWSKMS(
                    key: sealed.keyARN.description,
                    ciphertextBlob: Data(sealed.blob.bytes),
                    endpoint: endpoint,
                    region: region?.name
                )
                return SealDocument(kind: SealKind.awsKMS.rawValue, awsKMS: record)
            }
        } catch let error as AWSError {
            throw error.context("sealing the root key under the KMS key \(key)")
        }
    }

    /// Where a key is by its ARN, nil where that does not tell.
    private static func region(of key: KeyReference) -> Region? {
        switch key {
        case .keyARN(let arn, _), .aliasARN(let arn, _): Region(arn.region)
        case .id, .alias, .other: nil
        }
    }

    /// Closes the service, whatever comes of `body`.
    private static func using<Answer: ~Copyable>(
        _ service: OpenKeyService,
        _ body: (any KeyService) async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await body(service.keys)
            await service.close()
            return answer
        } catch {
            await service.close()
            throw error
        }
    }

    private static func sealed(_ error: any Error, _ key: KeyReference, _ endpoint: String?) -> AWSError {
        let place = endpoint.map { " at \($0)" } ?? ""
        let cause = error as? AWSError
        return AWSError(
            .sealed,
            "the root key is under the KMS key \(key)\(place): \(cause?.description ?? "\(error)")",
            hint: cause.map { $0.hint ?? hint(on: $0.code.kind) } ?? nil
        )
    }

    private static func hint(on kind: AWSError.Kind) -> String {
        switch kind {
        case .accessDenied: "let the access key that is used here call kms:Decrypt on that key"
        case .wrongState: "enable that key where it lives, or cancel its deletion, then try again"
        case .notFound: "look for that key where it lives: without it the root key is lost"
        case .usage: "give this program the access key, region and endpoint of that KMS"
        case .internalFailure: "make sure that the KMS runs and can be reached from here, then try again"
        case .refused: "put kms/seal.json back from a backup if it was changed"
        }
    }
}
