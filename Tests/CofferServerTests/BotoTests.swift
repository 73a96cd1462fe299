import Testing

@testable import CofferServer

/// What AWS's own client makes of the answers.
@Suite(.enabled(if: Python.hasBoto3, "boto3 is missing: install it with pip")) struct BotoTests {
    @Test func `boto3 reads IAM's and STS's answers`() async throws {
        let got = try await run(
            """
            import boto3, json
            iam, sts = boto3.client('iam'), boto3.client('sts')
            user = iam.create_user(UserName='bob', Path='/a/')['User']
            key = iam.create_access_key(UserName='bob')['AccessKey']
            document = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'kms:*', 'Resource': '*'}]}
            iam.put_user_policy(UserName='bob', PolicyName='p', PolicyDocument=json.dumps(document))
            assert iam.get_user_policy(UserName='bob', PolicyName='p')['PolicyDocument'] == document
            assert iam.list_user_policies(UserName='bob')['PolicyNames'] == ['p']
            assert iam.get_user(UserName='bob')['User'] == user, user
            assert [u['UserName'] for u in iam.list_users()['Users']] == ['bob']
            assert user['CreateDate'].tzinfo is not None
            listed = iam.list_access_keys(UserName='bob')
            assert not listed['IsTruncated']
            assert listed['AccessKeyMetadata'][0]['AccessKeyId'] == key['AccessKeyId']
            bob = boto3.client('sts', aws_access_key_id=key['AccessKeyId'],
                               aws_secret_access_key=key['SecretAccessKey'])
            who = bob.get_caller_identity()
            assert who['Arn'] == user['Arn'] and who['UserId'].startswith('AIDA')
            iam.update_access_key(UserName='bob', AccessKeyId=key['AccessKeyId'], Status='Inactive')
            try:
                bob.get_caller_identity()
                raise SystemExit('an inactive key was accepted')
            except bob.exceptions.ClientError as error:
                assert error.response['Error']['Code'] == 'InvalidClientTokenId'
                assert error.response['ResponseMetadata']['HTTPStatusCode'] == 403
            iam.delete_access_key(UserName='bob', AccessKeyId=key['AccessKeyId'])
            iam.delete_user_policy(UserName='bob', PolicyName='p')
            iam.delete_user(UserName='bob')
            try:
                iam.get_user(UserName='bob')
                raise SystemExit('a deleted user is there')
            except iam.exceptions.NoSuchEntityException as error:
                print(error.response['Error']['Message'])
            """
        )
        #expect(got == "The user with name bob cannot be found.\n")
    }

    @Test func `boto3 reads the KMS's answers and errors`() async throws {
        let got = try await run(
            """
            import boto3, botocore
            kms = boto3.client('kms')
            metadata = kms.create_key(Description='d')['KeyMetadata']
            key = metadata['KeyId']
            assert metadata['CreationDate'].tzinfo is not None
            blob = kms.encrypt(KeyId=key, Plaintext=b'hello', EncryptionContext={'a': 'b'})
            assert blob['KeyId'] == metadata['Arn']
            plain = kms.decrypt(CiphertextBlob=blob['CiphertextBlob'], EncryptionContext={'a': 'b'})
            assert plain['Plaintext'] == b'hello'
            assert len(kms.generate_data_key(KeyId=key, KeySpec='AES_256')['Plaintext']) == 32
            assert kms.disable_key(KeyId=key)['ResponseMetadata']['RequestId']
            try:
                kms.describe_key(KeyId='fake-key-id')
            except kms.exceptions.NotFoundException as error:
                print(error.response['Error']['Message'])
            """
        )
        #expect(got == "Invalid keyId 'fake-key-id'\n")
    }

    private func run(_ script: String) async throws -> String {
        let subject = try await ServerSubject()
        let server = try await RunningServer(subject)
        let result = try await Python.run(script, [], environment: subject.clientEnvironment(server.url))
        try await server.stop()
        return result
    }
}
