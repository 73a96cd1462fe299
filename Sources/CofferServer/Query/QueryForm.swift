internal import CofferShapes
internal import NIOHTTP1

/// The parameters of a request in the Query protocol: of its body, or of a GET's query. (IAM user guide, "Making query
/// requests")
struct QueryForm {
    let action: String
    /// The API's version that the client speaks, a date; it tells EC2's requests from IAM's and STS's.
    let version: String?
    /// All of them, by their names as sent.
    let parameters: [String: String]

    /// More than any action can use: `CreateTags` takes 1000 resources and 50 tags.
    private static let maximumParameterCount = 2000

    init(_ request: HTTPRequest) throws(AWSError) {
        let text = request.method == "GET" ? Array(request.query.utf8) : request.body.bytes
        var parameters: [String: String] = [:]
        for pair in text.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = Self.decoded(pair[..<equals]),
                let value = Self.decoded(pair[equals...].dropFirst()),
                parameters.updateValue(value, forKey: name) == nil,
                parameters.count <= Self.maximumParameterCount
            else {
                throw AWSError(.malformedQuery, "The query string contains a syntax error.")
            }
        }
        guard let action = parameters["Action"], !action.isEmpty else {
            throw AWSError(AWSError.Code("MissingAction", .usage), "The request is missing an action.")
        }
        (self.action, self.parameters) = (action, parameters)
        version = parameters["Version"]
    }

    func text(_ name: String) -> String? { parameters[name] }

    /// application/x-www-form-urlencoded undone; nil for a broken escape, or bytes that are no UTF-8.
    static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue),
                    let low = rest.popFirst().flatMap(hexValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
