import Coffer
import CofferCatalog
import CofferShapes
import NIOHTTP1
import Testing

@testable import CofferServer

@Suite struct QueryTests {
    @Test func `GetCallerIdentity tells who the root user is`() async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(
            subject.query("Action=GetCallerIdentity&Version=2011-06-15", service: "sts")
        )
        let account = subject.home.identity.account
        #expect(answer.status == 200)
        #expect(answer.contentType == .xml)
        #expect(
            answer.text
                == "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                + "<GetCallerIdentityResult><Arn>arn:aws:iam::\(account):root</Arn><UserId>\(account)</UserId>"
                + "<Account>\(account)</Account></GetCallerIdentityResult>"
                + "<ResponseMetadata><RequestId>\(answer.requestID)</RequestId></ResponseMetadata>"
                + "</GetCallerIdentityResponse>"
        )
    }

    @Test func `a user is made and shown`() async throws {
        let subject = try await ServerSubject()
        let account = subject.home.identity.account
        let answer = await subject.responder.answer(
            subject.query("Action=CreateUser&UserName=b%2Bo&Path=%2Fx%2F")
        )
        #expect(answer.status == 200)
        #expect(
            answer.text.hasPrefix("<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">")
        )
        #expect(
            answer.text.contains(
                "<CreateUserResult><User><Path>/x/</Path><UserName>b+o</UserName><UserId>AIDA"
            )
        )
        #expect(answer.text.contains("<Arn>arn:aws:iam::\(account):user/x/b+o</Arn>"))
        #expect(answer.text.contains("Z</CreateDate></User></CreateUserResult><ResponseMetadata>"))
    }

    @Test(arguments: [
        ("Action=GetUser&UserName=nobody", 404, "NoSuchEntity", "The user with name nobody cannot be found."),
        (
            "Action=CreateUser", 400, "ValidationError",
            "1 validation error detected: Value null at &apos;userName&apos; failed to satisfy constraint: Member must not be null"
        ),
        (
            "Action=CreateBucket", 400, "InvalidAction",
            "The action CreateBucket is not valid for this web service."
        ),
        (
            "Action=CreateRole", 400, "InvalidAction",
            "The action CreateRole is not valid for this web service. Coffer has users with access keys, and no roles, "
                + "groups or temporary credentials."
        ),
        (
            "Action=ListUsers&MaxItems=0", 400, "ValidationError",
            "1 validation error detected: Value &apos;0&apos; at &apos;maxItems&apos; failed to satisfy constraint: "
                + "Member must have value greater than or equal to 1"
        ),
        ("Action=&x=y", 400, "MissingAction", "The request is missing an action."),
        (
            "Action=GetUser&UserName=%ZZ", 400, "MalformedQueryString",
            "The query string contains a syntax error."
        ),
        (
            "Action=GetUser&Action=ListUsers", 400, "MalformedQueryString",
            "The query string contains a syntax error."
        ),
        (
            "Action=GetUser&UserName=%FF", 400, "MalformedQueryString",
            "The query string contains a syntax error."
        ),
    ]) func `a refusal is XML with AWS's code and status`(
        _ body: String,
        _ status: Int,
        _ code: String,
        _ message: String
    ) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(subject.query(body))
        #expect(answer.status == status)
        #expect(
            answer.text
                == "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>"
                + "<Code>\(code)</Code><Message>\(message.replacing("&apos;", with: "'"))</Message></Error>"
                + "<RequestId>\(answer.requestID)</RequestId></ErrorResponse>"
        )
    }

    @Test func `an unsigned request is refused as the Query services do it`() async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(
            unsigned(
                "POST",
                "/",
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: "Action=ListUsers"
            )
        )
        #expect(answer.status == 403)
        #expect(answer.text.contains("<Code>MissingAuthenticationToken</Code>"))
    }

    @Test func `a policy comes back percent-encoded`() async throws {
        let subject = try await ServerSubject()
        let document =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#
        let encoded = document.utf8.map { byte in
            UnicodeScalar(byte).properties.isAlphabetic || (0x30...0x39).contains(byte) || byte == 0x2D
                ? String(UnicodeScalar(byte)) : "%" + Hex.lower([byte]).uppercased()
        }.joined()
        for body in [
            "Action=CreateUser&UserName=u",
            "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=\(encoded)",
        ] {
            #expect(await subject.responder.answer(subject.query(body)).status == 200)
        }
        let answer = await subject.responder.answer(
            subject.query("Action=GetUserPolicy&UserName=u&PolicyName=p")
        )
        #expect(answer.text.contains("<PolicyDocument>\(encoded)</PolicyDocument>"))
    }

    @Test func `text in XML cannot end its element`() {
        var writer = XMLWriter()
        writer.element("A", "</A>&\"'\u{0}\t\r\n\u{FFFE}é")
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == "<A>&lt;/A&gt;&amp;&quot;'\u{FFFD}\t&#xD;\n\u{FFFD}é</A>"
        )
    }
}
