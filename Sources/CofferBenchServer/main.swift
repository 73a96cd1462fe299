// Measures what the cipher costs on the path of a byte; tools/bench starts it. It is not part of the product.
BenchServerMain.main()
