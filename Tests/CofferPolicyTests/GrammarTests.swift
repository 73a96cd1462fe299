import CofferPolicy
import Testing

private func parse(_ text: String, _ kind: PolicyDocument.Kind) -> PolicyError? {
    do {
        _ = try PolicyDocument(text, kind: kind)
        return nil
    } catch {
        return error
    }
}

@Suite struct GrammarTests {
    @Test(arguments: GrammarTables.all)
    func `each text is accepted, or refused at the mistake's place`(_ table: GrammarTable) {
        #expect(table.failures(parse) == [])
    }

    @Test(arguments: GrammarTables.all)
    func `a parser that accepts all, or refuses all, fails each table`(_ table: GrammarTable) throws {
        let mistake = try #require(parse("", .identity))
        #expect(table.failures { _, _ in nil } != [])
        #expect(table.failures { _, _ in mistake } != [])
    }

    @Test func `a place is told by line, column and path`() throws {
        let text = """
            {
              "Version": "2012-10-17",
              "Statement": [
                { "Effect": "Allow", "Action": "*", "Resource": "*" },
                { "Effect": "Allow", "Action": "*", "Resource": "*",
                  "Condition": { "StringEqual": { "aws:username": "bob" } } }
              ]
            }
            """
        let mistake = try #require(parse(text, .identity))
        #expect(
            "\(mistake)"
                == "line 6, column 22, Statement[1].Condition.StringEqual: an unknown condition operator"
        )
    }

    @Test func `a policy that is too long or too deep is refused`() {
        let long = String(repeating: " ", count: PolicyDocument.maximumBytes)
        #expect(parse(long + "{}", .identity)?.sentence == "the document is longer than 131072 bytes")
        #expect(parse(String(repeating: "[", count: 100), .identity)?.sentence == "more than 8 levels")
    }
}
