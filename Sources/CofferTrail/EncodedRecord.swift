internal import CofferJSON

/// A record as JSON, whole but for what is known under the lock only: its time and its number. So that is all
/// that is written then.
///
/// ```
/// {…,"eventSource":"…"  ,"eventTime":"…",  "eventType":…,"responseElements":…  ,"sequence":7,  …}
/// └───── head ────────┘                    └────────── middle ──────────────┘                └ end ┘
/// ```
struct EncodedRecord: Sendable {
    /// What `body` adds, at most: names, punctuation, a time, a number and a code.
    private static let addedBytes = 256
    /// The longest message of an error and the longest user agent, bytes, as CloudTrail has it.
    private static let messageBytes = 1024

    private static let timeName = Array(#","eventTime":""#.utf8)
    private static let timeEnd = Array(#"","#.utf8)
    private static let sequenceName = Array(#","sequence":"#.utf8)
    private static let sequenceAfterName = Array(#","sequenceAfter":""#.utf8)

    /// Each the members of an object, without braces.
    private let head: [UInt8]
    private let middle: [UInt8]
    private let end: [UInt8]

    /// Encodes `record`. A call does not fail because its parameters are long: where they do not fit in a
    /// line, texts are cut short, then more, and at last the parameters are left out.
    init(_ record: TrailRecord, eventID: String) {
        for limit in [Int.max, 4096, 256] {
            self.init(record, eventID, texts: TextLimit(bytes: limit))
            if byteCount <= TrailLine.maximumBytes { return }
        }
        var bare = record
        (bare.requestParameters, bare.responseElements, bare.additionalEventData) = (nil, nil, nil)
        bare.resources = record.resources.map { Array($0.prefix(16)) }
        self.init(bare, eventID, texts: TextLimit(bytes: 256))
        precondition(byteCount <= TrailLine.maximumBytes, "a bare record fits in a line")
    }

    private var byteCount: Int { head.count + middle.count + end.count + Self.addedBytes }

    private init(_ record: TrailRecord, _ eventID: String, texts: TextLimit) {
        let messages = TextLimit(bytes: min(texts.bytes, Self.messageBytes))
        head = Self.members(capacity: 512) { json in
            if let data = record.additionalEventData { json.member("additionalEventData", data, texts) }
            json.member("awsRegion", record.awsRegion, texts)
            json.member("errorCode", record.errorCode, texts)
            json.member("errorMessage", record.errorMessage, messages)
            json.member("eventCategory", "Management", texts)
            json.member("eventID", eventID, texts)
            json.member("eventName", record.eventName, texts)
            json.member("eventSource", record.eventSource, texts)
        }
        middle = Self.members(capacity: 1024) { json in
            json.member("eventType", "AwsApiCall", texts)
            json.member("eventVersion", "1.11", texts)
            json.key("managementEvent")
            json.bool(true)
            if let readOnly = record.readOnly {
                json.key("readOnly")
                json.bool(readOnly)
            }
            json.member("recipientAccountId", record.recipientAccountId, texts)
            json.member("requestID", record.requestID, texts)
            if let parameters = record.requestParameters {
                json.member("requestParameters", parameters, texts)
            }
            if let resources = record.resources { json.member("resources", resources, texts) }
            json.key("responseElements")
            if let elements = record.responseElements { json.values(elements, texts) } else { json.null() }
        }
        end = Self.members(capacity: 512) { json in
            json.member("sourceIPAddress", record.sourceIPAddress, texts)
            if let details = record.tlsDetails { json.member("tlsDetails", details, texts) }
            json.member("userAgent", record.userAgent, messages)
            if let identity = record.userIdentity { json.member("userIdentity", identity, texts) }
        }
    }

    /// Appends the whole object.
    func appendBody(
        to bytes: inout [UInt8],
        sequence: UInt64,
        eventTime: [UInt8],
        previousMAC: [UInt8]?
    ) {
        bytes.reserveCapacity(bytes.count + byteCount)
        bytes.append(UInt8(ascii: "{"))
        bytes += head
        bytes += Self.timeName
        bytes += eventTime
        bytes += Self.timeEnd
        bytes += middle
        bytes += Self.sequenceName
        bytes += String(sequence).utf8
        if let previousMAC {
            bytes += Self.sequenceAfterName
            TrailLine.appendHex(previousMAC, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        if !end.isEmpty {
            bytes.append(UInt8(ascii: ","))
            bytes += end
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// A UUID of version 4 from 16 random bytes (RFC 9562).
    static func eventID(_ random: [UInt8]) -> String {
        var bytes = random
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            TrailLine.appendHex([byte], to: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func members(capacity: Int, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter(capacity: capacity)
        json.beginObject()
        write(&json)
        json.endObject()
        let object = json.finish()
        return Array(object[1..<object.count - 1])
    }
}

/// How long a text may be.
private struct TextLimit {
    /// Of UTF-8, with the mark of what was cut.
    let bytes: Int

    private static let cut = "…"

    func apply(_ text: String) -> String {
        guard text.utf8.count > bytes else { return text }
        let room = bytes - Self.cut.utf8.count
        // Whole characters only: a cut one would be no UTF-8.
        var end = text.utf8.index(text.startIndex, offsetBy: room)
        while end > text.startIndex, UTF8.isContinuation(text.utf8[end]) {
            text.utf8.formIndex(before: &end)
        }
        return text[..<end] + Self.cut
    }

    /// Sorted by name; of two names that are one when cut, the first.
    func apply<Value>(_ values: [String: Value]) -> [(name: String, value: Value)] {
        let sorted = values.sorted { $0.key < $1.key }
        guard bytes < Int.max else { return sorted.map { ($0.key, $0.value) } }
        var names: Set<String> = []
        return sorted.compactMap { name, value in
            let name = apply(name)
            return names.insert(name).inserted ? (name, value) : nil
        }
    }
}

/// Members in the order of their names, so that one record gives one text.
extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ text: String?, _ texts: TextLimit) {
        guard let text else { return }
        key(name)
        string(texts.apply(text))
    }

    fileprivate mutating func member(_ name: String, _ values: [String: TrailValue], _ texts: TextLimit) {
        key(name)
        self.values(values, texts)
    }

    fileprivate mutating func values(_ values: [String: TrailValue], _ texts: TextLimit) {
        beginObject()
        for (name, value) in texts.apply(values) {
            key(name)
            self.value(value, texts)
        }
        endObject()
    }

    private mutating func value(_ value: TrailValue, _ texts: TextLimit) {
        switch value {
        case .text(let text): string(texts.apply(text))
        case .number(let number): integer(number)
        case .double(let double): if double.isFinite { self.double(double) } else { null() }
        case .bool(let bool): self.bool(bool)
        case .texts(let elements):
            beginArray()
            for text in elements { string(texts.apply(text)) }
            endArray()
        case .pairs(let pairs):
            beginObject()
            for (name, text) in texts.apply(pairs) {
                key(name)
                string(texts.apply(text))
            }
            endObject()
        }
    }

    fileprivate mutating func member(_ name: String, _ resources: [TrailResource], _ texts: TextLimit) {
        key(name)
        beginArray()
        for resource in resources {
            beginObject()
            member("ARN", resource.ARN, texts)
            member("accountId", resource.accountId, texts)
            member("type", resource.type, texts)
            endObject()
        }
        endArray()
    }

    fileprivate mutating func member(_ name: String, _ details: TLSDetails, _ texts: TextLimit) {
        key(name)
        beginObject()
        member("cipherSuite", details.cipherSuite, texts)
        member("clientProvidedHostHeader", details.clientProvidedHostHeader, texts)
        member("tlsVersion", details.tlsVersion, texts)
        endObject()
    }

    fileprivate mutating func member(_ name: String, _ identity: UserIdentity, _ texts: TextLimit) {
        key(name)
        beginObject()
        member("accessKeyId", identity.accessKeyId, texts)
        member("accountId", identity.accountId, texts)
        member("arn", identity.arn, texts)
        member("invokedBy", identity.invokedBy, texts)
        member("principalId", identity.principalId, texts)
        member("type", identity.type, texts)
        member("userName", identity.userName, texts)
        endObject()
    }
}
