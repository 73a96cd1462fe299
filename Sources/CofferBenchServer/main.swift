// Measures what the cipher costs on the path of a byte; `coffer bench volume` starts it. It is not part of the product.
BenchServerMain.main()
