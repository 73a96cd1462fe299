/// A certificate for `localhost` that nothing but the tests trusts, and its key.
enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBlzCCAT6gAwIBAgITSNFEkjEfO5vAe/IHJ0f3/h5E5TAKBggqhkjOPQQDAjAW
        MRQwEgYDVQQDDAtDb2ZmZXIgdGVzdDAgFw0yNjExMjUwMjI3MjlaGA8yMTI2MTEw
        MTAyMjcyOVowFjEUMBIGA1UEAwwLQ29mZmVyIHRlc3QwWTATBgcqhkjOPQIBBggq
        hkjOPQMBBwNCAAR1wOcJ7nIEJD4i8W+wDKRFg/F1mcTeTvkO1ReUSOusNoNUhFzc
        /UdPmKXvuGzM7wO7UpgYtD8NSjoapyruHhelo2kwZzAdBgNVHQ4EFgQUCOT7BkEH
        ScDIvRJnw119MhctAYQwHwYDVR0jBBgwFoAUCOT7BkEHScDIvRJnw119MhctAYQw
        DwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0E
        AwIDRwAwRAIgNy6Ymqi3pTzhFrJu+sfv7Ygfl/7mVoL/8dsf75YoohgCIFwZKVuB
        AOp8OnQuAoOYUBHoFTCQS41QDaU/gkYrVEmK
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgH2UqRsOPgEfa1/DJ
        yleKI5xu3H1yHmd2ziwmv0bj+JqhRANCAAR1wOcJ7nIEJD4i8W+wDKRFg/F1mcTe
        TvkO1ReUSOusNoNUhFzc/UdPmKXvuGzM7wO7UpgYtD8NSjoapyruHhel
        -----END PRIVATE KEY-----
        """
}
