internal import CofferShapes

/// The key policies that AWS KMS gives to keys. (Developer guide, "Default key policy"; the policies of AWS
/// managed keys as `GetKeyPolicy` shows them.)
enum DefaultPolicy {
    static let name = "default"

    /// Of a key made without a policy: the account, and by it whoever its identity policies allow.
    static func customer(account: AccountID) -> String {
        """
        {
          "Version" : "2012-10-17",
          "Id" : "key-default-1",
          "Statement" : [ {
            "Sid" : "Enable IAM User Permissions",
            "Effect" : "Allow",
            "Principal" : {
              "AWS" : "\(ARN.root(account))"
            },
            "Action" : "kms:*",
            "Resource" : "*"
          } ]
        }
        """
    }

    /// Of an AWS managed key: everybody in the account may use it through its service, the account may look
    /// at it, and nobody may change it.
    static func awsManaged(_ service: AWSService, region: Region, account: AccountID) -> String {
        let (id, words) =
            switch service {
            case .ebs: ("auto-ebs-2", "EBS")
            case .rds: ("auto-rds-2", "RDS")
            case .s3: ("auto-s3-2", "S3")
            }
        return """
            {
              "Version" : "2012-10-17",
              "Id" : "\(id)",
              "Statement" : [ {
                "Sid" : "Allow access through \(words) for all principals in the account that are authorized to use \(words)",
                "Effect" : "Allow",
                "Principal" : {
                  "AWS" : "*"
                },
                "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
                "Resource" : "*",
                "Condition" : {
                  "StringEquals" : {
                    "kms:CallerAccount" : "\(account)",
                    "kms:ViaService" : "\(service.endpointPrefix).\(region).amazonaws.com"
                  }
                }
              }, {
                "Sid" : "Allow direct access to key metadata to the account",
                "Effect" : "Allow",
                "Principal" : {
                  "AWS" : "\(ARN.root(account))"
                },
                "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
                "Resource" : "*"
              } ]
            }
            """
    }
}
