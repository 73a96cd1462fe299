internal import CofferJSON
internal import CofferShapes

// The members of an answer, each in one line where it is written. What is nil or empty is left out.
extension JSONWriter {
    mutating func member(_ name: String, _ text: String?) {
        guard let text else { return }
        key(name)
        string(text)
    }

    mutating func member(_ name: String, _ arn: ARN?) { member(name, arn?.description) }

    mutating func member(_ name: String, _ number: Int?) {
        guard let number else { return }
        key(name)
        integer(number)
    }

    mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        bool(flag)
    }

    /// Seconds since 1970 with milliseconds, as the JSON protocols give times.
    mutating func member(_ name: String, _ time: Timestamp?) {
        guard let time else { return }
        key(name)
        double(time.seconds)
    }

    mutating func member(_ name: String, base64 bytes: [UInt8]) {
        key(name)
        base64(bytes)
    }

    mutating func member<Word: RawRepresentable<String>>(_ name: String, _ word: Word?) {
        member(name, word?.rawValue)
    }

    /// Lists of algorithms and their like, which AWS leaves out where they do not apply.
    mutating func member<Word: RawRepresentable<String>>(_ name: String, unlessEmpty words: [Word]) {
        guard !words.isEmpty else { return }
        list(name, words) { writer, word in writer.string(word.rawValue) }
    }

    mutating func list<Item>(_ name: String, _ items: [Item], _ write: (inout JSONWriter, Item) -> Void) {
        key(name)
        beginArray()
        for item in items { write(&self, item) }
        endArray()
    }

    mutating func member(_ name: String, _ context: EncryptionContext?) {
        guard let context else { return }
        key(name)
        beginObject()
        for (key, value) in context.pairs.sorted(by: { $0.key < $1.key }) { member(key, value) }
        endObject()
    }

    mutating func object(_ name: String, _ write: (inout JSONWriter) -> Void) {
        key(name)
        beginObject()
        write(&self)
        endObject()
    }

    /// One part of a list: its items, and where the next part begins.
    mutating func listing<Item>(
        _ name: String,
        _ listing: Listing<Item>,
        _ write: (inout JSONWriter, Item) -> Void
    ) {
        list(name, listing.items, write)
        member("NextMarker", listing.nextMarker)
        member("Truncated", listing.nextMarker != nil)
    }

    /// A whole answer: one object.
    static func object(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        write(&writer)
        writer.endObject()
        return writer.finish()
    }
}
