/// Who besides its owner may make volumes of a snapshot. (EC2 API reference, `CreateVolumePermission`.)
public enum SnapshotGrantee: Hashable, Sendable, Comparable {
    /// Every account: the snapshot is public.
    case everyone
    case account(AccountID)

    /// As it is stored and shown: `all`, or 12 digits.
    public var text: String {
        switch self {
        case .everyone: "all"
        case .account(let account): account.digits
        }
    }

    /// nil for anything but `all` and an account's id.
    public init?(_ text: String) {
        if text == "all" {
            self = .everyone
        } else if let account = AccountID(text) {
            self = .account(account)
        } else {
            return nil
        }
    }

    public static func < (left: SnapshotGrantee, right: SnapshotGrantee) -> Bool { left.text < right.text }
}
