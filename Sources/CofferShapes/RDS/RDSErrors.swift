// Error codes of Amazon RDS as they stand on the wire, where some have lost their "Fault". (RDS API reference, each
// action's errors.)
extension AWSError.Code {
    public static let databaseNotFound = AWSError.Code("DBInstanceNotFound", .notFound)
    public static let databaseAlreadyExists = AWSError.Code("DBInstanceAlreadyExists", .refused)
    public static let invalidDatabaseState = AWSError.Code("InvalidDBInstanceState", .wrongState)
    public static let databaseSnapshotNotFound = AWSError.Code("DBSnapshotNotFound", .notFound)
    public static let databaseSnapshotAlreadyExists = AWSError.Code("DBSnapshotAlreadyExists", .refused)
    public static let invalidDatabaseSnapshotState = AWSError.Code("InvalidDBSnapshotState", .wrongState)
    public static let kmsKeyNotAccessible = AWSError.Code("KMSKeyNotAccessibleFault", .refused)
    public static let invalidRestore = AWSError.Code("InvalidRestoreFault", .refused)
    public static let pointInTimeRestoreNotEnabled = AWSError.Code("PointInTimeRestoreNotEnabled", .refused)
    public static let parameterGroupNotFound = AWSError.Code("DBParameterGroupNotFound", .notFound)
    public static let parameterGroupAlreadyExists = AWSError.Code("DBParameterGroupAlreadyExists", .refused)
    public static let invalidParameterGroupState = AWSError.Code("InvalidDBParameterGroupState", .wrongState)
    public static let storageQuotaExceeded = AWSError.Code("StorageQuotaExceeded", .refused)
}
