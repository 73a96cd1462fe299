import CofferPolicy

/// Whom `Principal` and `NotPrincipal` of a resource policy name.
enum PrincipalTables {
    static let all = [named, accounts, roles, services, notPrincipal, everyone]

    private static func allow(_ principal: String) -> String {
        policy(#"{"Effect":"Allow","Principal":\#(principal),"Action":"*","Resource":"*"}"#)
    }

    private static func allowAllBut(_ principal: String) -> String {
        policy(#"{"Effect":"Allow","NotPrincipal":\#(principal),"Action":"*","Resource":"*"}"#)
    }

    /// Everyone may, but those whom a second statement denies may not.
    private static func deny(_ element: String) -> String {
        policy(
            #"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#,
            #"{"Sid":"D","Effect":"Deny",\#(element),"Action":"*","Resource":"*"}"#
        )
    }

    private static let admin = policy(#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
    private static let carol = principal("arn:aws:iam::111122223333:user/carol")

    static let named = Table(
        "a user by its ARN",
        [
            ask(
                .allowed,
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#),
                why: "statement 0 of key policy"
            ),
            ask(.notAllowed, as: carol, key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
            ask(
                .notAllowed,
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/Bob"}"#),
                why: "the principal is another"
            ),
            ask(.notAllowed, key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/x/bob"}"#)),
            ask(.notAllowed, key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/bobby"}"#)),
            ask(
                .notAllowed,
                key: allow(#"{"AWS":"arn:aws:iam::444455556666:user/bob"}"#),
                why: "the principal is another"
            ),
            ask(.notAllowed, key: allow(#"{"AWS":"arn:aws:iam::111122223333:role/bob"}"#)),
            ask(.notAllowed, as: root, key: allow(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
            ask(
                .allowed,
                key: allow(
                    #"{"AWS":["arn:aws:iam::111122223333:user/carol","arn:aws:iam::111122223333:user/bob"]}"#
                )
            ),
            ask(
                .denied,
                key: deny(#""Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}"#),
                why: #""D" of key policy"#
            ),
            ask(.allowed, as: carol, key: deny(#""Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
        ]
    )

    static let accounts = Table(
        "an account by its root user or its number",
        [
            ask(
                .notAllowed,
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
                why: "identityPolicy is missing"
            ),
            ask(.allowed, key: allow(#"{"AWS":"arn:aws:iam::111122223333:root"}"#), identity: [admin]),
            ask(.allowed, key: allow(#"{"AWS":"111122223333"}"#), identity: [admin]),
            ask(.notAllowed, key: allow(#"{"AWS":"111122223333"}"#), why: "identityPolicy is missing"),
            ask(
                .notAllowed,
                key: allow(#"{"AWS":"444455556666"}"#),
                identity: [admin],
                why: "resourcePolicy is missing"
            ),
            ask(
                .allowed,
                as: root,
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
                why: "the rights of the root user"
            ),
            ask(.allowed, as: root, key: allow(#"{"AWS":["444455556666","111122223333"]}"#)),
            ask(
                .notAllowed,
                as: root,
                key: allow(#"{"AWS":"444455556666"}"#),
                why: "resourcePolicy is missing"
            ),
            ask(.denied, key: deny(#""Principal":{"AWS":"111122223333"}"#)),
            ask(.denied, as: root, key: deny(#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#)),
            ask(.allowed, key: deny(#""Principal":{"AWS":"444455556666"}"#)),
            ask(
                .allowed,
                as: canonical(root),
                key: allow(#"{"CanonicalUser":"\#(String(repeating: "0a", count: 32))"}"#)
            ),
            ask(
                .notAllowed,
                as: root,
                key: allow(#"{"CanonicalUser":"\#(String(repeating: "0a", count: 32))"}"#)
            ),
        ]
    )

    private static func canonical(_ principal: PolicyPrincipal) -> PolicyPrincipal {
        var principal = principal
        principal.canonicalUserID = String(repeating: "0a", count: 32)
        return principal
    }

    private static let deepRole = "arn:aws:iam::111122223333:role/team/App"

    static let roles = Table(
        "a role and its sessions",
        [
            ask(.allowed, as: session, key: allow(#"{"AWS":"arn:aws:iam::111122223333:role/App"}"#)),
            ask(.notAllowed, as: session, key: allow(#"{"AWS":"arn:aws:iam::111122223333:role/Other"}"#)),
            ask(
                .allowed,
                as: session,
                key: allow(#"{"AWS":"arn:aws:sts::111122223333:assumed-role/App/i-1"}"#)
            ),
            ask(
                .notAllowed,
                as: session,
                key: allow(#"{"AWS":"arn:aws:sts::111122223333:assumed-role/App/i-2"}"#)
            ),
            ask(.notAllowed, as: session, key: allow(#"{"AWS":"\#(deepRole)"}"#)),
            ask(
                .allowed,
                as: principal("arn:aws:sts::111122223333:assumed-role/App/i-1", role: deepRole),
                key: allow(#"{"AWS":"\#(deepRole)"}"#)
            ),
            ask(
                .notAllowed,
                as: principal("arn:aws:sts::111122223333:assumed-role/App/i-1", role: deepRole),
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:role/App"}"#)
            ),
            ask(.notAllowed, as: session, key: allow(#"{"AWS":"arn:aws:iam::111122223333:root"}"#)),
            ask(
                .allowed,
                as: session,
                key: allow(#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
                identity: [admin]
            ),
            ask(
                .denied,
                as: session,
                key: deny(#""Principal":{"AWS":"arn:aws:iam::111122223333:role/App"}"#)
            ),
            ask(
                .denied,
                as: session,
                key: deny(#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/App/i-1"}"#)
            ),
            ask(
                .allowed,
                as: session,
                key: deny(#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/App/i-2"}"#)
            ),
            ask(.allowed, key: deny(#""Principal":{"AWS":"arn:aws:iam::111122223333:role/App"}"#)),
            ask(
                .allowed,
                as: principal("arn:aws:sts::111122223333:federated-user/fred"),
                key: allow(#"{"AWS":"arn:aws:sts::111122223333:federated-user/fred"}"#)
            ),
        ]
    )

    static let services = Table(
        "services, identity providers and anonymous callers",
        [
            ask(.allowed, as: .service("ec2.amazonaws.com"), key: allow(#"{"Service":"ec2.amazonaws.com"}"#)),
            ask(
                .allowed,
                as: .service("ec2.amazonaws.com"),
                key: allow(#"{"Service":["s3.amazonaws.com","ec2.amazonaws.com"]}"#)
            ),
            ask(
                .notAllowed,
                as: .service("ec2.amazonaws.com"),
                key: allow(#"{"Service":"s3.amazonaws.com"}"#)
            ),
            ask(.notAllowed, as: .service("ec2.amazonaws.com"), key: allow(#"{"AWS":"111122223333"}"#)),
            ask(.notAllowed, key: allow(#"{"Service":"ec2.amazonaws.com"}"#)),
            ask(
                .allowed,
                key: allow(#"{"Service":"ec2.amazonaws.com","AWS":"arn:aws:iam::111122223333:user/bob"}"#)
            ),
            ask(
                .allowed,
                as: .federated("accounts.google.com"),
                key: allow(#"{"Federated":"accounts.google.com"}"#)
            ),
            ask(
                .notAllowed,
                as: .federated("www.amazon.com"),
                key: allow(#"{"Federated":"accounts.google.com"}"#)
            ),
            ask(
                .notAllowed,
                as: .service("accounts.google.com"),
                key: allow(#"{"Federated":"accounts.google.com"}"#)
            ),
            ask(
                .denied,
                as: .service("ec2.amazonaws.com"),
                key: deny(#""Principal":{"Service":"ec2.amazonaws.com"}"#)
            ),
            ask(.allowed, as: .anonymous, key: allow(#""*""#)),
            ask(.notAllowed, as: .anonymous, key: allow(#"{"AWS":"111122223333"}"#), identity: [admin]),
            ask(.notAllowed, as: .anonymous, identity: [admin], mode: .eitherSuffices),
        ]
    )

    private static let listBob = #"{"AWS":["arn:aws:iam::111122223333:user/bob","111122223333"]}"#
    private static let listSession =
        #"{"AWS":["arn:aws:sts::111122223333:assumed-role/App/i-1","#
        + #""arn:aws:iam::111122223333:role/App","111122223333"]}"#
    private static let listSessionAlone =
        #"{"AWS":["arn:aws:sts::111122223333:assumed-role/App/i-1","111122223333"]}"#
    private static let listRole = #"{"AWS":["arn:aws:iam::111122223333:role/App","111122223333"]}"#

    static let notPrincipal = Table(
        "NotPrincipal",
        [
            ask(.allowed, key: deny(#""NotPrincipal":\#(listBob)"#)),
            ask(.denied, as: carol, key: deny(#""NotPrincipal":\#(listBob)"#)),
            ask(.denied, as: session, key: deny(#""NotPrincipal":\#(listBob)"#)),
            ask(.allowed, as: root, key: deny(#""NotPrincipal":\#(listBob)"#)),
            // Without the account the caller is not listed whole.
            ask(.denied, key: deny(#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
            ask(.denied, key: deny(#""NotPrincipal":{"AWS":"111122223333"}"#)),
            ask(.allowed, as: session, key: deny(#""NotPrincipal":\#(listSession)"#)),
            ask(.denied, as: session, key: deny(#""NotPrincipal":\#(listRole)"#)),
            ask(.denied, as: session, key: deny(#""NotPrincipal":\#(listSessionAlone)"#)),
            ask(.denied, as: stranger, key: deny(#""NotPrincipal":\#(listBob)"#)),
            ask(.denied, as: .anonymous, key: deny(#""NotPrincipal":\#(listBob)"#)),
            ask(
                .allowed,
                as: .service("ec2.amazonaws.com"),
                key: deny(#""NotPrincipal":{"Service":"ec2.amazonaws.com"}"#)
            ),
            ask(
                .denied,
                as: .service("s3.amazonaws.com"),
                key: deny(#""NotPrincipal":{"Service":"ec2.amazonaws.com"}"#)
            ),
            ask(.allowed, key: deny(#""NotPrincipal":"*""#)),
            ask(.notAllowed, key: allowAllBut(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
            ask(.allowed, as: carol, key: allowAllBut(#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#)),
            ask(.notAllowed, key: allowAllBut(#"{"AWS":"111122223333"}"#)),
            ask(.notAllowed, as: session, key: allowAllBut(#"{"AWS":"arn:aws:iam::111122223333:role/App"}"#)),
            ask(.notAllowed, key: allowAllBut(#""*""#)),
            ask(.allowed, as: .anonymous, key: allowAllBut(#"{"AWS":"111122223333"}"#)),
        ]
    )

    static let everyone = Table(
        "everyone",
        [
            ask(.allowed, key: allow(#""*""#)),
            ask(.allowed, key: allow(#"{"AWS":"*"}"#)),
            ask(.allowed, key: allow(#"{"AWS":["*"]}"#)),
            ask(.allowed, as: root, key: allow(#""*""#)),
            ask(.allowed, as: session, key: allow(#""*""#)),
            ask(.allowed, as: .service("ec2.amazonaws.com"), key: allow(#""*""#)),
            ask(.notAllowed, as: stranger, key: allow(#""*""#), why: "identityPolicy is missing"),
            ask(.allowed, as: stranger, key: allow(#""*""#), identity: [admin]),
            ask(.denied, key: deny(#""Principal":"*""#), grant: "grant 1"),
            ask(.denied, as: .anonymous, key: deny(#""Principal":{"AWS":"*"}"#)),
        ]
    )
}
