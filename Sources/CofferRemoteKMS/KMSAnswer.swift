internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes

/// The members of an answer's object, each of which has to be there and to be what it should.
struct KMSAnswer {
    private let object: JSONValue
    private let endpoint: Endpoint

    init(_ reply: KMSReply, _ endpoint: Endpoint) throws(AWSError) {
        let document = try reply.withBytes { (bytes) throws(AWSError) in
            do {
                // What tells nothing may answer nothing: AWS's RetireGrant has an empty body.
                return try bytes.isEmpty ? JSONDocument(Array("{}".utf8)) : JSONDocument(bytes)
            } catch {
                throw ExchangeFailure.notAKMS(endpoint, "its answer is no JSON")
            }
        }
        guard document.root.kind == .object else {
            throw ExchangeFailure.notAKMS(endpoint, "its answer is no JSON object")
        }
        (object, self.endpoint) = (document.root, endpoint)
    }

    private init(object: JSONValue, endpoint: Endpoint) { (self.object, self.endpoint) = (object, endpoint) }

    func text(_ name: String) throws(AWSError) -> String {
        guard let text = object[name]?.string else { throw missing(name) }
        return text
    }

    func optionalText(_ name: String) -> String? { object[name]?.string }

    func integer(_ name: String) -> Int? { object[name]?.integer }

    /// Seconds since 1970, with a fraction.
    func time(_ name: String) -> Timestamp? {
        guard let seconds = object[name]?.double, (0..<1e10).contains(seconds) else { return nil }
        return Timestamp(nanoseconds: UInt64((seconds * 1000).rounded()) * 1_000_000)
    }

    func arn(_ name: String) throws(AWSError) -> ARN {
        guard let arn = ARN(try text(name)) else { throw missing(name) }
        return arn
    }

    func blob(_ name: String) throws(AWSError) -> CiphertextBlob {
        guard let bytes = try? object[name]?.base64(), (1...CiphertextBlob.maximumCount).contains(bytes.count)
        else {
            throw missing(name)
        }
        return CiphertextBlob(bytes)
    }

    /// A plaintext, from the answer's bytes straight into locked memory.
    func secret(_ name: String) throws(AWSError) -> SecretBytes {
        guard let value = object[name] else { throw missing(name) }
        do {
            return try value.secretBase64()
        } catch {
            throw missing(name)
        }
    }

    func answer(_ name: String) throws(AWSError) -> KMSAnswer {
        guard let value = object[name], value.kind == .object else { throw missing(name) }
        return KMSAnswer(object: value, endpoint: endpoint)
    }

    func answers(_ name: String) -> [KMSAnswer] {
        (object[name]?.elements ?? []).map { KMSAnswer(object: $0, endpoint: endpoint) }
    }

    func missing(_ name: String) -> AWSError {
        ExchangeFailure.notAKMS(endpoint, "its answer lacks a usable \(name)")
    }

    /// What `Encrypt` and `GenerateDataKeyWithoutPlaintext` answer. KMSs that know no key material ids give none.
    func encryptResponse() throws(AWSError) -> EncryptResponse {
        EncryptResponse(
            blob: try blob("CiphertextBlob"),
            keyARN: try arn("KeyId"),
            keyMaterialID: optionalText("KeyMaterialId") ?? ""
        )
    }
}
