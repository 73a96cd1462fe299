internal import CPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import Testing

@testable import CofferPKCS11

@Suite struct ReturnCodeTests {
    private func error(of code: CK_RV) -> HardwareTokenError? {
        do throws(HardwareTokenError) {
            try ReturnCode.check(code, "C_Function")
            return nil
        } catch { return error }
    }

    @Test func `CKR_OK alone is success`() {
        #expect(error(of: 0) == nil)
        for code: CK_RV in [1...0x2FF, 0x8000_0000...0x8000_00FF].joined() {
            #expect(error(of: code) != nil, "\(code)")
        }
        #expect(error(of: .max) == .failed(function: "C_Function", code: .max))
    }

    @Test(
        arguments: [
            (HardwareTokenError.gone, [0x03, 0x30, 0x32, 0xB0, 0xB3, 0xE0, 0xE1, 0x101, 0x190]),
            (.wrongPIN, [0xA0, 0xA1, 0xA2]), (.pinLocked, [0xA4]), (.keyNotFound, [0x60, 0x82]),
            (.authenticationFailed, [0x40, 0x41, 0x42]),
        ] as [(HardwareTokenError, [CK_RV])]
    )
    func `codes that mean one thing to a caller are one error`(
        expected: HardwareTokenError,
        codes: [CK_RV]
    ) {
        for code in codes { #expect(error(of: code) == expected, "\(code)") }
        for code: CK_RV in 1...0x2FF where !codes.contains(code) {
            #expect(error(of: code) != expected, "\(code)")
        }
    }

    @Test func `a text says what failed and what to do next`() {
        #expect(
            "\(HardwareTokenError.failed(function: "C_Login", code: 0xA3))"
                == "C_Login failed with CKR_PIN_EXPIRED: set a new PIN with the token's own tool, then connect again"
        )
        #expect(
            "\(HardwareTokenError.failed(function: "C_Encrypt", code: 0x8000_0001))"
                == "C_Encrypt failed with the code 0x80000001: the module's own log may say more"
        )
        #expect(
            error(of: 0x70)?.description
                == "the token does not do what Coffer needs of C_Function: CKR_MECHANISM_INVALID"
        )
    }

    @Test func `structures are laid out as the standard says for 64 bits`() {
        #expect(MemoryLayout<CK_TOKEN_INFO>.size == 208)
        #expect(MemoryLayout<CK_SESSION_INFO>.size == 32)
        #expect(unsafe MemoryLayout<CK_ATTRIBUTE>.size == 24)
        #expect(unsafe MemoryLayout<CK_MECHANISM>.size == 24)
        #expect(unsafe MemoryLayout<CK_GCM_PARAMS>.size == 48)
        #expect(unsafe MemoryLayout<CK_C_INITIALIZE_ARGS>.size == 48)
        // A version, then one pointer for each function in the standard's order: C_GenerateKey is the 59th.
        #expect(unsafe MemoryLayout<CK_FUNCTION_LIST>.offset(of: \.C_GenerateKey) == 8 + 58 * 8)
        #expect(unsafe MemoryLayout<CK_FUNCTION_LIST>.offset(of: \.C_OpenSession) == 8 + 12 * 8)
    }
}
