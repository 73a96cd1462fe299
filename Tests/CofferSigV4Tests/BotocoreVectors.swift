internal import CofferShapes
internal import CofferSigV4
internal import Foundation
internal import Testing

/// Requests that botocore signed. (`Vectors/make-vectors.py`)
struct BotocoreVectors: Decodable {
    let accessKeyID: String
    let secretAccessKey: String
    let time: String
    let vectors: [BotocoreVector]

    static func load() throws -> BotocoreVectors {
        let url = try #require(
            Bundle.module.url(forResource: "botocore", withExtension: "json", subdirectory: "Vectors")
        )
        return try JSONDecoder().decode(BotocoreVectors.self, from: Data(contentsOf: url))
    }
}

struct BotocoreVector: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let method: String
    let path: String
    let query: String
    let headers: [[String]]
    let body: String
    let service: String
    let region: String
    let token: String?
    let presigned: Bool
    let canonicalRequest: String

    var testDescription: String { name }

    var request: SigV4Request {
        SigV4Request(
            method: method,
            path: path,
            query: query,
            headers: headers.map { SigV4Request.Header($0[0], $0[1]) },
            body: .bytes(Array(body.utf8))
        )
    }

    /// The request before it was signed: what a signer of ours gets.
    var unsignedRequest: SigV4Request {
        let added: Set = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]
        return SigV4Request(
            method: method,
            path: path,
            query: presigned ? query.components(separatedBy: "X-Amz-Algorithm=")[0].trimmed("&") : query,
            headers: request.headers.filter {
                !added.contains($0.name) && !Self.unsignable.contains($0.name)
            },
            body: .bytes(Array(body.utf8))
        )
    }

    /// What botocore leaves out of the signature.
    private static let unsignable: Set = ["connection", "user-agent"]

    var rules: SignatureRules { SignatureRules(services: [service: [region]]) }
}

extension String {
    fileprivate func trimmed(_ character: Character) -> String {
        hasSuffix(String(character)) ? String(dropLast()) : self
    }
}
