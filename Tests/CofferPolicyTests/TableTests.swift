import CofferPolicy
import CofferShapes
import Testing

@Suite struct TableTests {
    static let tables =
        PrincipalTables.all + ActionTables.all + OperatorTables.all + ValueTables.all + VariableTables.all
        + CombinationTables.all

    @Test(arguments: tables)
    func `each row is decided and explained as it says`(_ table: Table) {
        #expect(table.failures(decide) == [])
    }

    @Test(arguments: tables)
    func `an engine that allows all fails each table`(_ table: Table) {
        let ground = PolicyGround.grant("anything goes", identity: nil)
        #expect(table.failures { _ in .allowed(by: ground) } != [])
    }

    @Test(arguments: tables)
    func `an engine that denies all fails each table`(_ table: Table) throws {
        let deny = try decide(
            ask(.denied, identity: [policy(#"{"Effect":"Deny","Action":"*","Resource":"*"}"#)]).question
        )
        let refuse = try decide(ask(.notAllowed).question)
        #expect(table.failures { _ in deny } != [])
        #expect(table.failures { _ in refuse } != [])
    }

    @Test func `there are tables for all that a policy can say`() {
        #expect(Self.tables.reduce(0) { $0 + $1.rows.count } >= 400)
    }

    @Test func `an allowance is found in a lazy context, and asked for by its key in lower case`() throws {
        var question = ask(
            .allowed,
            identity: [when(#"{"StringEquals":{"kms:ViaService":"ec2.eu-west-1.amazonaws.com"}}"#)],
            mode: .eitherSuffices
        ).question
        #expect(try !decide(question).isAllowed)
        question.request.context = PolicyContext { key in
            key == "kms:viaservice" ? ["ec2.eu-west-1.amazonaws.com"] : nil
        }
        #expect(try decide(question).isAllowed)
    }

    @Test func `no value is asked for where the rest of a statement does not fit`() throws {
        var question = ask(
            .notAllowed,
            identity: [
                policy(
                    #"{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"x:k":true}}}"#,
                    #"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#
                )
            ],
            mode: .eitherSuffices
        ).question
        question.request.context = PolicyContext { key in
            Issue.record("\(key) was asked for")
            return nil
        }
        #expect(try decide(question).isAllowed)
    }

    @Test func `a document lists the condition keys and principals that it names`() throws {
        let document = try PolicyDocument(
            policy(
                #"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::${aws:username}","#
                    + #""Condition":{"StringLike":{"aws:SourceArn":"${x:y, 'z'}"},"Bool":{"AWS:sourcearn":true}}}"#,
                #"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/bob"],"#
                    + #""Service":"ec2.amazonaws.com"},"Action":"*","Resource":"*","#
                    + #""Condition":{"Null":{"kms:ViaService":true}}}"#,
                #"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*","Resource":"*"}"#
            ),
            kind: .resource
        )
        #expect(document.conditionKeys == ["aws:SourceArn", "x:y", "aws:username", "kms:ViaService"])
        #expect(
            document.principals == [
                .everyone, .account("111122223333"), .arn("arn:aws:iam::111122223333:user/bob"),
                .service("ec2.amazonaws.com"),
            ]
        )
    }

    @Test func `a refusal lists at most ten near misses, the nearest first`() throws {
        let far = (0..<20).map { _ in #"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}"# }
        let near = #"{"Sid":"Near","Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}"#
        let text = #"{"Statement":[\#((far + [near]).joined(separator: ","))]}"#
        guard
            case .notAllowed(let refusal) = try decide(
                ask(.notAllowed, identity: [text], mode: .eitherSuffices).question
            )
        else {
            Issue.record("allowed")
            return
        }
        #expect(refusal.nearMisses.count == 10)
        #expect(refusal.nearMisses.first?.statement.sid == "Near")
        #expect(refusal.nearMisses.first?.failures == [.action])
    }
}
