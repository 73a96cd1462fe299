import CofferJSON
import CofferSecrets
import Testing

private func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws -> JSONValue {
    try JSONDocument(Array(text.utf8), limits: limits).root
}

/// The place of the mistake, "line:column", nil where there is none.
private func mistake(_ bytes: [UInt8]) -> String? {
    do {
        _ = try JSONDocument(bytes)
        return nil
    } catch {
        return "\(error.place.line):\(error.place.column)"
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        "{}", "[]", " [ ] ", "{\"a\":1}", "{\"a\":{\"a\":[null,true,false]}}", "\"\"", "0", "-0", "1.5e+3",
        "1E-2",
        "\"\\ud83d\\ude00\"", "\"\u{7f}é€😀\"", "\t\n\r []", "\"\\u0000\"",
    ])
    func `what the grammar allows is accepted`(_ text: String) {
        #expect(mistake(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        ("", "1:1"), (" ", "1:2"), ("[1,]", "1:4"), ("[1 2]", "1:4"), ("[", "1:2"), ("{\"a\"}", "1:5"),
        ("{\"a\":}", "1:6"), ("{\"a\":1,}", "1:8"), ("{a:1}", "1:2"), ("{\n \"a\":1,\n \"a\":2}", "3:2"),
        ("{\"a\":1,\"\\u0061\":2}", "1:8"), ("01", "1:2"), ("+1", "1:1"), ("1.", "1:3"), (".5", "1:1"),
        ("1e", "1:3"), ("-", "1:2"), ("NaN", "1:1"), ("nul", "1:1"), ("True", "1:1"), ("[] []", "1:4"),
        ("\"a", "1:3"), ("\"\n\"", "1:2"), ("\"\\x\"", "1:2"), ("\"\\u12g4\"", "1:2"), ("\"\\ud800\"", "1:2"),
        ("\"\\udc00\"", "1:2"), ("\"\\ud800\\u0041\"", "1:2"), ("\"é\\", "1:3"), ("\u{feff}{}", "1:1"),
        ("'a'", "1:1"), ("[1]//", "1:4"), ("{\"a\":1}}", "1:8"), ("]", "1:1"), ("\"a\u{0}\"", "1:3"),
    ])
    func `a mistake is refused at its place`(_ text: String, _ place: String) {
        #expect(mistake(Array(text.utf8)) == place)
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xC3], [0xE2, 0x82],
            [0xE2, 0x28, 0xA1],
            [0xF0, 0x9F, 0x98], [0xFF],
        ] as [[UInt8]]
    )
    func `invalid UTF-8 is refused`(_ bytes: [UInt8]) {
        #expect(mistake([0x22] + bytes + [0x22]) == "1:2")
        #expect(mistake([0x22] + bytes) == "1:2")
    }

    @Test func `depth and size are limited`() throws {
        let deep = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(mistake(Array(deep(64).utf8)) == nil)
        #expect(mistake(Array(deep(65).utf8)) == "1:65")
        #expect(mistake(Array(String(repeating: "[", count: 1 << 20).utf8)) == "1:65")
        #expect(throws: JSONError.self) { try parse("[[]]", limits: JSONLimits(depth: 1)) }
        #expect(throws: JSONError.self) { try parse("[10]", limits: JSONLimits(bytes: 3)) }
        #expect(mistake([UInt8](repeating: 0x20, count: (1 << 20) + 1)) == "1:1")
    }

    @Test func `a name that stands twice among many is found`() throws {
        let names = (0..<5000).map { "\"n\($0)\":0" }
        #expect(mistake(Array("{\(names.joined(separator: ","))}".utf8)) == nil)
        #expect(throws: JSONError.self) { try parse("{\(names.joined(separator: ",")),\"n\\u0037\":1}") }
    }

    @Test func `values are read by kind`() throws {
        let root = try parse(
            #"{"s":"a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00","i":-12,"d":1.5e2,"big":92233720368547758080,"#
                + #""huge":1e999,"t":true,"f":false,"z":null,"list":[1,[2,3],{"x":4}],"\u006b":5}"#
        )
        #expect(root["s"]?.string == "a\"\\/\u{8}\u{c}\n\r\téé😀")
        #expect(root["i"]?.integer == -12)
        #expect(root["d"]?.integer == nil)
        #expect(root["d"]?.double == 150)
        #expect(root["big"]?.integer == nil)
        #expect(root["big"]?.numberText == "92233720368547758080")
        #expect(root["huge"]?.double == nil)
        #expect(root["t"]?.bool == true)
        #expect(root["f"]?.bool == false)
        #expect(root["z"]?.isNull == true)
        #expect(root["z"]?.bool == nil)
        #expect(root["list"]?.elements?.count == 3)
        #expect(root["list"]?.elements?[1].elements?.map(\.integer) == [2, 3])
        #expect(root["list"]?.elements?[2]["x"]?.integer == 4)
        #expect(root["k"]?.integer == 5)
        #expect(root["absent"] == nil)
        #expect(root["s"]?["x"] == nil)
        #expect(root.members?.map(\.name) == ["s", "i", "d", "big", "huge", "t", "f", "z", "list", "k"])
        #expect(root["i"]?.string == nil)
        #expect(root.elements == nil)
    }

    @Test func `a value knows its place`() throws {
        let document = try JSONDocument(Array("{\n  \"é\": [\"x\\n\"]}".utf8))
        let value = try #require(document.root["é"]?.elements?.first)
        #expect(value.offset == 11)
        #expect(value.range == 12..<15)
        #expect(document.place(of: value.offset) == JSONPlace(offset: 11, line: 2, column: 9))
    }

    @Test(
        arguments: [
            ("", []), ("AA==", [0]), ("AAE=", [0, 1]), ("AAEC", [0, 1, 2]), ("+/8=", [0xFB, 0xFF]),
            (#"+\/8\u003d"#, [0xFB, 0xFF]),
        ] as [(String, [UInt8])]
    )
    func `base64 is decoded`(_ text: String, _ bytes: [UInt8]) throws {
        #expect(try parse("\"\(text)\"").base64() == bytes)
        if !bytes.isEmpty {
            let secret = try parse("[\"\(text)\"]").elements?.first?.secretBase64()
            #expect(secret?.withBytes { $0.array() } == bytes)
        }
    }

    @Test(arguments: [
        "A", "AA", "AAA", "AA=", "AAAAA", "AB==", "AAF=", "A===", "====", "AA==AA==", "AA=A", "AA A", "-_8=",
        "AAA\\n",
        "é==", "AAA\\u00c1", "=AAA",
    ])
    func `what is not strict base64 is refused`(_ text: String) throws {
        let value = try parse("\"\(text)\"")
        #expect(throws: JSONError.self) { try value.base64() }
        do {
            _ = try value.secretBase64()
            Issue.record("a secret came of \(text)")
        } catch {
            #expect(error.sentence == "this is not base64")
        }
    }

    @Test func `an empty secret and a number in place of one are refused`() throws {
        for text in ["\"\"", "12", "null"] {
            let value = try parse(text)
            do {
                _ = try value.secretBase64()
                Issue.record("a secret came of \(text)")
            } catch {
                #expect(error.place == JSONPlace(offset: 0, line: 1, column: 1))
            }
        }
    }

    @Test func `a wiped document holds no text, and neither do its values`() throws {
        var document = try JSONDocument(Array("{\"Plaintext\":\"c2VjcmV0\"}".utf8))
        let value = try #require(document.root["Plaintext"])
        #expect(try value.base64() == Array("secret".utf8))
        document.wipe()
        #expect(document.root["Plaintext"] == nil)
        #expect(throws: JSONError.self) { try value.base64() }
    }

    @Test func `the writer places commas and escapes`() {
        var writer = JSONWriter(capacity: 1)
        writer.beginObject()
        writer.key("text")
        writer.string("a\"b\\c/d\n\u{1f}é😀")
        writer.key("numbers")
        writer.beginArray()
        writer.integer(-5)
        writer.double(0.1)
        writer.double(1e300)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.key("yes")
        writer.bool(true)
        writer.key("none")
        writer.null()
        writer.key("bytes")
        writer.base64([0xFB, 0xFF])
        writer.key("empty")
        writer.base64([])
        writer.endObject()
        #expect(
            String(decoding: writer.finish(), as: UTF8.self)
                == #"{"text":"a\"b\\c/d\u000a\u001fé😀","numbers":[-5,0.1,1e+300,{},[]],"yes":true,"none":null,"#
                + #""bytes":"+/8=","empty":""}"#
        )
    }

    @Test func `what the writer wrote the parser reads`() throws {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
            let text = String(decoding: bytes, as: UTF8.self)
            var writer = JSONWriter()
            writer.beginArray()
            writer.base64(bytes)
            writer.string(text)
            writer.endArray()
            let root = try JSONDocument(writer.finish()).root
            #expect(try root.elements?[0].base64() == bytes)
            #expect(root.elements?[1].string == text)
        }
    }
}
