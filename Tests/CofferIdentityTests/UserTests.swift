internal import CofferCatalog
internal import CofferIdentity
internal import CofferShapes
internal import Testing

@Suite struct UserTests {
    private let home: IdentityHome
    private var service: IdentityService { home.service }

    init() throws { home = try IdentityHome() }

    @Test func `a user is made, shown and removed`() throws {
        let made = try service.createUser("bob", path: "/team/a/", caller: home.root)
        #expect(made.arn.description == "arn:aws:iam::111122223333:user/team/a/bob")
        #expect(made.userID.wholeMatch(of: #/AIDA[A-Z2-7]{17}/#) != nil)
        #expect(made.created == IdentityHome.created)
        #expect(try service.getUser("bob", caller: home.root) == made)
        try service.deleteUser("bob", caller: home.root)
        #expect(
            refusal { try service.getUser("bob", caller: home.root) }
                == AWSError(
                    .noSuchEntity,
                    "The user with name bob cannot be found.",
                    hint: "see the users with `coffer user ls`"
                )
        )
        #expect(refusal { try service.deleteUser("bob", caller: home.root) }?.code == .noSuchEntity)
        let again = try service.createUser("bob", path: "/team/a/", caller: home.root)
        #expect(again.arn == made.arn && again.userID != made.userID, "the same name is another user")
    }

    @Test func `two users cannot differ in case alone, and a name is found in its own case only`() throws {
        _ = try service.createUser("Bob", caller: home.root)
        let error = refusal { try service.createUser("bOB", caller: home.root) }
        #expect(error?.code == .entityAlreadyExists)
        #expect(error?.message == "User with name bOB already exists.")
        #expect(refusal { try service.getUser("bob", caller: home.root) }?.code == .noSuchEntity)
    }

    @Test(arguments: [
        (
            "",
            "1 validation error detected: Value '' at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ),
        (
            "a b",
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        ),
        (
            "böb",
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        ),
        (
            "../x",
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        ),
        (
            "a\u{0}",
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        ),
    ])
    func `a name that IAM would not take is refused in its words`(_ row: (name: String, words: String)) throws
    {
        let error = refusal { try service.createUser(row.name, caller: home.root) }
        #expect(error == AWSError(.iamValidation, row.words))
    }

    @Test func `names and paths may be as long as IAM allows and no longer`() throws {
        let longest = String(repeating: "x", count: 64)
        _ = try service.createUser(longest, caller: home.root)
        #expect(refusal { try service.createUser(longest + "x", caller: home.root) }?.code == .iamValidation)
        _ = try service.createUser("+=,.@_-9", path: "/!~/", caller: home.root)
        let path = "/" + String(repeating: "p", count: 510) + "/"
        _ = try service.createUser("deep", path: path, caller: home.root)
        for path in ["", "x/", "/x", "/a b/", "/ä/", "/" + path] {
            #expect(
                refusal { try service.createUser("u", path: path, caller: home.root) }?.code
                    == .iamValidation,
                "\(path)"
            )
        }
    }

    @Test func `lists come in parts that hold each user once, whatever changes meanwhile`() throws {
        for number in 0..<7 { _ = try service.createUser("u\(number)", caller: home.root) }
        let first = try service.listUsers(page: Page(limit: 3), caller: home.root)
        #expect(first.items.map(\.userName) == ["u0", "u1", "u2"])
        try service.deleteUser("u2", caller: home.root)
        try service.deleteUser("u3", caller: home.root)
        _ = try service.createUser("u21", caller: home.root)
        let second = try service.listUsers(page: Page(limit: 3, marker: first.nextMarker), caller: home.root)
        #expect(second.items.map(\.userName) == ["u21", "u4", "u5"])
        let third = try service.listUsers(page: Page(limit: 3, marker: second.nextMarker), caller: home.root)
        #expect(third.items.map(\.userName) == ["u6"] && third.nextMarker == nil)
        for limit in [0, -1, 1001] {
            #expect(
                refusal { try service.listUsers(page: Page(limit: limit), caller: home.root) }?.code
                    == .iamValidation
            )
        }
        #expect(
            refusal { try service.listUsers(page: Page(marker: "x"), caller: home.root) }?.message
                == "Invalid Marker."
        )
    }

    @Test func `an account has 5000 users and no more`() throws {
        try Catalog(path: home.path).changeIdentities { rows in
            for number in 1..<5000 {
                try rows.insert(
                    UserRecord(id: "\(number)", name: "u\(number)", path: "/", created: IdentityHome.created)
                )
            }
        }
        _ = try service.createUser("last", caller: home.root)
        #expect(
            refusal { try service.createUser("more", caller: home.root) }
                == AWSError(.iamLimitExceeded, "Cannot exceed quota for UsersPerAccount: 5000")
        )
        var page = Page(limit: 1000)
        var seen = Set<String>()
        repeat {
            let part = try service.listUsers(page: page, caller: home.root)
            for user in part.items { #expect(seen.insert(user.userName).inserted) }
            page.marker = part.nextMarker
        } while page.marker != nil
        #expect(seen.count == 5000)
    }

    @Test func `a list holds one path's users`() throws {
        _ = try service.createUser("a", path: "/x/", caller: home.root)
        _ = try service.createUser("b", path: "/x/y/", caller: home.root)
        _ = try service.createUser("c", caller: home.root)
        #expect(
            try service.listUsers(pathPrefix: "/x/", caller: home.root).items.map(\.userName) == ["a", "b"]
        )
        #expect(try service.listUsers(caller: home.root).items.count == 3)
        #expect(refusal { try service.listUsers(pathPrefix: "x", caller: home.root) }?.code == .iamValidation)
    }

    @Test func `a user with policies or access keys cannot be removed`() throws {
        try home.make("bob", allowing: #"{"Effect":"Allow","Action":"*","Resource":"*"}"#)
        let key = try service.createAccessKey(user: "bob", caller: home.root).metadata
        let policies = refusal { try service.deleteUser("bob", caller: home.root) }
        #expect(policies?.code == .deleteConflict)
        #expect(policies?.message == "Cannot delete entity, must delete policies first.")
        try service.deleteUserPolicy("p", user: "bob", caller: home.root)
        let keys = refusal { try service.deleteUser("bob", caller: home.root) }
        #expect(keys?.code == .deleteConflict)
        #expect(keys?.message == "Cannot delete entity, must delete access keys first.")
        try service.deleteAccessKey(key.accessKeyID, user: "bob", caller: home.root)
        try service.deleteUser("bob", caller: home.root)
    }

    @Test func `the root user is no user, and everybody may ask who he is`() throws {
        let root = try service.getCallerIdentity(caller: home.root)
        #expect(root.userID == "111122223333" && root.arn.description == "arn:aws:iam::111122223333:root")
        #expect(
            refusal { try service.getUser(caller: home.root) }
                == AWSError(.iamValidation, "Must specify userName when calling with non-User credentials")
        )
        let bob = try service.createUser("bob", caller: home.root)
        let identity = try service.getCallerIdentity(caller: home.caller("bob"))
        #expect(identity.userID == bob.userID && identity.arn == bob.arn)
        #expect(refusal { try service.getCallerIdentity(caller: home.caller("eve")) }?.code == .noSuchEntity)
    }
}
