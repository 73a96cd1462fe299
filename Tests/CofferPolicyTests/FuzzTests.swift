import CofferJSON
import CofferPolicy
import Glibc
import Testing

/// Damaged documents and noise. `COFFER_FUZZ_SECONDS` says how long each test goes on, `COFFER_FUZZ_SEED` where it
/// begins; a failure prints the seed of its round.
@Suite struct FuzzTests {
    private static func number(_ name: String, _ fallback: Int) -> Int {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) } ?? fallback
    }

    /// Runs rounds of seeds in a row until the time is up.
    private func rounds(_ body: (inout RandomPolicies, UInt64) throws -> Void) rethrows {
        let end = ContinuousClock.now + .seconds(Self.number("COFFER_FUZZ_SECONDS", 3))
        var seed = UInt64(Self.number("COFFER_FUZZ_SEED", 1))
        repeat {
            var random = RandomPolicies(seed: seed)
            try body(&random, seed)
            seed += 1
        } while ContinuousClock.now < end
    }

    /// Pieces that are more likely than noise to lead somewhere.
    private static let pieces = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "\\u", "\\ud800", "\\udc00", "${", "}", "'", "*", "?", "-",
        "1e9", "0",
        "null", "true", "é", "😀", "arn:aws:", "\"Effect\":\"Allow\"", "::", "/", "2026-01-01T00:00:00Z", "=",
        "\n",
    ].map { Array($0.utf8) }

    /// Flips, cuts, repeats and inserts, one to six times.
    private func damage(_ text: [UInt8], _ random: inout RandomPolicies) -> [UInt8] {
        var text = text
        for _ in 0...random.number(below: 6) where !text.isEmpty {
            let at = random.number(below: text.count)
            switch random.number(below: 6) {
            case 0: text[at] ^= UInt8(1 << random.number(below: 8))
            case 1: text[at] = UInt8(truncatingIfNeeded: random.next())
            case 2: text.removeSubrange(at..<min(text.count, at + 1 + random.number(below: 8)))
            case 3: text.insert(contentsOf: random.pick(Self.pieces), at: at)
            case 4: text.insert(contentsOf: text[at..<min(text.count, at + 30)], at: at)
            default: text.removeLast(random.number(below: text.count))
            }
        }
        return text
    }

    private func noise(_ random: inout RandomPolicies) -> [UInt8] {
        (0..<random.number(below: 40)).flatMap { _ in
            random.number(below: 3) == 0
                ? [UInt8(truncatingIfNeeded: random.next())] : random.pick(Self.pieces)
        }
    }

    /// Reads all there is to read in a value, and writes it again.
    private func copy(_ value: JSONValue, _ writer: inout JSONWriter) {
        _ = try? value.base64()
        _ = value.double
        switch value.kind {
        case .null: writer.null()
        case .bool: writer.bool(value.bool == true)
        case .number:
            if let integer = value.integer {
                writer.integer(integer)
            } else {
                writer.double(value.double ?? 0)
            }
        case .string: writer.string(value.string ?? "")
        case .array:
            writer.beginArray()
            for element in value.elements ?? [] { copy(element, &writer) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for member in value.members ?? [] {
                writer.key(member.name)
                copy(member.value, &writer)
            }
            writer.endObject()
        }
    }

    private func rewritten(_ document: JSONDocument) -> [UInt8] {
        var writer = JSONWriter()
        copy(document.root, &writer)
        return writer.finish()
    }

    @Test func `damaged JSON never crashes, and what parses reads the same after being written`() throws {
        var parsed = 0
        rounds { random, seed in
            let text =
                random.number(below: 4) == 0
                ? noise(&random) : damage(Array(random.statement(principal: true).utf8), &random)
            guard let document = try? JSONDocument(text) else { return }
            parsed += 1
            let once = rewritten(document)
            guard let again = try? JSONDocument(once) else {
                Issue.record("seed \(seed): what was written does not parse: \(text)")
                return
            }
            #expect(rewritten(again) == once, "seed \(seed)")
        }
        #expect(parsed > 0)
    }

    @Test func `damaged policies never crash, and what parses is evaluated`() throws {
        var parsed = 0
        rounds { random, _ in
            let isResource = random.number(below: 2) == 0
            let text = RandomPolicies.policy(
                (0...random.number(below: 3)).map { _ in random.statement(principal: isResource) }
            )
            let bytes = random.number(below: 8) == 0 ? noise(&random) : damage(Array(text.utf8), &random)
            let question = random.question()
            guard let document = try? PolicyDocument(bytes, kind: isResource ? .resource : .identity) else {
                return
            }
            parsed += 1
            let named = NamedPolicy("damaged", document)
            let set = PolicySet(resource: isResource ? named : nil, identity: isResource ? [] : [named])
            for mode in [PolicyMode.eitherSuffices, .resourcePolicyRequired] {
                #expect(!explain(set.decide(question.request, mode: mode)).1.isEmpty)
            }
            #expect(document.conditionKeys.count + document.principals.count < bytes.count)
        }
        #expect(parsed > 0)
    }

    @Test func `values of any shape under any operator never crash`() throws {
        let names = [
            "StringLike", "NumericEquals", "DateLessThan", "Bool", "BinaryEquals", "IpAddress", "ArnLike",
            "Null",
        ]
        rounds { random, _ in
            let wanted = String(decoding: noise(&random), as: UTF8.self)
            let actual = String(decoding: noise(&random), as: UTF8.self)
            var writer = JSONWriter()
            writer.string(wanted)
            let quoted = String(decoding: writer.finish(), as: UTF8.self)
            for name in names {
                var question = ask(
                    .allowed,
                    context: ["x:k": [actual, "2026", "::1"], "aws:username": [actual]],
                    identity: [when(#"{"\#(name)":{"x:k":\#(quoted)}}"#)],
                    mode: .eitherSuffices
                ).question
                question.request.resource = actual
                _ = try? decide(question)
            }
        }
    }
}
