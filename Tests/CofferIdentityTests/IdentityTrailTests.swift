internal import CofferIdentity
internal import CofferShapes
internal import CofferTesting
internal import CofferTrail
internal import Foundation
internal import Testing

@Suite struct IdentityTrailTests {
    private let home: IdentityHome
    private var service: IdentityService { home.service }

    init() throws { home = try IdentityHome() }

    @Test func `every call leaves its line, with who asked for what and no secret`() throws {
        _ = try service.createUser("bob", path: "/team/", caller: home.root)
        let document = home.policy(#"{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}"#)
        try service.putUserPolicy("p", document: document, user: "bob", caller: home.root)
        let bob = home.caller("bob", path: "/team/")
        let made = try service.createAccessKey(user: "bob", caller: home.root)
        let (key, secret) = (made.metadata.accessKeyID, text(made.secret))
        try service.updateAccessKey(key, status: .inactive, user: "bob", caller: home.root)
        _ = try service.getUser(caller: bob)
        _ = try service.getUserPolicy("p", user: "bob", caller: bob)
        _ = try service.listUsers(caller: home.root)
        _ = try service.listUserPolicies(user: "bob", caller: home.root)
        _ = try service.listAccessKeys(user: "bob", caller: home.root)
        _ = try service.getCallerIdentity(caller: bob)
        try service.deleteAccessKey(key, user: "bob", caller: home.root)
        try service.deleteUserPolicy("p", user: "bob", caller: home.root)
        try service.deleteUser("bob", caller: home.root)

        let lines = try home.lines()
        #expect(
            lines.map(\.record.eventName) == [
                "CreateUser", "PutUserPolicy", "CreateAccessKey", "UpdateAccessKey", "GetUser",
                "GetUserPolicy", "ListUsers", "ListUserPolicies", "ListAccessKeys", "GetCallerIdentity",
                "DeleteAccessKey", "DeleteUserPolicy", "DeleteUser",
            ]
        )
        #expect(lines.allSatisfy { $0.record.errorCode == nil && $0.record.awsRegion == "us-east-1" })
        #expect(lines[0].record.requestParameters == ["userName": "bob", "path": "/team/"])
        #expect(lines[0].record.userIdentity?.type == "Root" && lines[0].record.readOnly == false)
        #expect(lines[4].record.userIdentity?.userName == "bob" && lines[4].record.readOnly == true)
        #expect(lines[9].record.eventSource == "sts.amazonaws.com")
        let bytes = try home.folder.names(in: "trail").flatMap { try home.folder.bytes("trail/\($0)") }
        #expect(bytes.firstRange(of: Array(key.utf8)) != nil, "the search finds what is there")
        #expect(bytes.firstRange(of: Array(secret.utf8)) == nil)
    }

    @Test func `looking up who a name stands for checks the name, and leaves no line`() throws {
        _ = try service.createUser("bob", path: "/team/", caller: home.root)
        let bob = home.caller("bob", path: "/team/").principal
        #expect(try service.directory.arn(ofUser: "bob") == bob)
        #expect(refusal { try service.directory.arn(ofUser: "nobody") }?.code == .noSuchEntity)
        #expect(refusal { try service.directory.arn(ofUser: "no body") }?.code == .iamValidation)
        #expect(try home.lines().count == 1)
    }

    @Test func `a refusal stands on the trail with its error`() throws {
        _ = try service.createUser("bob", caller: home.root)
        #expect(
            refusal { try service.createUser("eve", caller: home.caller("bob")) }?.code == .iamAccessDenied
        )
        #expect(refusal { try service.deleteUser("nobody", caller: home.root) }?.code == .noSuchEntity)
        #expect(refusal { try service.getUser("nobody", caller: home.root) }?.code == .noSuchEntity)
        let lines = try home.lines().dropFirst()
        #expect(lines.map(\.record.errorCode) == ["AccessDenied", "NoSuchEntity", "NoSuchEntity"])
        #expect(lines.map(\.record.eventName) == ["CreateUser", "DeleteUser", "GetUser"])
    }

    @Test func `a change whose line cannot be written is not made`() throws {
        _ = try service.createUser("bob", caller: home.root)
        try FileManager.default.removeItem(atPath: home.folder.path("trail"))
        try home.folder.write([], to: "trail")
        for refused in [
            refusal { try service.deleteUser("bob", caller: home.root) },
            refusal { try service.listUsers(caller: home.root) },
        ] {
            #expect(refused?.code == .kmsInternal && refused?.message.contains("a file of the home") == true)
        }
        #expect(try service.directory.exists(home.caller("bob").principal))
    }
}
