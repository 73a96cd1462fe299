internal import CofferCatalog
public import CofferShapes

// Access keys. Without a user's name, the caller's own: this is how the root user gets one.
extension IdentityService {
    /// Makes an access key. Its secret is in this answer and in no later one. (IAM `CreateAccessKey`)
    public func createAccessKey(user name: String? = nil, caller: Caller) throws -> CreatedAccessKey {
        try change("CreateAccessKey", ["userName": name], caller) { commit in
            let subject = try subject(name, for: "iam:CreateAccessKey", caller)
            let id = AccessKeyMaking.id(random)
            let secret = AccessKeyMaking.secret(random)
            let record = AccessKeyRecord(
                id: id,
                userID: subject.userID,
                wrappedSecret: try directory.wrap(secret, id: id, userID: subject.userID),
                isActive: true,
                created: clock.now
            )
            try commit { rows in
                try Self.require(subject, rows)
                guard try rows.accessKeys(ofUser: subject.userID).count < IdentityLimits.accessKeysPerUser
                else {
                    throw IdentityRefusal.quota("AccessKeysPerUser", IdentityLimits.accessKeysPerUser)
                }
                try rows.insert(record)
            }
            return CreatedAccessKey(metadata: answer(record, subject), secret: secret)
        }
    }

    /// (IAM `ListAccessKeys`)
    public func listAccessKeys(
        user name: String? = nil,
        page: Page = Page(),
        caller: Caller
    ) throws -> Listing<AccessKeyMetadata> {
        try read("ListAccessKeys", ["userName": name], caller) {
            let subject = try subject(name, for: "iam:ListAccessKeys", caller)
            let keys = try catalog.readIdentities { try $0.accessKeys(ofUser: subject.userID) }
            return try IdentityPagination.part(keys.map { answer($0, subject) }, page) { $0.accessKeyID }
        }
    }

    /// Makes an access key count, or count no longer: from the next request on. (IAM `UpdateAccessKey`)
    public func updateAccessKey(
        _ id: String,
        status: AccessKeyStatus,
        user name: String? = nil,
        caller: Caller
    ) throws {
        try change(
            "UpdateAccessKey",
            ["userName": name, "accessKeyId": id, "status": status.rawValue],
            caller
        ) { commit in
            try IdentityNames.check(accessKeyID: id)
            let subject = try subject(name, for: "iam:UpdateAccessKey", caller)
            try commit { rows in
                try Self.require(id, of: subject, rows)
                try rows.setActive(status == .active, accessKey: id)
            }
        }
    }

    /// (IAM `DeleteAccessKey`)
    public func deleteAccessKey(_ id: String, user name: String? = nil, caller: Caller) throws {
        try change("DeleteAccessKey", ["userName": name, "accessKeyId": id], caller) { commit in
            try IdentityNames.check(accessKeyID: id)
            let subject = try subject(name, for: "iam:DeleteAccessKey", caller)
            try commit { rows in
                try Self.require(id, of: subject, rows)
                try rows.removeAccessKey(id)
            }
        }
    }

    /// The user may have gone since it was found.
    private static func require(_ subject: Subject, _ rows: IdentityRows) throws {
        guard case .user(let user) = subject else { return }
        guard try rows.user(id: user.id) != nil else { throw IdentityRefusal.noUser(user.name) }
    }

    /// The key must be there, and the subject's.
    private static func require(_ id: String, of subject: Subject, _ rows: IdentityRows) throws {
        guard let key = try rows.accessKey(id), key.userID == subject.userID else {
            throw IdentityRefusal.noAccessKey(id)
        }
    }

    private func answer(_ key: AccessKeyRecord, _ subject: Subject) -> AccessKeyMetadata {
        AccessKeyMetadata(
            userName: subject.userName,
            accessKeyID: key.id,
            status: key.isActive ? .active : .inactive,
            created: key.created
        )
    }
}
