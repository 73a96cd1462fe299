internal import CofferIdentity
internal import CofferSecrets
internal import CofferShapes

/// The actions of IAM that Coffer has: users, their inline policies and their access keys. (IAM API reference)
///
/// Each method makes one call and writes its result element; actions that give nothing write nothing.
struct IAMCall {
    static let namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
    static let actions: Set = [
        "CreateUser", "GetUser", "ListUsers", "DeleteUser",
        "PutUserPolicy", "GetUserPolicy", "ListUserPolicies", "DeleteUserPolicy",
        "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey",
    ]

    let identity: IdentityService
    let form: QueryForm
    let caller: Caller

    func answer(_ writer: inout XMLWriter) throws {
        switch form.action {
        case "CreateUser": try createUser(&writer)
        case "GetUser": try getUser(&writer)
        case "ListUsers": try listUsers(&writer)
        case "DeleteUser": try identity.deleteUser(try userName(), caller: caller)
        case "PutUserPolicy": try putUserPolicy()
        case "GetUserPolicy": try getUserPolicy(&writer)
        case "ListUserPolicies": try listUserPolicies(&writer)
        case "DeleteUserPolicy": try deleteUserPolicy()
        case "CreateAccessKey": try createAccessKey(&writer)
        case "ListAccessKeys": try listAccessKeys(&writer)
        case "UpdateAccessKey": try updateAccessKey()
        case "DeleteAccessKey": try deleteAccessKey()
        default: throw AWSError.unknownAction(form.action)
        }
    }

    private func userName() throws(AWSError) -> String { try form.required("UserName") }

    // MARK: - Users

    private func createUser(_ writer: inout XMLWriter) throws {
        let user = try identity.createUser(try userName(), path: form.text("Path") ?? "/", caller: caller)
        writer.element("CreateUserResult") { $0.element("User") { Self.write(user, &$0) } }
    }

    /// Without a name, the user who asks.
    private func getUser(_ writer: inout XMLWriter) throws {
        let user = try identity.getUser(form.text("UserName"), caller: caller)
        writer.element("GetUserResult") { $0.element("User") { Self.write(user, &$0) } }
    }

    private func listUsers(_ writer: inout XMLWriter) throws {
        let users = try identity.listUsers(
            pathPrefix: form.text("PathPrefix") ?? "/",
            page: try form.page(),
            caller: caller
        )
        writer.element("ListUsersResult") { writer in
            writer.list("Users", users.items) { writer, user in Self.write(user, &writer) }
            Self.writeEnd(of: users, &writer)
        }
    }

    private static func write(_ user: User, _ writer: inout XMLWriter) {
        writer.element("Path", user.path)
        writer.element("UserName", user.userName)
        writer.element("UserId", user.userID)
        writer.element("Arn", user.arn.description)
        writer.element("CreateDate", time(user.created))
    }

    /// IAM gives whole seconds.
    private static func time(_ time: Timestamp) -> String { "\(time.iso8601.prefix(19))Z" }

    private static func writeEnd<Item>(of listing: Listing<Item>, _ writer: inout XMLWriter) {
        writer.element("IsTruncated", listing.nextMarker != nil)
        writer.element("Marker", listing.nextMarker)
    }

    // MARK: - Policies

    private func putUserPolicy() throws {
        try identity.putUserPolicy(
            try form.required("PolicyName"),
            document: try form.required("PolicyDocument"),
            user: try userName(),
            caller: caller
        )
    }

    private func getUserPolicy(_ writer: inout XMLWriter) throws {
        let (user, name) = (try userName(), try form.required("PolicyName"))
        let document = try identity.getUserPolicy(name, user: user, caller: caller)
        writer.element("GetUserPolicyResult") { writer in
            writer.element("UserName", user)
            writer.element("PolicyName", name)
            writer.element("PolicyDocument", Self.percentEncoded(document))
        }
    }

    private func listUserPolicies(_ writer: inout XMLWriter) throws {
        let names = try identity.listUserPolicies(user: try userName(), page: try form.page(), caller: caller)
        writer.element("ListUserPoliciesResult") { writer in
            writer.element("PolicyNames") { writer in
                for name in names.items { writer.element("member", name) }
            }
            Self.writeEnd(of: names, &writer)
        }
    }

    private func deleteUserPolicy() throws {
        try identity.deleteUserPolicy(try form.required("PolicyName"), user: try userName(), caller: caller)
    }

    /// IAM gives policies back percent-encoded. (IAM API reference, `GetUserPolicy`; RFC 3986)
    private static func percentEncoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: encoded.append(byte)
            default: encoded += [UInt8(ascii: "%")] + Hex.lower([byte]).uppercased().utf8
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    // MARK: - Access keys

    private func createAccessKey(_ writer: inout XMLWriter) throws {
        let key = try identity.createAccessKey(user: form.text("UserName"), caller: caller)
        // Step by step, as no closure may hold the secret: it has one owner.
        writer.begin("CreateAccessKeyResult")
        writer.begin("AccessKey")
        Self.write(key.metadata, &writer)
        writer.begin("SecretAccessKey")
        key.secret.withBytes { writer.text($0) }
        writer.end("SecretAccessKey")
        writer.end("AccessKey")
        writer.end("CreateAccessKeyResult")
    }

    private func listAccessKeys(_ writer: inout XMLWriter) throws {
        let keys = try identity.listAccessKeys(
            user: form.text("UserName"),
            page: try form.page(),
            caller: caller
        )
        writer.element("ListAccessKeysResult") { writer in
            writer.list("AccessKeyMetadata", keys.items) { writer, key in Self.write(key, &writer) }
            Self.writeEnd(of: keys, &writer)
        }
    }

    private func updateAccessKey() throws {
        let text = try form.required("Status")
        guard let status = AccessKeyStatus(rawValue: text) else {
            throw AWSError(
                .iamValidation,
                "1 validation error detected: Value '\(text)' at 'status' failed to satisfy constraint: "
                    + "Member must satisfy enum value set: [Active, Inactive]"
            )
        }
        try identity.updateAccessKey(
            try form.required("AccessKeyId"),
            status: status,
            user: form.text("UserName"),
            caller: caller
        )
    }

    private func deleteAccessKey() throws {
        try identity.deleteAccessKey(
            try form.required("AccessKeyId"),
            user: form.text("UserName"),
            caller: caller
        )
    }

    private static func write(_ key: AccessKeyMetadata, _ writer: inout XMLWriter) {
        writer.element("UserName", key.userName)
        writer.element("AccessKeyId", key.accessKeyID)
        writer.element("Status", key.status.rawValue)
        writer.element("CreateDate", time(key.created))
    }
}
