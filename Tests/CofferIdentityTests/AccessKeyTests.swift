internal import CofferCatalog
internal import CofferIdentity
internal import CofferPolicy
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import GRDB
internal import Testing

@Suite struct AccessKeyTests {
    private let home: IdentityHome
    private var service: IdentityService { home.service }

    init() throws {
        home = try IdentityHome()
        _ = try service.createUser("bob", path: "/team/", caller: home.root)
    }

    @Test func `an access key is as AWS makes them, and its secret serves the verifier`() throws {
        let made = try service.createAccessKey(user: "bob", caller: home.root)
        #expect(made.metadata.accessKeyID.wholeMatch(of: #/AKIA[A-Z2-7]{16}/#) != nil)
        #expect(made.metadata.userName == "bob" && made.metadata.status == .active)
        let secret = text(made.secret)
        #expect(secret.wholeMatch(of: #/[A-Za-z0-9+\/]{40}/#) != nil)
        let key = try #require(try service.directory.accessKey(made.metadata.accessKeyID))
        #expect(text(key.secret) == secret)
        #expect(key.principal.description == "arn:aws:iam::111122223333:user/team/bob")
        #expect(try key.userID == service.getUser("bob", caller: home.root).userID && key.status == .active)
    }

    @Test func `the secret is the base64 of 30 random bytes`() throws {
        // Bytes 0x00 to 0x1D come first, then ids: what base64 gives for them is known.
        let service = try home.service(over: "other.sqlite", random: CountingByteSource())
        let made = try service.createAccessKey(caller: home.root)
        #expect(made.metadata.accessKeyID == "AKIA" + "AAAQEAYEAUDAOCAJ")
        #expect(text(made.secret) == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd")
    }

    @Test func `the root user has keys of its own`() throws {
        let made = try service.createAccessKey(caller: home.root).metadata
        #expect(made.userName == nil)
        let key = try #require(try service.directory.accessKey(made.accessKeyID))
        #expect(key.principal == .root(home.account) && key.userID == "111122223333")
        #expect(try service.listAccessKeys(caller: home.root).items == [made])
        #expect(try service.listAccessKeys(user: "bob", caller: home.root).items.isEmpty)
        try service.deleteAccessKey(made.accessKeyID, caller: home.root)
        #expect(try service.directory.accessKey(made.accessKeyID) == nil)
    }

    @Test func `a user has at most two keys`() throws {
        for _ in 0..<2 { _ = try service.createAccessKey(user: "bob", caller: home.root).metadata }
        let error = refusal { try service.createAccessKey(user: "bob", caller: home.root).metadata }
        #expect(error == AWSError(.iamLimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2"))
        let keys = try service.listAccessKeys(user: "bob", caller: home.root).items
        #expect(keys.count == 2)
        try service.updateAccessKey(keys[0].accessKeyID, status: .inactive, user: "bob", caller: home.root)
        #expect(
            refusal { try service.createAccessKey(user: "bob", caller: home.root).metadata } != nil,
            "an inactive key counts"
        )
        try service.deleteAccessKey(keys[0].accessKeyID, user: "bob", caller: home.root)
        _ = try service.createAccessKey(user: "bob", caller: home.root).metadata
    }

    @Test func `another user's key, and one that is none, is not found`() throws {
        _ = try service.createUser("eve", caller: home.root)
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata.accessKeyID
        for (id, user) in [(key, "eve"), (key, nil), ("AKIAAAAAAAAAAAAAAAAA", "bob")] {
            for error in [
                refusal { try service.updateAccessKey(id, status: .inactive, user: user, caller: home.root) },
                refusal { try service.deleteAccessKey(id, user: user, caller: home.root) },
            ] {
                #expect(error == AWSError(.noSuchEntity, "The Access Key with id \(id) cannot be found."))
            }
        }
        #expect(try service.directory.accessKey(key)?.status == .active)
        for id in ["", "short", "AKIA-AAAAAAAAAAAAAAA", String(repeating: "A", count: 129)] {
            #expect(
                refusal { try service.deleteAccessKey(id, user: "bob", caller: home.root) }?.code
                    == .iamValidation
            )
            #expect(try service.directory.accessKey(id) == nil)
        }
    }

    @Test func `what another process changes counts in the very next call`() throws {
        let other = try home.other()
        let bob = home.caller("bob", path: "/team/").principal
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata.accessKeyID
        #expect(
            try service.directory.accessKey(key)?.status == .active
                && service.directory.policies(of: bob).isEmpty
        )
        try other.updateAccessKey(key, status: .inactive, user: "bob", caller: home.root)
        #expect(try service.directory.accessKey(key)?.status == .inactive)
        try other.updateAccessKey(key, status: .active, user: "bob", caller: home.root)
        #expect(try service.directory.accessKey(key)?.status == .active)
        let policy = home.policy(#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
        try other.putUserPolicy("p", document: policy, user: "bob", caller: home.root)
        #expect(try service.directory.policies(of: bob).map(\.name) == ["policy p of user bob"])
        _ = try service.listUsers(caller: Caller(principal: bob))
        try other.deleteUserPolicy("p", user: "bob", caller: home.root)
        #expect(refusal { try service.listUsers(caller: Caller(principal: bob)) }?.code == .iamAccessDenied)
        try other.deleteAccessKey(key, user: "bob", caller: home.root)
        #expect(try service.directory.accessKey(key) == nil)
        #expect(try service.directory.exists(bob))
        try other.deleteUser("bob", caller: home.root)
        #expect(try !service.directory.exists(bob))
    }

    @Test func `a key stays the same object until it changes itself`() throws {
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata.accessKeyID
        let first = try #require(try service.directory.accessKey(key))
        _ = try service.createUser("eve", caller: home.root)
        #expect(try service.directory.accessKey(key) === first, "a change to somebody else")
        try service.updateAccessKey(key, status: .inactive, user: "bob", caller: home.root)
        #expect(try service.directory.accessKey(key) !== first)
    }

    @Test func `a secret is not in the catalogue, and a row moved or changed opens nothing`() throws {
        let made = try service.createAccessKey(user: "bob", caller: home.root)
        let (id, secret) = (made.metadata.accessKeyID, text(made.secret))
        let bytes = try home.folder.bytes("catalog.sqlite")
        #expect(bytes.firstRange(of: Array(id.utf8)) != nil, "the search finds what is there")
        #expect(bytes.firstRange(of: Array(secret.utf8)) == nil)
        let other = try service.createAccessKey(caller: home.root).metadata.accessKeyID
        let database = try DatabaseQueue(path: home.path)
        for change in [
            // To the root user, from another key, and a flipped bit.
            "user = NULL", "wrappedSecret = (SELECT wrappedSecret FROM iamAccessKey WHERE id = '\(other)')",
            "wrappedSecret = CAST(x'00' || substr(wrappedSecret, 2) AS BLOB)", "wrappedSecret = x''",
        ] {
            let before = try #require(
                try database.read {
                    try Row.fetchOne(
                        $0,
                        sql: "SELECT user, wrappedSecret FROM iamAccessKey WHERE id = ?",
                        arguments: [id]
                    )
                }
            )
            try database.write { try $0.execute(sql: "UPDATE iamAccessKey SET \(change) WHERE id = '\(id)'") }
            #expect(refusal { try service.directory.accessKey(id) }?.code == .damaged, "\(change)")
            try database.write {
                try $0.execute(
                    sql: "UPDATE iamAccessKey SET user = ?, wrappedSecret = ? WHERE id = ?",
                    arguments: [before["user"] as String?, before["wrappedSecret"] as DatabaseValue, id]
                )
            }
            #expect(try service.directory.accessKey(id) != nil)
        }
    }

    @Test func `many threads see one key while another changes things`() throws {
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata.accessKeyID
        let (service, root) = (service, home.root)
        let problems = inParallel(4) { index in
            for number in 0..<50 {
                if index == 0 {
                    try service.updateAccessKey(
                        key,
                        status: number.isMultiple(of: 2) ? .inactive : .active,
                        user: "bob",
                        caller: root
                    )
                } else if try service.directory.accessKey(key)?.id != key {
                    return "the key is gone"
                }
            }
            return nil
        }
        #expect(problems.isEmpty, "\(problems)")
        #expect(try service.directory.accessKey(key)?.status == .active)
    }
}

/// 0, 1, 2 … from the start at each request.
private struct CountingByteSource: ByteSource {
    func fill(_ span: inout MutableRawSpan) {
        for offset in 0..<span.byteCount {
            span.storeBytes(of: UInt8(truncatingIfNeeded: offset), toByteOffset: offset, as: UInt8.self)
        }
    }
}
