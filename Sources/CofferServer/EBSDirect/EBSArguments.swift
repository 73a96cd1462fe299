internal import CofferEBS
internal import CofferShapes
internal import FoundationEssentials
internal import NIOHTTP1

/// What a request to EBS direct says outside of its body: in its path, its query and its headers, by the model's limits.
struct EBSArguments {
    private let route: EBSRoute
    private let headers: HTTPHeaders
    private let parameters: [String: String]

    /// A query has at most four parameters.
    private static let maximumParameterCount = 16

    init(_ request: HTTPRequest, _ route: EBSRoute) throws(DirectError) {
        (self.route, headers) = (route, request.headers)
        var parameters: [String: String] = [:]
        for pair in request.query.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = QueryForm.decoded(Array(pair[..<equals])[...]),
                let value = QueryForm.decoded(Array(pair[equals...].dropFirst())[...]),
                parameters.updateValue(value, forKey: name) == nil,
                parameters.count <= Self.maximumParameterCount
            else { throw Self.refusal("The query string contains a syntax error.") }
        }
        self.parameters = parameters
    }

    // MARK: - The path

    var snapshot: String { String(route.snapshot) }

    func block() throws(DirectError) -> Int {
        guard let index = Self.number(route.block) else {
            throw DirectError(.validation(.invalidBlock), "The block index is not a number from 0 on.")
        }
        return index
    }

    // MARK: - The query

    func text(_ name: String) -> String? { parameters[name] }

    func number(_ name: String) throws(DirectError) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let number = Self.number(text) else { throw Self.refusal("\(name) is not a number from 0 on.") }
        return number
    }

    func query() throws(DirectError) -> DirectBlockQuery {
        DirectBlockQuery(
            startingIndex: try number("startingBlockIndex") ?? 0,
            limit: try number("maxResults"),
            pageToken: parameters["pageToken"]
        )
    }

    // MARK: - Headers

    /// A header that may stand once; nil where it is absent.
    private func header(_ name: String) throws(DirectError) -> String? {
        let values = headers[name]
        guard values.count <= 1 else { throw Self.refusal("The header \(name) is there more than once.") }
        return values.first
    }

    func headerNumber(_ name: String) throws(DirectError) -> Int? {
        guard let text = try header(name) else { return nil }
        guard let number = Self.number(text) else { throw Self.refusal("\(name) is not a number from 0 on.") }
        return number
    }

    func requiredHeaderNumber(_ name: String) throws(DirectError) -> Int {
        guard let number = try headerNumber(name) else { throw Self.missing(name) }
        return number
    }

    /// The 32 bytes of x-amz-Checksum, which SHA256 has to be named beside; nil where neither is there.
    func checksum() throws(DirectError) -> [UInt8]? {
        let algorithm = try header("x-amz-Checksum-Algorithm")
        guard algorithm == nil || algorithm == "SHA256" else {
            throw Self.refusal("The checksum algorithm is SHA256, and no other.")
        }
        guard let text = try header("x-amz-Checksum") else {
            guard algorithm == nil else { throw Self.missing("x-amz-Checksum") }
            return nil
        }
        guard algorithm != nil else { throw Self.missing("x-amz-Checksum-Algorithm") }
        guard text.utf8.count <= 64, let data = Data(base64Encoded: text), data.count == 32,
            data.base64EncodedString() == text
        else { throw Self.refusal("x-amz-Checksum is not a SHA-256 checksum in base64.") }
        return Array(data)
    }

    func requiredChecksum() throws(DirectError) -> [UInt8] {
        guard let checksum = try checksum() else { throw Self.missing("x-amz-Checksum") }
        return checksum
    }

    /// A checksum of checksums is made in one way.
    func requireLinearAggregation() throws(DirectError) {
        let method = try header("x-amz-Checksum-Aggregation-Method")
        guard method == nil || method == "LINEAR" else {
            throw Self.refusal("The checksum aggregation method is LINEAR, and no other.")
        }
    }

    /// Blocks come as they are.
    func requireNoEncoding() throws(DirectError) {
        let encoding = try header("content-encoding")
        guard encoding == nil || encoding == "" || encoding == "identity" else {
            throw DirectError(.validation(.invalidContentEncoding), "A block is sent without an encoding.")
        }
    }

    // MARK: - Words

    static func missing(_ name: String) -> DirectError { refusal("The request must contain \(name).") }

    private static func refusal(_ message: String) -> DirectError {
        DirectError(.validation(.invalidParameterValue), message)
    }

    /// Digits alone, of a number that fits the model's integers.
    private static func number(_ text: some StringProtocol) -> Int? {
        guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), number <= Int(Int32.max)
        else { return nil }
        return number
    }
}
