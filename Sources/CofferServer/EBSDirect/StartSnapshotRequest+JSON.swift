internal import CofferEBS
internal import CofferJSON
internal import CofferShapes

extension StartSnapshotRequest {
    /// Of a body, which has been checked then against the service model of EBS (2019-11-02). A member that nobody knows is
    /// refused: an option that protects something and is misspelled must not be dropped.
    init(_ body: [UInt8]) throws {
        let root: JSONValue
        do {
            root = try JSONDocument(body).root
        } catch {
            throw AWSError(.serialization, "The body is not JSON.")
        }
        try InputValidation.check(root, of: body, against: Self.members)
        let names = Set(Self.members.map(\.name))
        if let unknown = root.members?.first(where: { !names.contains($0.name) }) {
            throw AWSError(.validation, "The member \(unknown.name.prefix(100)) is not known.")
        }
        let arguments = Arguments(root, of: body)
        self.init(volumeSizeGiB: arguments.integer("VolumeSize") ?? 0)
        parent = arguments.text("ParentSnapshotId")
        description = arguments.text("Description") ?? ""
        clientToken = arguments.text("ClientToken")
        isEncrypted = root["Encrypted"]?.bool
        key = arguments.optionalKey("KmsKeyArn")
        timeoutMinutes = arguments.integer("Timeout") ?? 60
        tags = try (root["Tags"]?.elements ?? []).map { element in
            guard let key = element["Key"]?.string else {
                throw DirectError(.validation(.invalidTag), "A tag has a key.")
            }
            return Tag(key: key, value: element["Value"]?.string ?? "")
        }
    }

    /// Sizes and times are the volume service's to judge, which says what they may be.
    private static let members = [
        InputMember("VolumeSize", .integer(Int.min...Int.max), isRequired: true),
        InputMember("ParentSnapshotId", .text(1...64, .snapshotID), isRequired: false),
        InputMember(
            "Tags",
            .list(
                .structure([
                    InputMember("Key", .text(0...127), isRequired: false),
                    InputMember("Value", .text(0...255), isRequired: false),
                ])
            ),
            isRequired: false
        ),
        InputMember("Description", .text(0...255), isRequired: false),
        InputMember("ClientToken", .text(1...255, .clientToken), isRequired: false),
        InputMember("Encrypted", .boolean, isRequired: false),
        InputMember("KmsKeyArn", .text(1...2048, .kmsKeyARN), isRequired: false),
        InputMember("Timeout", .integer(Int.min...Int.max), isRequired: false),
    ]
}

extension InputPattern {
    fileprivate static let snapshotID = InputPattern(source: "^snap-[0-9a-f]+$") { text in
        text.hasPrefix("snap-") && text.utf8.count > 5 && text.utf8.dropFirst(5).allSatisfy(Hex.isLowerDigit)
    }

    fileprivate static let clientToken = InputPattern(source: "^[\\S]+$") { text in
        text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace }
    }

    /// Coffer's ARNs are of the partition `aws`.
    fileprivate static let kmsKeyARN = InputPattern(
        source: "arn:aws[a-z\\-]*:kms:.*:[0-9]{12}:key/.*"
    ) { text in
        ARN(text).map {
            $0.service == "kms" && AccountID($0.account) != nil && $0.resource.hasPrefix("key/")
        } ?? false
    }
}
