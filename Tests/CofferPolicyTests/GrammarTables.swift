import CofferJSON
import CofferPolicy
import Testing

/// A text that is a policy or not. `▸` marks where the mistake stands, and is no part of the text.
struct GrammarRow: Sendable {
    let text: String
    let kind: PolicyDocument.Kind
    /// The way to the mistake and a part of the sentence; nil where there is none.
    let mistake: (path: String, words: String)?
    let line: Int

    static func accepted(
        _ text: String,
        _ kind: PolicyDocument.Kind = .identity,
        line: Int = #line
    ) -> GrammarRow {
        GrammarRow(text: text, kind: kind, mistake: nil, line: line)
    }

    static func refused(
        _ text: String,
        at path: String,
        _ words: String,
        _ kind: PolicyDocument.Kind = .identity,
        line: Int = #line
    ) -> GrammarRow {
        GrammarRow(text: text, kind: kind, mistake: (path, words), line: line)
    }
}

struct GrammarTable: Sendable, CustomTestStringConvertible {
    let name: String
    let rows: [GrammarRow]

    init(_ name: String, _ rows: [GrammarRow]) { (self.name, self.rows) = (name, rows) }

    var testDescription: String { name }

    /// What is wrong with the answers of `parse`, which gives the mistake that it finds.
    func failures(_ parse: (String, PolicyDocument.Kind) -> PolicyError?) -> [String] {
        rows.compactMap { row in
            let parts = row.text.split(separator: "▸", maxSplits: 1, omittingEmptySubsequences: false)
            let found = parse(parts.joined(), row.kind)
            let isRight =
                switch (row.mistake, found) {
                case (nil, nil): true
                case (let mistake?, let found?):
                    found.path == mistake.path && found.sentence.contains(mistake.words)
                        && found.place.offset == parts[0].utf8.count
                default: false
                }
            return isRight ? nil : "\(name), line \(row.line): \(found.map(\.description) ?? "accepted")"
        }
    }
}

enum GrammarTables {
    static let all = [
        documents, statements, sids, principals, actions, resources, conditions, values, variables,
    ]

    static func one(_ elements: String) -> String {
        #"{"Version":"2012-10-17","Statement":[{\#(elements)}]}"#
    }

    static let documents = GrammarTable(
        "documents",
        [
            .accepted(one(#""Effect":"Allow","Action":"*","Resource":"*""#)),
            .accepted(
                #"{"Version":"2008-10-17","Id":"x y","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#
            ),
            .accepted(#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#),
            .refused("▸", at: "", "ends where a value"),
            .refused(#"{"Statement":[▸}"#, at: "", "no JSON value"),
            .refused(#"{"Statement":[],▸"Statement":[]}"#, at: "", "twice"),
            .refused("▸[]", at: "", "an object"),
            .refused("▸\"*\"", at: "", "an object"),
            .refused("▸{}", at: "", "has a Statement"),
            .refused(#"{"Statement":▸[]}"#, at: "Statement", "at least one"),
            .refused(#"{"Statement":▸"*"}"#, at: "Statement", "an object"),
            .refused(#"{"Statement":[▸1]}"#, at: "Statement[0]", "an object"),
            .refused(#"{"Version":▸"2012-10-18","Statement":[]}"#, at: "Version", "2012-10-17"),
            .refused(#"{"Version":▸2012,"Statement":[]}"#, at: "Version", "2012-10-17"),
            .refused(#"{"Id":▸5,"Statement":[]}"#, at: "Id", "a string"),
            .refused(#"{▸"Statements":[]}"#, at: "Statements", "unknown"),
            .refused(#"{▸"version":"2012-10-17"}"#, at: "version", "unknown"),
        ]
    )

    static let statements = GrammarTable(
        "statements",
        [
            .accepted(one(#""Effect":"Allow","NotAction":"a:b","NotResource":"arn:aws:s3:::b""#)),
            .refused(#"{"Statement":[▸{}]}"#, at: "Statement[0]", "has an Effect"),
            .refused(
                one(#""Effect":▸"allow","Action":"*","Resource":"*""#),
                at: "Statement[0].Effect",
                "Allow or Deny"
            ),
            .refused(
                one(#""Effect":▸true,"Action":"*","Resource":"*""#),
                at: "Statement[0].Effect",
                "Allow or Deny"
            ),
            .refused(
                #"{"Statement":▸{"Action":"*","Resource":"*"}}"#,
                at: "Statement",
                "has an Effect"
            ),
            .refused(
                #"{"Statement":▸{"Effect":"Allow","Resource":"*"}}"#,
                at: "Statement",
                "Action or NotAction"
            ),
            .refused(
                #"{"Statement":▸{"Effect":"Allow","Action":"*"}}"#,
                at: "Statement",
                "Resource or NotResource"
            ),
            .refused(
                one(#""Effect":"Allow","Action":"*","NotAction":▸"*","Resource":"*""#),
                at: "Statement[0].NotAction",
                "not both"
            ),
            .refused(
                one(#""Effect":"Allow","Action":"*","NotResource":▸"*","Resource":"*""#),
                at: "Statement[0].NotResource",
                "not both"
            ),
            .refused(
                one(#""Effect":"Allow",▸"Actions":"*","Resource":"*""#),
                at: "Statement[0].Actions",
                "unknown"
            ),
            .refused(
                #"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow",▸"Ressource":1}]}"#,
                at: "Statement[1].Ressource",
                "unknown"
            ),
        ]
    )

    private static func sid(_ sids: String...) -> String {
        let statements = sids.map { #"{"Sid":\#($0),"Effect":"Allow","Action":"*","Resource":"*"}"# }
        return #"{"Statement":[\#(statements.joined(separator: ","))]}"#
    }

    private static func resourceSid(_ sids: String...) -> String {
        let statements = sids.map {
            #"{"Sid":\#($0),"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#
        }
        return #"{"Statement":[\#(statements.joined(separator: ","))]}"#
    }

    static let sids = GrammarTable(
        "Sid",
        [
            .accepted(sid(#""A1""#, #""a1""#)),
            .accepted(sid(#""""#, #""""#)),
            .refused(sid(#"▸"A b""#), at: "Statement[0].Sid", "letters and digits"),
            .refused(sid(#"▸"é""#), at: "Statement[0].Sid", "letters and digits"),
            .refused(sid("▸7"), at: "Statement[0].Sid", "a string"),
            .refused(sid(#""A""#, #""B""#, #"▸"A""#), at: "Statement[2].Sid", "same Sid"),
            .accepted(resourceSid(#""Enable IAM User Permissions""#), .resource),
            .accepted(resourceSid(#""A""#, #""A""#), .resource),
        ]
    )

    private static func principal(_ principal: String) -> String {
        one(#""Effect":"Allow",\#(principal),"Action":"*","Resource":"*""#)
    }

    private static func aws(_ name: String) -> GrammarRow {
        .refused(
            principal(#""Principal":{"AWS":▸"\#(name)"}"#),
            at: "Statement[0].Principal.AWS",
            "no such",
            .resource
        )
    }

    static let principals = GrammarTable(
        "principals",
        [
            .accepted(principal(#""Principal":"*""#), .resource),
            .accepted(principal(#""NotPrincipal":{"AWS":["*","111122223333"]}"#), .resource),
            .accepted(principal(#""Principal":{"AWS":"arn:aws:iam::111122223333:user/a/b/bob"}"#), .resource),
            .accepted(
                principal(#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/App/s"}"#),
                .resource
            ),
            .accepted(
                principal(#""Principal":{"AWS":"arn:aws:sts::111122223333:federated-user/s"}"#),
                .resource
            ),
            .accepted(
                principal(
                    #""Principal":{"Service":["ec2.amazonaws.com"],"Federated":"arn:aws:iam::1:saml-provider/x","#
                        + #""CanonicalUser":"\#(String(repeating: "aF", count: 32))"}"#
                ),
                .resource
            ),
            .refused(principal(#""Principal":▸"*""#), at: "Statement[0].Principal", "names no principal"),
            .refused(
                principal(#""NotPrincipal":▸"*""#),
                at: "Statement[0].NotPrincipal",
                "names no principal"
            ),
            .refused(
                #"{"Statement":[▸{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
                at: "Statement[0]",
                "Principal or NotPrincipal",
                .resource
            ),
            .refused(
                principal(#""Principal":"*","NotPrincipal":▸"*""#),
                at: "Statement[0].NotPrincipal",
                "not both",
                .resource
            ),
            .refused(
                principal(#""Principal":▸"bob""#),
                at: "Statement[0].Principal",
                "a principal is *",
                .resource
            ),
            .refused(
                principal(#""Principal":▸{}"#),
                at: "Statement[0].Principal",
                "a principal is *",
                .resource
            ),
            .refused(
                principal(#""Principal":▸["*"]"#),
                at: "Statement[0].Principal",
                "a principal is *",
                .resource
            ),
            .refused(
                principal(#""Principal":{▸"aws":"*"}"#),
                at: "Statement[0].Principal.aws",
                "AWS",
                .resource
            ),
            .refused(
                principal(#""Principal":{"AWS":▸[]}"#),
                at: "Statement[0].Principal.AWS",
                "empty",
                .resource
            ),
            .refused(
                principal(#""Principal":{"AWS":▸1}"#),
                at: "Statement[0].Principal.AWS",
                "a string",
                .resource
            ),
            .refused(
                principal(#""Principal":{"AWS":["*",▸null]}"#),
                at: "Statement[0].Principal.AWS[1]",
                "a string",
                .resource
            ),
            aws("bob"), aws(""), aws("11112222333"), aws("arn:aws:iam::111122223333:user/*"),
            aws("arn:aws:iam::111122223333:user/b?b"), aws("arn:aws:iam::111122223333:user"),
            aws("arn:aws:iam::111122223333:user/"), aws("arn:aws:iam::111122223333:group/g"),
            aws("arn:aws:iam::bob:root"), aws("arn:aws:iam:eu-west-1:111122223333:root"),
            aws("arn:aws:sts::111122223333:assumed-role/App"), aws("arn:aws:s3:::bucket"),
            .refused(
                principal(#""Principal":{"Service":▸"*"}"#),
                at: "Statement[0].Principal.Service",
                "no such",
                .resource
            ),
            .refused(
                principal(#""Principal":{"Service":▸"ec2"}"#),
                at: "Statement[0].Principal.Service",
                "no such",
                .resource
            ),
            .refused(
                principal(#""Principal":{"CanonicalUser":▸"abc"}"#),
                at: "Statement[0].Principal.CanonicalUser",
                "no such",
                .resource
            ),
            .refused(
                principal(#""Principal":{"Federated":▸"arn:*"}"#),
                at: "Statement[0].Principal.Federated",
                "no such",
                .resource
            ),
        ]
    )

    private static func action(_ text: String) -> GrammarRow {
        .refused(
            one(#""Effect":"Allow","Action":▸"\#(text)","Resource":"*""#),
            at: "Statement[0].Action",
            "an action is"
        )
    }

    static let actions = GrammarTable(
        "actions",
        [
            .accepted(
                one(
                    #""Effect":"Allow","Action":["*","*:*","kms:*","KMS:De?r*","aws-portal:View_x"],"Resource":"*""#
                )
            ),
            action(""), action("kms"), action("kms:"), action(":Decrypt"), action("kms:a:b"),
            action("k*:Decrypt"),
            action("kms:De crypt"), action("kms:${aws:username}"), action("**"),
            .refused(
                one(#""Effect":"Allow","Action":▸[],"Resource":"*""#),
                at: "Statement[0].Action",
                "empty"
            ),
            .refused(
                one(#""Effect":"Allow","Action":▸{},"Resource":"*""#),
                at: "Statement[0].Action",
                "a string"
            ),
            .refused(
                one(#""Effect":"Allow","Action":["*",▸3],"Resource":"*""#),
                at: "Statement[0].Action[1]",
                "a string"
            ),
            .refused(
                one(#""Effect":"Allow","NotAction":["kms:*",▸"x"],"Resource":"*""#),
                at: "Statement[0].NotAction[1]",
                "an action is"
            ),
        ]
    )

    private static func resource(_ text: String) -> GrammarRow {
        .refused(
            one(#""Effect":"Allow","Action":"*","Resource":▸"\#(text)""#),
            at: "Statement[0].Resource",
            "a resource is"
        )
    }

    static let resources = GrammarTable(
        "resources",
        [
            .accepted(
                one(
                    #""Effect":"Allow","Action":"*","Resource":["*","arn:*","arn:aws:s3:::b","arn:aws:kms:*"]"#
                )
            ),
            resource(""), resource("bucket"), resource("arn:aws:s3"), resource("b*"),
            resource("ARN:aws:s3:::b"),
            .refused(
                one(#""Effect":"Allow","Action":"*","Resource":▸[]"#),
                at: "Statement[0].Resource",
                "empty"
            ),
            .refused(
                one(#""Effect":"Allow","Action":"*","Resource":▸null"#),
                at: "Statement[0].Resource",
                "a string"
            ),
            .refused(
                one(#""Effect":"Allow","Action":"*","NotResource":["*",▸"x"]"#),
                at: "Statement[0].NotResource[1]",
                "a resource is"
            ),
        ]
    )
}
